import argparse
import io

import pytest

from app.cli.inputs import address, credentials, environment, imported, users
from app.errors import BadConfig, BadFile, BadInput, BadLink
from app.protocols.address import Address

LINK = "anytls://secret@example.com:8443/?sni=front.example#Berlin"
CONFIG = """{"outbounds": [{"protocol": "anytls",
    "settings": {"servers": [{"address": "example.com", "port": 443, "password": "secret"}]},
    "streamSettings": {"network": "tcp", "security": "tls"}}]}"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:1080", Address("127.0.0.1", 1080)),
        ("[::1]:0", Address("::1", 0)),
        ("proxy.example:80", Address("proxy.example", 80)),
    ],
)
def test_addresses(text, expected):
    assert address(text) == expected


@pytest.mark.parametrize("text", ["", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "::1:80:"])
def test_what_is_no_address_is_told_to_argparse(text):
    with pytest.raises(argparse.ArgumentTypeError):
        address(text)


def test_a_link_as_an_argument():
    found = imported(LINK, None)
    assert found.profile.name == "Berlin"
    assert found.passwords == ("secret",)


def test_a_link_from_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{LINK}\n"))
    assert imported("-", None).profile.servers[0].host == "example.com"


def test_an_empty_standard_input_is_no_link(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(BadLink):
        imported("-", None)


def test_a_configuration(tmp_path):
    path = tmp_path / "outbound.json"
    path.write_text(CONFIG)
    assert imported(None, str(path)).passwords == ("secret",)


def test_a_damaged_configuration(tmp_path):
    path = tmp_path / "outbound.json"
    path.write_text("{")
    with pytest.raises(BadConfig):
        imported(None, str(path))


def test_a_missing_configuration(tmp_path):
    with pytest.raises(BadFile, match="does not exist"):
        imported(None, str(tmp_path / "nothing"))


@pytest.mark.parametrize(("link", "config"), [(None, None), (LINK, "outbound.json")])
def test_one_of_both_is_wanted(link, config):
    with pytest.raises(BadInput, match="either a link"):
        imported(link, config)


def test_users_of_a_file(tmp_path):
    path = tmp_path / "users"
    path.write_text("# those who may\nanna: with spaces \n\njust-a-password\nbert:co:lon\n")
    assert users(str(path), None) == {"anna": " with spaces ", "user4": "just-a-password", "bert": "co:lon"}


def test_a_file_written_on_windows(tmp_path):
    path = tmp_path / "users"
    path.write_bytes(b"anna:secret\r\nother\r\n")
    assert users(str(path), None) == {"anna": "secret", "user2": "other"}


@pytest.mark.parametrize("text", ["", "\n\n# nobody\n", "anna:\n", ":secret\n", "anna:1\nanna:2\n"])
def test_a_file_without_usable_users(tmp_path, text):
    path = tmp_path / "users"
    path.write_text(text)
    with pytest.raises(BadFile) as caught:
        users(str(path), None)
    assert str(path) in str(caught.value)


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "users"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadFile, match="UTF-8"):
        users(str(path), None)


def test_a_complaint_about_a_file_repeats_no_password(tmp_path):
    path = tmp_path / "users"
    path.write_text("anna:needle\nanna:needle\n")
    with pytest.raises(BadFile) as caught:
        users(str(path), None)
    assert "needle" not in str(caught.value) + repr(caught.value)


def test_one_password_of_the_environment_is_taken_whole(monkeypatch):
    monkeypatch.setenv("SECRET", "with:colon ")
    assert users(None, "SECRET") == {"user": "with:colon "}


def test_an_empty_variable(monkeypatch):
    monkeypatch.setenv("SECRET", "")
    with pytest.raises(BadInput, match="SECRET"):
        environment("SECRET")


def test_local_credentials(tmp_path, monkeypatch):
    path = tmp_path / "user"
    path.write_text("anna:co:lon\n")
    monkeypatch.setenv("LOCAL", "bert:secret")
    assert credentials(None, None) is None
    assert credentials(str(path), None) == ("anna", "co:lon")
    assert credentials(None, "LOCAL") == ("bert", "secret")


@pytest.mark.parametrize("text", ["anna", ":secret", "anna:"])
def test_local_credentials_need_both(monkeypatch, text):
    monkeypatch.setenv("LOCAL", text)
    with pytest.raises(BadInput, match="user:password"):
        credentials(None, "LOCAL")
