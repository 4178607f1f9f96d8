"""The words of the command line, said to a real server on Qt's loop; it runs in a thread of the test's own."""

import asyncio
import io
import json
import sys

import pytest

from app.cli import main
from app.cli import remote as remote_module
from app.cli.remote import hand_over, is_source, preview, texts_of
from app.client.remote import WindowDoor, serve
from app.errors import BadFile, BadInput, NotAnswering
from app.storage.passwords import KeyringState, Protection, Vault
from app.storage.paths import config_dir
from app.system import instance
from app.ui.instance import InstanceServer
from tests.fakes.desk import desk, profile_of
from tests.fakes.peers import PASSWORD
from tests.fakes.questions import Answers
from tests.fakes.servers import anytls_server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets with a path")

LINK = "anytls://needle@one.example:8443/?insecure=1#One"
NOT_RUNNING = "anytls-tray: AnyTLS Tray is not running.\n"


class Running:
    """An instance that runs, and what its window was asked for."""

    def __init__(self, desk):
        self.desk = desk
        self.shown: list[str] = []
        self.texts: list[str] = []
        self.over = asyncio.Event()
        door = WindowDoor(self.shown.append, self.texts.append, self.over.set)
        self.server = InstanceServer(serve(desk.control, door))

    async def say(self, *arguments):
        """The exit code of a command."""
        return await asyncio.to_thread(main, arguments)


@pytest.fixture
async def running(qtbot, tmp_path):
    async with desk(tmp_path) as made:
        one = Running(made)
        assert one.server.listen()
        yield one
        await one.server.close()


@pytest.fixture
async def connectable(running):
    async with anytls_server() as server:
        await running.desk.profiles.add(profile_of(server, "Berlin"), (PASSWORD,))
        yield running
        await running.desk.control.disconnect()


@pytest.fixture
def stdin(monkeypatch):
    def give(text):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return give


# ---- no instance runs


@pytest.mark.parametrize("words", [["on"], ["off"], ["toggle"], ["switch", "x"], ["status", "--json"], ["quit"]])
def test_without_an_instance_verbs_fail_in_one_sentence(words, capsys):
    assert main(words) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == NOT_RUNNING


def test_an_import_without_yes_is_only_looked_at(capsys):
    assert main(["import", LINK, "anytls://nothing"]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "One: one.example:8443",
        "  The server's certificate is not checked: anyone on the way can read along.",
        "Nothing was added; --yes adds it.",
    ]
    assert captured.err.startswith("anytls-tray: anytls://•••: This link cannot be used: ")
    assert captured.err.count("\n") == 1
    assert not (config_dir() / "profiles.json").exists()


def test_an_import_of_nothing(capsys, stdin):
    stdin("hello")
    assert main(["import", "-"]) == 2
    assert "no anytls:// link" in capsys.readouterr().err


def test_an_import_of_what_is_no_text(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xff"), encoding="utf-8"))
    assert main(["import", "-", "--yes"]) == 2
    assert "no text" in capsys.readouterr().err


# ---- an instance runs


async def test_status(running, capsys):
    assert await running.say("status", "--json") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "state": "off",
        "profile": None,
        "listen": None,
        "up": 0,
        "down": 0,
        "sessions": [],
    }
    assert await running.say("status") == 0
    assert capsys.readouterr().out == "off\n"


async def test_on_waits_until_it_is_on(connectable, capsys):
    assert await connectable.say("on") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("on · Berlin · 127.0.0.1:")
    assert second.startswith("sent: ")
    assert await connectable.say("off") == 0
    assert capsys.readouterr().out == "off · Berlin\n"
    assert await connectable.say("toggle") == 0
    assert connectable.desk.client.state.value == "on"


async def test_what_comes_to_nothing_is_said_with_its_reason(running, capsys):
    async with anytls_server() as server:
        await running.desk.profiles.add(profile_of(server, "Berlin"), ("wrong",))
        assert await running.say("on") == 1
        captured = capsys.readouterr()
        assert captured.out.startswith("failed · Berlin")
        assert "wrong password" in captured.err
        await running.desk.control.disconnect()


async def test_switch(running, capsys):
    await running.desk.add("Berlin", "Paris")
    assert await running.say("switch", "paris") == 0
    assert capsys.readouterr().out == "off · Paris\n"
    assert await running.say("switch", "Atlantis") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("anytls-tray: There is no such profile.")


async def test_quit_waits_until_it_is_gone(running, capsys):
    saying = asyncio.ensure_future(running.say("quit"))
    await running.over.wait()
    assert not saying.done()
    await running.server.close()
    assert await saying == 0
    assert capsys.readouterr().err == ""


async def test_one_that_does_not_go_is_said(running, capsys, monkeypatch):
    monkeypatch.setattr(remote_module, "_GONE", 0.0)
    assert await running.say("quit") == 1
    assert "does not answer" in capsys.readouterr().err


async def test_an_import_is_handed_to_the_window(running, capsys, stdin, monkeypatch):
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "a-token")
    stdin(f"{LINK}\n")
    assert await running.say("import", "-") == 0
    assert (running.shown, running.texts) == (["a-token"], [f"{LINK}\n"])
    assert running.desk.profiles.entries == ()
    assert "shows" in capsys.readouterr().out


async def test_an_import_with_yes_is_added_by_the_instance(running, capsys):
    assert await running.say("import", LINK, "--yes") == 0
    captured = capsys.readouterr()
    assert captured.out == "Added: One\n"
    assert "certificate is not checked" in captured.err
    assert [entry.profile.name for entry in running.desk.profiles.entries] == ["One"]
    assert not (config_dir() / "profiles.json").exists()  # it is the instance that writes
    assert await running.say("import", LINK, "anytls://nothing", "--yes") == 1
    captured = capsys.readouterr()
    assert captured.out == "Known already: One\n"
    assert "needle" not in captured.err


async def test_too_much_is_not_handed_over(running, capsys, stdin):
    stdin("x" * (instance.MAX_REQUEST + 1))
    assert await running.say("import", "-") == 2
    assert "too long" in capsys.readouterr().err


async def test_a_second_start_raises_the_window(running):
    def no_window(_request):
        raise AssertionError("a second window")

    assert await asyncio.to_thread(main, [], no_window) == 0
    assert (running.shown, running.texts) == ([""], [])
    assert await asyncio.to_thread(main, [LINK], no_window) == 0
    assert running.texts == [LINK]
    assert await asyncio.to_thread(main, ["--minimized"], no_window) == 0
    assert len(running.shown) == 2


async def test_a_second_start_of_the_demo_says_why_there_is_none(running, capsys):
    assert await asyncio.to_thread(main, ["--demo"], lambda _request: 3) == 0
    assert "is running already" in capsys.readouterr().out


async def test_an_instance_that_does_not_answer_is_not_taken_for_none(running, capsys, monkeypatch):
    def silent(*_arguments):
        raise NotAnswering

    monkeypatch.setattr(remote_module, "ask", silent)
    for words in (["import", LINK, "--yes"], ["import", LINK], ["status"], []):
        assert await asyncio.to_thread(main, words, lambda _request: 3) == 1
        assert "does not answer" in capsys.readouterr().err
    assert not (config_dir() / "profiles.json").exists()


def test_whether_one_runs_is_told_by_handing_over():
    assert not hand_over([])
    assert not hand_over([LINK])


# ---- added without an instance


@pytest.fixture
def no_keyring(monkeypatch):
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


async def protected_by(protection, *passwords):
    answers = Answers()
    answers.master.extend(passwords)
    await Vault(config_dir() / "vault.json", answers).change_protection(protection)


@pytest.mark.usefixtures("no_keyring")
def test_without_a_keyring_nothing_is_added(capsys):
    assert main(["import", LINK, "--yes"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "anytls-tray: This system has no keyring that answers.\n"
    assert not (config_dir() / "profiles.json").exists()


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (KeyringState.LOCKED, "keyring is locked"),
        (KeyringState.DENIED, "does not let this program in"),
        (KeyringState.MISSING, "no keyring"),
    ],
)
@pytest.mark.usefixtures("no_keyring")
def test_why_the_keyring_cannot_be_used_is_said(state, sentence, capsys, monkeypatch):
    async def keyring_state(_vault):
        return state

    monkeypatch.setattr(Vault, "keyring_state", keyring_state)
    assert main(["import", LINK, "--yes"]) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("no_keyring")
def test_a_master_password_is_not_asked_for_here(capsys):
    asyncio.run(protected_by(Protection.MASTER, "master"))
    assert main(["import", LINK, "--yes"]) == 2
    assert "in the window alone" in capsys.readouterr().err


@pytest.mark.usefixtures("no_keyring")
def test_where_passwords_are_not_kept_the_profile_is_and_that_is_said(capsys):
    asyncio.run(protected_by(Protection.ASK))
    assert main(["import", LINK, "--yes"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "Added: One\n"
    assert "password is not kept" in captured.err
    assert "one.example" in (config_dir() / "profiles.json").read_text()
    for path in config_dir().parent.parent.rglob("*"):
        assert path.is_dir() or b"needle" not in path.read_bytes()
    assert main(["import", LINK, "--yes"]) == 0
    assert capsys.readouterr().out == "Known already: One\n"


@pytest.mark.usefixtures("no_keyring")
def test_a_damaged_file_is_said(capsys):
    asyncio.run(protected_by(Protection.ASK))
    (config_dir() / "profiles.json").write_text("{")
    main(["import", LINK, "--yes"])
    assert "profiles.json" in capsys.readouterr().err


def test_a_preview_of_nothing_is_refused():
    with pytest.raises(BadInput):
        preview(["hello"])


# ---- sources


def test_all_links_make_one_text(tmp_path, stdin):
    stdin("from standard input")
    path = tmp_path / "links"
    path.write_text("from a file")
    found = texts_of(["anytls://a@b", str(path), "ANYTLS://c@d", "-"])
    assert found == ("anytls://a@b\nANYTLS://c@d", "from a file", "from standard input")


def test_a_file_that_cannot_be_read():
    with pytest.raises(BadFile):
        texts_of(["/no/such/file"])


def test_what_is_a_source(tmp_path):
    (tmp_path / "file").touch()
    assert is_source("anytls://x")
    assert is_source(str(tmp_path / "file"))
    assert not is_source(str(tmp_path))
    assert not is_source("connect")
    assert not is_source("x" * 10_000)
