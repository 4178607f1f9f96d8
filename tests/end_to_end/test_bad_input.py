"""What cannot be used: one clear sentence on standard error, the right exit code, nothing half-started."""

import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from tests.end_to_end.apps import status
from tests.end_to_end.programs import Finished, Home
from tests.end_to_end.website import Website
from tests.fakes import certificates

SECRET = "hunter2"
LINK = f"anytls://{SECRET}@127.0.0.1:1/?hpkp={'00' * 32}"

FAILED, WRONG_USE = 1, 2


@pytest.fixture
def files(home: Home) -> dict[str, str]:
    """Files by name: some are as they should be, most are not."""
    pem, format_ = Encoding.PEM, PrivateFormat.PKCS8
    good, other = certificates.good(), certificates.self_signed()
    contents = {
        "empty": b"",
        "binary": b"\xff\xfe\x00\x01",
        "password": SECRET.encode(),
        "twice": b"me:one\nme:two\n",
        "nameless": b":secret\n",
        "json": b'{"outbounds": [{"protocol": "freedom"}]}',
        "broken.json": b'{"outbounds": [',
        "wrong.json": b'{"outbounds": [{"protocol": "anytls", "settings": {"servers": "none"}}]}',
        "scheme": b"stop=8\n0=30-30\n",
        "broken-scheme": b"stop=many\n",
        "huge-scheme": b"stop=2\n1=1-9223372036854775807\n",
        "certificate": good.pem,
        "key": good.key.private_bytes(pem, format_, NoEncryption()),
        "other-key": other.key.private_bytes(pem, format_, NoEncryption()),
        "locked-key": good.key.private_bytes(pem, format_, BestAvailableEncryption(b"locked")),
    }
    folder = home.folder / "files"
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: str(folder / name) for name in (*contents, "missing", ".")}


@pytest.fixture
async def taken() -> AsyncIterator[str]:
    """A port where something listens already."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield f"127.0.0.1:{sock.getsockname()[1]}"


def is_one_sentence(finished: Finished) -> bool:
    """Whether it said what was wrong in one line, and nothing else anywhere."""
    (line,) = finished.err.splitlines()
    return line.startswith("anytls-tray: ") and line.endswith(".") and not finished.out


Arguments = Callable[[dict[str, str]], tuple[str, ...]]

CONNECT: dict[str, tuple[Arguments, str]] = {
    "not a link": (lambda f: ("nonsense",), "does not begin with anytls://"),
    "another scheme": (lambda f: ("vless://x@y",), "does not begin with anytls://"),
    "no host": (lambda f: ("anytls://x@",), "host"),
    "no password": (lambda f: ("anytls://127.0.0.1:1/",), "password"),
    "no such port": (lambda f: ("anytls://x@127.0.0.1:70000/",), "port"),
    "reality": (lambda f: ("anytls://x@127.0.0.1/?security=reality",), "REALITY"),
    "bad pin": (lambda f: ("anytls://x@127.0.0.1/?hpkp=12",), "pin"),
    "no source": (lambda f: (), "give either a link"),
    "two sources": (lambda f: (LINK, "--config", f["json"]), "give either a link"),
    "missing config": (lambda f: ("--config", f["missing"]), "it does not exist"),
    "a folder": (lambda f: ("--config", f["."]), "it is a folder"),
    "not JSON": (lambda f: ("--config", f["broken.json"]), "not valid JSON"),
    "binary": (lambda f: ("--config", f["binary"]), "not valid JSON"),
    "wrong JSON": (lambda f: ("--config", f["wrong.json"]), "outbounds[0].settings.servers"),
    "other JSON": (lambda f: ("--config", f["json"]), "no outbound with the protocol anytls"),
    "listen nowhere": (lambda f: (LINK, "--listen", "1080"), "--listen"),
    "listen too high": (lambda f: (LINK, "--listen", "127.0.0.1:65536"), "--listen"),
    "open to others": (lambda f: (LINK, "--listen", "0.0.0.0:0"), "needs a local user and password"),
    "missing login": (lambda f: (LINK, "--user-file", f["missing"]), "it does not exist"),
    "half a login": (lambda f: (LINK, "--user-file", f["password"]), "user:password"),
    "no login": (lambda f: (LINK, "--user-env", "NOT_SET"), "NOT_SET is empty"),
    "strange option": (lambda f: (LINK, "--fast"), "--fast"),
    "strange level": (lambda f: (LINK, "--log-level", "loud"), "--log-level"),
}

SERVE: dict[str, tuple[Arguments, str]] = {
    "no password": (lambda f: (), "--password-file"),
    "two passwords": (lambda f: ("--password-file", f["password"], "--password-env", "X"), "--password-env"),
    "missing password": (lambda f: ("--password-file", f["missing"]), "it does not exist"),
    "empty password": (lambda f: ("--password-file", f["empty"]), "it holds no password"),
    "binary password": (lambda f: ("--password-file", f["binary"]), "it is not UTF-8 text"),
    "one user twice": (lambda f: ("--password-file", f["twice"]), "line 2"),
    "nobody": (lambda f: ("--password-file", f["nameless"]), "line 1"),
    "empty variable": (lambda f: ("--password-env", "NOT_SET"), "NOT_SET is empty"),
    "half a pair": (lambda f: ("--password-env", "PW", "--cert", f["certificate"]), "belong together"),
    "missing key": (
        lambda f: ("--password-env", "PW", "--cert", f["certificate"], "--key", f["missing"]),
        "missing cannot be used",
    ),
    "missing certificate": (
        lambda f: ("--password-env", "PW", "--cert", f["missing"], "--key", f["key"]),
        "missing cannot be used: it does not exist",
    ),
    "no certificate": (lambda f: ("--password-env", "PW", "--cert", f["key"], "--key", f["key"]), "no certificate"),
    "another's key": (
        lambda f: ("--password-env", "PW", "--cert", f["certificate"], "--key", f["other-key"]),
        "other-key cannot be used",
    ),
    "locked key": (
        lambda f: ("--password-env", "PW", "--cert", f["certificate"], "--key", f["locked-key"]),
        "locked-key cannot be used: its key is encrypted",
    ),
    "missing scheme": (lambda f: ("--password-env", "PW", "--padding-scheme", f["missing"]), "it does not exist"),
    "broken scheme": (lambda f: ("--password-env", "PW", "--padding-scheme", f["broken-scheme"]), "stop"),
    "huge scheme": (lambda f: ("--password-env", "PW", "--padding-scheme", f["huge-scheme"]), "scheme"),
    "bad fallback": (lambda f: ("--password-env", "PW", "--fallback", "nowhere"), "--fallback"),
}


@pytest.mark.parametrize("case", CONNECT)
async def test_connect(home: Home, files: dict[str, str], case: str) -> None:
    arguments, words = CONNECT[case]
    finished = await home.finish("connect", *arguments(files), "--json")
    assert finished.code == WRONG_USE
    assert is_one_sentence(finished)
    assert words in finished.err
    assert SECRET not in finished.err


@pytest.mark.parametrize("case", SERVE)
async def test_serve(home: Home, files: dict[str, str], case: str) -> None:
    arguments, words = SERVE[case]
    finished = await home.finish("serve", "--listen", "127.0.0.1:0", "--json", *arguments(files), PW=SECRET)
    assert finished.code == WRONG_USE
    assert is_one_sentence(finished)
    assert words in finished.err
    assert SECRET not in finished.err


@pytest.mark.parametrize("arguments", [("probe", "nonsense"), ("probe", "-"), ("fly",), ("--fast",), ("serve",)])
async def test_others(home: Home, arguments: tuple[str, ...]) -> None:
    finished = await home.finish(*arguments)
    assert finished.code == WRONG_USE
    assert is_one_sentence(finished)


async def test_nothing_asked(home: Home) -> None:
    finished = await home.finish()
    assert finished.code == WRONG_USE
    assert finished.err.startswith("usage: anytls-tray")


async def test_a_link_where_no_window_can_be_shown_is_looked_at(home: Home) -> None:
    finished = await home.finish(LINK)
    assert (finished.code, finished.err) == (0, "")
    assert "Nothing was added" in finished.out
    assert SECRET not in finished.out


async def test_a_link_in_the_wrong_place_is_not_repeated(home: Home) -> None:
    finished = await home.finish("status", LINK)
    assert finished.code == WRONG_USE
    assert is_one_sentence(finished)
    assert SECRET not in finished.err


@pytest.mark.parametrize("verb", ["connect", "serve"])
async def test_a_port_that_is_taken(home: Home, taken: str, verb: str) -> None:
    what = {"connect": ("-",), "serve": ("--password-env", "PW")}[verb]
    finished = await home.finish(verb, *what, "--listen", taken, "--json", stdin=LINK, PW=SECRET)
    assert finished.code == FAILED
    assert is_one_sentence(finished)
    host, port = taken.split(":")
    assert f"Cannot listen on {host} port {port}: something else listens there already." in finished.err


@pytest.mark.parametrize("verb", ["connect", "serve"])
async def test_an_address_of_others(home: Home, verb: str) -> None:
    what = {"connect": ("-", "--user-env", "USER_AND_PASSWORD"), "serve": ("--password-env", "PW")}[verb]
    finished = await home.finish(
        verb, *what, "--listen", "203.0.113.1:0", stdin=LINK, PW=SECRET, USER_AND_PASSWORD=f"me:{SECRET}"
    )
    assert finished.code == FAILED
    assert is_one_sentence(finished)
    assert "Cannot listen on 203.0.113.1 port 0" in finished.err


async def test_a_folder_that_cannot_be_made(home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    finished = await home.finish("connect", "-", stdin=LINK, XDG_STATE_HOME=str(tmp_path / "file"))
    assert finished.code == WRONG_USE
    assert is_one_sentence(finished)


async def test_open_to_others_with_a_login(home: Home, site: Website) -> None:
    async with home.serve() as server:
        arguments = ("--user-env", "LOGIN", "--listen", "0.0.0.0:0")
        async with home.connect(server.link, *arguments, LOGIN="me:mine") as client:
            assert client.events("listening")[0]["host"] == "0.0.0.0"
            assert await status(f"http://me:mine@127.0.0.1:{client.port}", site.url()) == "200"
            assert await status(f"http://127.0.0.1:{client.port}", site.url()) == "407"


@pytest.mark.skipif(os.name != "posix", reason="the others have no such file")
async def test_an_endless_config(home: Home) -> None:
    finished = await home.finish("connect", "--config", "/dev/zero")
    assert finished.code == WRONG_USE
    assert is_one_sentence(finished)
    assert "larger than" in finished.err
