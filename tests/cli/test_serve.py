import asyncio
import json
import os
import signal
import stat

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.cli import main
from app.sharing.links import parse_link
from app.storage.paths import data_dir
from tests.fakes import certificates


@pytest.fixture
def stopping(monkeypatch):
    """Ends the command as Ctrl-C does, as soon as it waits."""

    async def wait(_event):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(asyncio.Event, "wait", wait)
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def served(capsys, *arguments):
    assert main(["serve", "--listen", "127.0.0.1:0", "--json", *arguments]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    return json.loads(line)


@pytest.fixture
def password(monkeypatch):
    monkeypatch.setenv("SECRET", "p@ss word")
    return ["--password-env", "SECRET"]


def test_the_first_line_says_how_to_get_in(capsys, stopping, password):
    said = served(capsys, *password)
    imported = parse_link(said["link"])
    assert said["event"] == "listening"
    assert imported.passwords == ("p@ss word",)
    assert (imported.profile.servers[0].host, imported.profile.servers[0].port) == (said["host"], said["port"])
    assert imported.profile.certificate_pin is not None
    assert imported.profile.certificate_pin.hex() == said["pin"]


def test_the_certificate_is_kept(capsys, stopping, password):
    first, second = served(capsys, *password), served(capsys, *password)
    assert first["pin"] == second["pin"]
    path = data_dir() / "server.pem"
    assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_user_has_a_link(capsys, stopping, tmp_path):
    path = tmp_path / "users"
    path.write_text("anna:1\nbert:2\n")
    said = served(capsys, "--password-file", str(path))
    assert {name: parse_link(link).passwords for name, link in said["links"].items()} == {
        "anna": ("1",),
        "bert": ("2",),
    }
    assert said["link"] == said["links"]["anna"]


def test_people_are_told_in_words(capsys, stopping, password):
    assert main(["serve", "--listen", "127.0.0.1:0", *password]) == 0
    out = capsys.readouterr().out
    assert "listens on 127.0.0.1:" in out
    assert "anytls://p%40ss%20word@127.0.0.1:" in out


def test_a_certificate_of_an_authority_is_checked_and_not_pinned(capsys, stopping, password, tmp_path):
    identity = certificates.good()
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(identity.pem)
    key.write_bytes(identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    said = served(capsys, *password, "--cert", str(certificate), "--key", str(key), "--name", "front.example")
    profile = parse_link(said["link"]).profile
    assert (profile.verification, profile.certificate_pin) == ("system", None)
    assert (profile.servers[0].host, profile.server_name) == ("front.example", certificates.NAMES[0])


def test_a_server_on_all_addresses_names_one_that_others_can_reach(capsys, stopping, password):
    assert main(["serve", "--listen", "0.0.0.0:0", "--json", *password]) == 0
    said = json.loads(capsys.readouterr().out)
    assert parse_link(said["link"]).profile.servers[0].host not in ("0.0.0.0", "")


def test_a_padding_scheme(capsys, stopping, password, tmp_path):
    scheme = tmp_path / "scheme"
    scheme.write_text("stop=2\n0=10-20\n1=100-200")
    assert served(capsys, *password, "--padding-scheme", str(scheme))["event"] == "listening"


@pytest.mark.parametrize("text", ["", "stop=x", "0=1-2", "stop=2\n1=1-99999"])
def test_a_broken_padding_scheme(text, capsys, password, tmp_path):
    scheme = tmp_path / "scheme"
    scheme.write_text(text)
    assert main(["serve", "--listen", "127.0.0.1:0", *password, "--padding-scheme", str(scheme)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_certificate_and_key_belong_together(capsys, password, tmp_path):
    assert main(["serve", "--listen", "127.0.0.1:0", *password, "--cert", str(tmp_path)]) == 2
    assert "--cert and --key" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"garbage"])
def test_a_certificate_that_cannot_be_read(content, capsys, password, tmp_path):
    path = tmp_path / "cert.pem"
    if content is not None:
        path.write_bytes(content)
    assert main(["serve", "--listen", "127.0.0.1:0", *password, "--cert", str(path), "--key", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert str(path) in captured.err
