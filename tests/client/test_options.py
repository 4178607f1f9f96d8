import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import app
from app.client.options import check_files, engine_options, unmet_wishes
from app.engine import fingerprints
from app.engine.options import LocalOptions, PoolOptions, Server, Strategy, TlsOptions, Verification
from app.errors import BadFile
from app.storage.profiles import Profile, ProfileServer
from app.transport.options import TcpOptions
from tests.fakes import certificates
from tests.fakes.ech import CONFIG

LOCAL = LocalOptions(port=0)

PROFILE = Profile(
    name="Berlin",
    servers=(ProfileServer("a.example", 443), ProfileServer("b.example", 8443)),
    strategy="failover",
    server_name="front.example",
    alpn=("h2",),
    verification="pin",
    certificate_pin=b"1" * 32,
    spki_pin=b"2" * 32,
    min_tls="1.3",
    fingerprint="none",
    idle_check_interval=15.0,
    idle_timeout=45.0,
    min_idle=10,
)


def test_what_the_engine_is_told_for_a_profile() -> None:
    told = engine_options(PROFILE, ("one", "two"), LOCAL)
    tls = TlsOptions("front.example", ("h2",), Verification.PIN, None, b"1" * 32, b"2" * 32, "1.3", None)
    assert told.servers == (Server("a.example", 443, "one", tls), Server("b.example", 8443, "two", tls))
    assert told.strategy is Strategy.FAILOVER
    assert told.pool == PoolOptions(15.0, 45.0, 10)
    assert told.local is LOCAL
    assert told.client_name == f"anytls-tray/{app.__version__}"


@pytest.mark.parametrize("name", ["", "another/1.0"])
def test_the_client_name_is_the_profiles_where_it_has_one(name: str) -> None:
    assert engine_options(replace(PROFILE, client_name=name), ("one", "two"), LOCAL).client_name == name


def test_every_server_needs_its_password() -> None:
    with pytest.raises(ValueError, match="zip"):
        engine_options(PROFILE, ("one",), LOCAL)


TLS_LIBRARY = "Chrome's TLS library is not available for this system, so Python's own ClientHello is sent instead."


@pytest.fixture(autouse=True)
def equipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform with it."""
    monkeypatch.setattr(fingerprints, "available", lambda: True)


@pytest.fixture
def bare(equipped: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform without Chrome's TLS library."""
    monkeypatch.setattr(fingerprints, "available", lambda: False)


def told_tls(profile: Profile) -> TlsOptions:
    return engine_options(profile, ("one", "two"), LOCAL).servers[0].tls


@pytest.mark.parametrize("name", ["none", "chrome", "chrome:152", "file"])
def test_a_fingerprint_that_can_be_had(name: str) -> None:
    profile = replace(PROFILE, fingerprint=name)
    assert unmet_wishes(profile) == ()
    assert told_tls(profile).fingerprint == name


@pytest.mark.parametrize("name", ["firefox", "chrome:100"])
def test_one_that_cannot_is_the_newest_chromes(name: str) -> None:
    profile = replace(PROFILE, fingerprint=name)
    assert unmet_wishes(profile) == (f"The ClientHello of “{name}” cannot be had; that of the newest Chrome is sent.",)
    assert told_tls(profile).fingerprint == "chrome"


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("name", ["chrome", "chrome:152", "file", "firefox"])
def test_without_the_library_there_is_none(name: str) -> None:
    profile = replace(PROFILE, fingerprint=name)
    assert unmet_wishes(profile) == (TLS_LIBRARY,)
    assert told_tls(profile).fingerprint == name
    assert unmet_wishes(replace(PROFILE, fingerprint="none")) == ()


@pytest.mark.parametrize("changes", [{"ciphers": "ECDHE+AESGCM"}, {"curve": "X25519"}])
def test_a_fingerprint_has_its_own_suites(changes: dict[str, str]) -> None:
    profile = replace(PROFILE, fingerprint="chrome", **changes)  # type: ignore[arg-type]  # texts all of them
    assert unmet_wishes(profile) == ("Cipher suites and curve of the profile give way to those of its fingerprint.",)
    assert (told_tls(profile).ciphers, told_tls(profile).curve) == (None, None)
    own = replace(profile, fingerprint="none")
    assert unmet_wishes(own) == ()
    assert (told_tls(own).ciphers, told_tls(own).curve) == (profile.ciphers, profile.curve)


ECH_NEEDS_CHROME = "The server's name can be sent encrypted (ECH) only with Chrome's fingerprint, so nothing is sent."


@pytest.mark.parametrize("changes", [{"ech_config": CONFIG}, {"ech_resolver": "https://dns.example/"}])
def test_an_encrypted_name_needs_the_fingerprint(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    profile = replace(PROFILE, fingerprint="chrome", **changes)
    assert unmet_wishes(profile) == ()
    assert unmet_wishes(replace(profile, fingerprint="none")) == (ECH_NEEDS_CHROME,)
    monkeypatch.setattr(fingerprints, "available", lambda: False)
    assert unmet_wishes(profile) == (TLS_LIBRARY, ECH_NEEDS_CHROME)


@pytest.mark.parametrize("changes", [{"ech_config": CONFIG}, {"ech_resolver": "https://dns.example/"}])
@pytest.mark.parametrize(
    ("hosts", "name", "told"),
    [
        (["a.example"], None, True),
        (["192.0.2.1", "a.example"], "a.example", True),
        (["192.0.2.1", "::1"], "a.example", False),
        (["192.0.2.1"], None, False),
        (["b.example"], "a.example", False),
    ],
)
def test_a_hidden_name_that_the_dns_is_asked_for_is_said(
    hosts: list[str], name: str | None, told: bool, changes: dict[str, Any]
) -> None:
    servers = tuple(map(ProfileServer, hosts))
    profile = replace(PROFILE, servers=servers, server_name=name, fingerprint="chrome")
    wishes = unmet_wishes(replace(profile, **changes))
    assert [wish.startswith("The name that is sent encrypted (ECH) is also the host") for wish in wishes] == [
        True
    ] * told
    assert unmet_wishes(profile) == ()


@pytest.mark.parametrize(("there", "count"), [(True, 0), (False, 1)])
def test_multipath_where_the_system_has_it(monkeypatch: pytest.MonkeyPatch, there: bool, count: int) -> None:
    if there:
        monkeypatch.setattr(socket, "IPPROTO_MPTCP", 262, raising=False)
    else:
        monkeypatch.delattr(socket, "IPPROTO_MPTCP", raising=False)
    wishes = unmet_wishes(replace(PROFILE, tcp=TcpOptions(multipath=True)))
    assert wishes == ("This system has no Multipath TCP, so ordinary TCP is used.",) * count
    assert unmet_wishes(PROFILE) == ()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A certificate with its key, an authority's, another one's key, what is none of these, and what never ends."""
    me, other = certificates.good(), certificates.self_signed()
    content = {
        "me": me.pem,
        "key": me.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "other key": other.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "authority": certificates.authority().pem,
        "junk": b"hello",
    }
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    os.mkfifo(tmp_path / "pipe")
    return {name: str(tmp_path / name) for name in (*content, "missing", "pipe")}


@pytest.mark.parametrize("fingerprint", ["none", "chrome"])
@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        ({}, ""),
        ({"ca_file": "authority", "client_certificate": "me", "client_key": "key"}, ""),
        ({"ca_file": "missing"}, "missing"),
        ({"ca_file": "junk"}, "junk"),
        ({"ca_file": "pipe"}, "pipe"),
        ({"client_certificate": "me", "client_key": "other key"}, "me"),
        ({"client_certificate": "missing"}, "missing"),
    ],
)
def test_files_are_looked_into(files: dict[str, str], names: dict[str, str], wrong: str, fingerprint: str) -> None:
    paths: dict[str, Any] = {field: files[name] for field, name in names.items()}
    kind: Any = "ca-file" if "ca_file" in names else "pin"
    profile = replace(PROFILE, verification=kind, fingerprint=fingerprint, **paths)
    if not wrong:
        check_files(profile)
        return
    with pytest.raises(BadFile) as caught:
        check_files(profile)
    assert caught.value.path == files[wrong]


def test_a_captured_hello_is_looked_into(files: dict[str, str]) -> None:
    with pytest.raises(BadFile):
        check_files(replace(PROFILE, fingerprint="file", hello_file=files["junk"]))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files")
@pytest.mark.parametrize("name", ["ca_file", "hello_file", "client_certificate", "client_key"])
def test_what_may_never_end_is_not_looked_into(name: str, tmp_path: Path) -> None:
    """A configuration may name anything."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    more: dict[str, Any] = {
        "ca_file": {"verification": "ca-file"},
        "hello_file": {"fingerprint": "file"},
        "client_key": {"client_certificate": certificates.client().saved(tmp_path)},
    }
    for path in (str(pipe), os.devnull):
        with pytest.raises(BadFile, match="it is not a file"):
            check_files(replace(PROFILE, **(more.get(name, {}) | {name: path})))


def test_a_page_is_asked_for_only_where_one_is_named() -> None:
    assert engine_options(PROFILE, ("one", "two"), LOCAL).page is None
    page = "http://page.example/"
    assert engine_options(PROFILE, ("one", "two"), LOCAL, page).page == page
