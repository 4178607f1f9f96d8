import importlib.util

import pytest

import app
from app.cli import WindowRequest, main
from app.storage.paths import config_dir

LINK = "anytls://needle@one.example:8443/#One"


class Windows:
    """Shows no window, and remembers which were asked for."""

    def __init__(self):
        self.requests: list[WindowRequest] = []

    def __call__(self, request):
        self.requests.append(request)
        return 42


@pytest.fixture
def windows(monkeypatch):
    """Windows that could be shown here."""
    for name in ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("sys.platform", "linux")
    return Windows()


@pytest.fixture
def demos(monkeypatch):
    """The demos in the terminal that were asked for, none of which runs."""
    asked: list = []

    def demo(parsed):
        asked.append(parsed)
        return 7

    monkeypatch.setattr("app.cli.connect.demo_command", demo)
    return asked


@pytest.mark.parametrize(
    "arguments",
    [
        ["unknown"],
        ["--minimized", "unknown"],
        ["--log-level", "loud"],
        ["on", "off"],
        ["switch"],
        ["import"],
        ["import", "--yes"],
        ["status", "--yaml"],
        ["connect", "--listen", "nowhere"],
        ["connect", "--no-such-option"],
        ["serve"],
        ["serve", "--listen", "127.0.0.1:0"],
        ["serve", "--listen", "127.0.0.1:0", "--password-file", "f", "--password-env", "V"],
        ["probe", "--target", "x"],
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    captured = capsys.readouterr()
    assert caught.value.code == 2
    assert captured.out == ""
    assert captured.err.startswith("anytls-tray: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["connect", "nonsense"], 2),
        (["connect"], 2),
        (["probe", "https://example.com"], 2),
        (["connect", "--config", "/no/such/file"], 2),
        (["serve", "--listen", "127.0.0.1:0", "--password-file", "/no/such/file"], 2),
        (["connect", "anytls://x@127.0.0.1:1/", "--listen", "0.0.0.0:0"], 2),
        (["connect", "anytls://x@127.0.0.1:1/", "--listen", "192.0.2.1:1080", "--user-env", "LOCAL"], 1),
    ],
)
def test_a_failure_is_one_sentence_and_its_exit_code(arguments, code, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCAL", "anna:secret")
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_help_and_nothing(capsys):
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(verb in captured.err for verb in ("connect", "serve", "probe", "status", "import", "--demo"))


def test_the_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"anytls-tray {app.__version__}\n"


@pytest.mark.parametrize("place", [0, 1])
def test_the_log_level_may_stand_before_the_verb_or_behind_it(place, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr("app.cli.probe.log_to_stderr", asked.append)
    arguments = ["probe", "nonsense"]
    arguments[place:place] = ["--log-level", "error"]
    main(arguments)
    assert asked == ["error"]


def test_ctrl_c_before_anything_runs_is_no_error(monkeypatch):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("app.cli.probe.imported", interrupted)
    assert main(["probe", "-"]) == 0


# ---- a window


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], WindowRequest()),
        (["--demo"], WindowRequest(demo=True)),
        (["--minimized"], WindowRequest(minimized=True)),
        (["--log-level", "debug"], WindowRequest(log_level="debug")),
        ([LINK], WindowRequest(texts=(LINK,))),
        (["--log-level", "debug", LINK], WindowRequest(texts=(LINK,), log_level="debug")),
        ([LINK, "--minimized", LINK], WindowRequest(minimized=True, texts=(f"{LINK}\n{LINK}",))),
    ],
)
def test_without_a_verb_a_window_is_shown(words, expected, windows):
    assert main(words, windows) == 42
    assert windows.requests == [expected]


def test_a_files_text_goes_to_the_window(windows, tmp_path):
    path = tmp_path / "links"
    path.write_text(LINK)
    assert main([str(path)], windows) == 42
    assert windows.requests[0].texts == (LINK,)


def test_a_request_shows_no_link():
    assert "needle" not in repr(WindowRequest(texts=(LINK,)))


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"])
def test_any_display_is_a_display(name, windows, monkeypatch):
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setenv(name, "x")
    assert main([], windows) == 42


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_windows_and_macos_always_have_one(platform, windows, monkeypatch):
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr("app.cli._handed_over", lambda _request: False)
    assert main([], windows) == 42


@pytest.fixture(params=["no display", "no Qt", "no qasync", "not wanted", "no window"])
def hindered(request, windows, monkeypatch):
    """Carries out a command where no window can be, for one reason or another."""
    words: list[str] = []
    match request.param:
        case "no display":
            monkeypatch.delenv("DISPLAY")
        case "no Qt" | "no qasync":
            missing = "PySide6" if request.param == "no Qt" else "qasync"
            find = importlib.util.find_spec
            monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == missing else find(name))
        case "not wanted":
            words = ["--no-window"]

    def carry_out(*more):
        return main([*words, *more], None if request.param == "no window" else windows)

    yield carry_out
    assert windows.requests == []


def test_where_no_window_can_be_the_demo_runs_in_the_terminal(hindered, demos):
    assert hindered("--demo") == 7
    assert len(demos) == 1


@pytest.mark.parametrize("words", [[], ["--minimized"]])
def test_where_no_window_can_be_nothing_else_is_done(words, hindered, capsys):
    assert hindered(*words) == 2
    assert "VERB" in capsys.readouterr().err


def test_where_no_window_can_be_a_link_is_only_looked_at(hindered, capsys):
    assert hindered(LINK) == 0
    assert capsys.readouterr().out.splitlines() == ["One: one.example:8443", "Nothing was added; --yes adds it."]
    assert not (config_dir() / "profiles.json").exists()


def test_a_verb_never_asks_for_a_window(windows, capsys):
    assert main(["probe", "nonsense"], windows) == 2
    assert main(["status"], windows) == 1
    assert windows.requests == []


def test_the_word_that_decides_is_not_the_log_level(windows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "debug").touch()
    assert main(["--log-level", "debug", "status"], windows) == 1
