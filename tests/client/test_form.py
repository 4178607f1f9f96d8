"""What a form says while it is filled in, and what it makes."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.client.form import (
    MAX_CLIENT_NAME,
    ProfileDraft,
    ServerDraft,
    preset_name,
    split_address,
    strong_password,
)
from app.client.form_tcp import TcpDraft
from app.client.form_tls import TlsDraft
from app.errors import BadInput
from app.storage.profiles import MAX_SERVERS, PRESETS, Preset, Profile, ProfileServer
from app.transport.options import TcpOptions

DIGEST = bytes(range(32))
GOOD = ProfileDraft(servers=(ServerDraft("example.org"),), password="secret")
FULL = Profile(
    name="Berlin",
    servers=(ProfileServer("a.example", 8443), ProfileServer("2001:db8::1", 443)),
    strategy="failover",
    server_name="front.example",
    alpn=("h2", "http/1.1"),
    verification="pin",
    certificate_pin=DIGEST,
    spki_pin=DIGEST[::-1],
    min_tls="1.3",
    fingerprint="chrome",
    client_certificate="me.pem",
    client_key="me.key",
    fragment=True,
    tcp=TcpOptions(keepalive=None, user_timeout=9.0, source="eth0", family="only-4"),
    idle_check_interval=7.0,
    idle_timeout=8.0,
    min_idle=3,
    client_name="browser/1",
    udp_mode="packet",
)


def test_an_empty_form_says_what_it_needs() -> None:
    assert ProfileDraft().problems() == {
        "servers.0.host": "Type the server's host name or IP address.",
        "password": "Type the password that the server expects.",
    }


def test_a_host_and_a_password_are_enough() -> None:
    assert GOOD.problems() == {}
    assert GOOD.profile() == Profile("example.org:443", (ProfileServer("example.org", 443),))
    assert GOOD.passwords() == ("secret",)
    assert not GOOD.keeps_passwords()


def test_a_saved_profile_comes_back_as_it_was() -> None:
    draft = ProfileDraft.of(FULL, group="Work")
    assert draft.problems() == {}
    assert draft.profile() == FULL
    assert (draft.group, draft.preset, draft.base) == ("Work", "own", FULL)


@pytest.mark.parametrize(
    ("server_name", "client_name"), [(None, None), ("", ""), ("x.example", "someone/1"), (None, "")]
)
def test_sent_empty_is_told_from_not_set(server_name: str | None, client_name: str | None) -> None:
    profile = replace(FULL, server_name=server_name, client_name=client_name)
    assert ProfileDraft.of(profile).profile() == profile


@pytest.mark.parametrize("name", list(PRESETS))
def test_each_preset_has_its_numbers(name: str) -> None:
    assert preset_name(PRESETS[name]) == name
    profile = replace(GOOD, preset=name).profile()
    assert Preset(profile.idle_check_interval, profile.idle_timeout, profile.min_idle) == PRESETS[name]


def test_other_numbers_are_ones_own() -> None:
    assert preset_name(Preset(1.0, 2.0, 3)) == "own"
    profile = replace(GOOD, preset="own", numbers=Preset(1.0, 2.0, 3)).profile()
    assert (profile.idle_check_interval, profile.idle_timeout, profile.min_idle) == (1.0, 2.0, 3)


def test_the_name_falls_back_to_the_address_even_half_typed() -> None:
    assert replace(GOOD, name=" Berlin\n").shown_name == "Berlin"
    assert replace(GOOD, servers=(ServerDraft("2001:db8::1", "8443"),)).shown_name == "[2001:db8::1]:8443"
    assert replace(GOOD, servers=(ServerDraft("exa mple", "x"),)).shown_name == "exa mple:443"


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("", "Type the server's host name or IP address."),
        ("   ", "Type the server's host name or IP address."),
        ("exa mple", "The host is neither a host name nor an IP address."),
        ("1.2.3.400", "The host is neither a host name nor an IP address."),
        ("faß.example", "The host has a letter that not all programs read alike; use its xn-- form."),
        ("a" * 300, "The host is missing or too long."),
    ],
)
def test_a_host_that_cannot_be(host: str, sentence: str) -> None:
    assert replace(GOOD, servers=(ServerDraft(host),)).problems() == {"servers.0.host": sentence}


@pytest.mark.parametrize("port", ["", "0", "65536", "-1", "4 43", "²", "99999999", "port"])
def test_a_port_that_cannot_be(port: str) -> None:
    draft = replace(GOOD, servers=(ServerDraft("example.org", port),))
    assert draft.problems() == {"servers.0.port": "The port is a number from 1 to 65535."}


@pytest.mark.parametrize("port", ["1", " 443 ", "65535", "0443"])
def test_a_port_that_can(port: str) -> None:
    assert replace(GOOD, servers=(ServerDraft("example.org", port),)).profile().servers[0].port == int(port)


def test_each_server_has_its_own_sentence() -> None:
    draft = replace(GOOD, servers=(ServerDraft("a.example"), ServerDraft(""), ServerDraft("b.example", "0")))
    assert set(draft.problems()) == {"servers.1.host", "servers.2.port"}


def test_too_many_servers() -> None:
    draft = replace(GOOD, servers=tuple(ServerDraft(f"s{number}.example") for number in range(MAX_SERVERS + 1)))
    assert draft.problems() == {"servers": f"At most {MAX_SERVERS} servers fit."}


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"server_name": "a b"}, "server_name", "The server name is neither a host name nor an IP address."),
        ({"alpn": "h2, ü"}, "alpn", "ALPN is not a short list of ASCII names."),
        (
            {"verification": "ca-file", "ca_file": " "},
            "ca_file",
            "Choose the file that holds the authority's certificate.",
        ),
        (
            {"client_name": "x" * (MAX_CLIENT_NAME + 1)},
            "client_name",
            "The client name has to be one line of at most 100 characters.",
        ),
        (
            {"client_name": "a\nb"},
            "client_name",
            "The client name has to be one line of at most 100 characters.",
        ),
    ],
)
def test_the_other_fields(changes: dict, field: str, sentence: str) -> None:
    draft = replace(GOOD, **changes)
    assert draft.problems() == {field: sentence}
    with pytest.raises(BadInput, match=sentence.rstrip(".")):
        draft.profile()


def test_a_field_out_of_use_has_no_problem() -> None:
    draft = replace(GOOD, server_name="a b", no_server_name=True, verification="none", pin="nonsense", ca_file="")
    assert draft.problems() == {}
    assert draft.profile().server_name == ""
    assert draft.profile().certificate_pin is None


@pytest.mark.parametrize(("verification", "problem"), [("system", True), ("ca-file", True), ("none", False)])
def test_a_certificate_cannot_be_checked_where_no_name_is_sent(verification: str, problem: bool) -> None:
    draft = replace(GOOD, no_server_name=True, verification=verification, ca_file="ca.pem")  # type: ignore[arg-type]  # drawn from the allowed ones
    assert ("verification" in draft.problems()) is problem


def test_what_is_said_of_tls_and_tcp_counts_too() -> None:
    draft = replace(GOOD, tls=TlsDraft(fingerprint="file"), tcp=TcpDraft(source="a/b"))
    assert set(draft.problems()) == {"hello_file", "source"}
    hidden = replace(GOOD, no_server_name=True, verification="none", tls=TlsDraft(fingerprint="chrome", ech="resolver"))
    assert set(hidden.problems()) == {"ech"}


@pytest.mark.parametrize(
    "pin",
    [
        DIGEST[:16].hex(":") + "\n" + DIGEST[16:].hex(":"),
        DIGEST.hex(),
        DIGEST.hex(":").upper(),
        base64.b64encode(DIGEST).decode(),
        f"{DIGEST.hex()}, {'A' * 43}=",
    ],
)
def test_pins_in_every_form(pin: str) -> None:
    profile = replace(GOOD, verification="pin", pin=pin).profile()
    assert DIGEST in (profile.certificate_pin, profile.spki_pin)


@pytest.mark.parametrize("pin", ["", "abc", DIGEST.hex()[:40], f"{DIGEST.hex()} {DIGEST.hex()}", f"{DIGEST.hex()} x"])
def test_pins_that_are_none(pin: str) -> None:
    problem = replace(GOOD, verification="pin", pin=pin).problems()["pin"]
    assert problem == "The pin is the certificate's SHA-256: 64 hexadecimal digits, with or without colons."


def test_an_untouched_password_is_kept() -> None:
    draft = ProfileDraft.of(FULL)
    assert draft.keeps_passwords()
    assert draft.passwords(("one", "two")) == ("one", "two")
    assert not replace(draft, password="new").keeps_passwords()
    assert replace(draft, password="new").passwords(("one", "two")) == ("new", "new")


def test_saved_passwords_follow_their_servers() -> None:
    first, second = ProfileDraft.of(FULL).servers
    draft = replace(ProfileDraft.of(FULL), servers=(second, ServerDraft("new.example"), first))
    assert not draft.keeps_passwords()
    assert draft.passwords(("one", "two")) == ("two", "one", "one")
    assert not replace(draft, servers=(first,)).keeps_passwords()


def test_a_server_may_have_its_own_password() -> None:
    first, second = ProfileDraft.of(FULL).servers
    draft = replace(
        ProfileDraft.of(FULL),
        own_passwords=True,
        servers=(first, replace(second, password="typed"), ServerDraft("new.example")),
    )
    assert draft.problems() == {"servers.2.password": "Type the password of this server."}
    done = replace(draft, servers=draft.servers[:2])
    assert done.problems() == {}
    assert not done.keeps_passwords()
    assert done.passwords(("one", "two")) == ("one", "typed")


def test_no_password_is_needed_where_it_is_asked_for_each_time() -> None:
    assert ProfileDraft(servers=(ServerDraft("a.example"),), asks_each_time=True).problems() == {}
    two = (ServerDraft("a.example"), ServerDraft("b.example"))
    assert ProfileDraft(servers=two, own_passwords=True, asks_each_time=True).problems() == {}


def test_no_password_is_in_a_repr() -> None:
    assert "secret" not in repr(replace(GOOD, servers=(ServerDraft("a.example", password="secret"),)))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("example.org:8443", ("example.org", "8443")),
        (" [2001:db8::1]:443 ", ("2001:db8::1", "443")),
        ("example.org", None),
        ("2001:db8::1", None),
        ("example.org:port", None),
        ("", None),
    ],
)
def test_a_pasted_address_is_taken_apart(text: str, parts: tuple[str, str] | None) -> None:
    assert split_address(text) == parts


def test_strong_passwords_are_long_and_never_the_same() -> None:
    made = {strong_password() for _ in range(50)}
    assert len(made) == 50
    assert all(len(it) == 32 and it.replace("-", "a").replace("_", "a").isalnum() for it in made)


@given(st.text(), st.text(), st.text(), st.text(), st.sampled_from(["system", "ca-file", "pin", "none"]))
def test_whatever_is_typed_gives_sentences_or_a_profile(
    host: str, port: str, alpn: str, other: str, verification: str
) -> None:
    draft = ProfileDraft(
        name=other,
        servers=(ServerDraft(host, port),),
        password="x",
        alpn=alpn,
        server_name=other,
        pin=other,
        ca_file=other,
        client_name=other,
        tls=TlsDraft(
            fingerprint="none", ech_config=other, ech_resolver=other, client_key=other, ciphers=alpn, curve=other
        ),
        tcp=TcpDraft(source=other),
        verification=verification,  # type: ignore[arg-type]  # drawn from the allowed ones
    )
    problems = draft.problems()
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in problems.values())
    if not problems:
        assert draft.profile().name
