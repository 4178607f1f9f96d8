"""Profiles are read as strictly as links are, and what this version does not know survives in the file."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import AlpnRefused, BadFile, BadInput
from app.storage.profile_file import MAX_PASSWORD, Entry, ProfileFile, check
from app.storage.profiles import (
    MAX_SERVERS,
    Profile,
    ProfileServer,
    Strategy,
    TlsVersion,
    UdpMode,
    Verification,
    clean_name,
)
from app.transport.options import Family, TcpOptions
from tests.fakes.ech import CONFIG as ECH

ID = "0123456789abcdef" * 2
SERVER = {"host": "a.example", "port": 443}
RECORD: dict[str, Any] = {"id": ID, "name": "Berlin", "servers": [SERVER]}
PROFILE = Profile("Berlin", (ProfileServer("a.example"),))
HOSTS = st.sampled_from(["a.example", "xn--bcher-kva.example", "192.0.2.1", "2001:db8::1", "_x-1.example"])
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(lambda text: clean_name(text) or "x")
DIGESTS = st.none() | st.binary(min_size=32, max_size=32)
TIMES = st.none() | st.floats(0, 2e9)
SECONDS = st.none() | st.floats(1, 30_000)
TCP = st.builds(
    TcpOptions,
    keepalive=SECONDS,
    user_timeout=SECONDS,
    no_delay=st.booleans(),
    multipath=st.booleans(),
    source=st.none() | st.sampled_from(["192.0.2.7", "2001:db8::7", "eth0", "Wi-Fi 2"]),
    family=st.sampled_from(get_args(Family)),
)
PROFILES = st.builds(
    Profile,
    name=NAMES,
    servers=st.lists(st.builds(ProfileServer, HOSTS, st.integers(1, 65535)), min_size=1, max_size=4).map(tuple),
    strategy=st.sampled_from(get_args(Strategy)),
    server_name=st.none() | st.just("") | HOSTS,
    alpn=st.lists(st.sampled_from(["h2", "http/1.1", "x"]), unique=True).map(tuple),
    verification=st.sampled_from([it for it in get_args(Verification) if it != "pin"]),
    ca_file=st.just("ca.pem"),
    certificate_pin=DIGESTS,
    spki_pin=DIGESTS,
    min_tls=st.none() | st.just("1.2"),
    max_tls=st.none() | st.sampled_from(get_args(TlsVersion)),
    fingerprint=st.sampled_from(["none", "chrome", "chrome:152", "file"]),
    hello_file=st.just("hello.bin"),
    client_certificate=st.just("me.pem"),
    client_key=st.none() | st.just("me.key"),
    ciphers=st.none() | st.just("ECDHE+AESGCM:!aNULL"),
    curve=st.none() | st.just("X25519"),
    ech_config=st.none() | st.just(ECH),
    ech_resolver=st.none() | st.just("https://dns.example/dns-query"),
    fragment=st.booleans(),
    tcp=TCP,
    idle_check_interval=st.floats(1, 86_400),
    idle_timeout=st.floats(1, 86_400),
    min_idle=st.integers(0, 64),
    client_name=st.none() | st.sampled_from(["", "mihomo/1.19"]),
    udp_mode=st.sampled_from(get_args(UdpMode)),
)


def sealed_for(entry: Entry) -> st.SearchStrategy[Entry]:
    count = len(entry.profile.servers)
    sealed = st.lists(st.none() | st.binary(max_size=100), min_size=count, max_size=count)
    return sealed.map(lambda it: replace(entry, sealed=tuple(it)))


ENTRIES = st.builds(
    Entry,
    id=st.uuids(version=4).map(lambda it: it.hex),
    profile=PROFILES,
    group=NAMES,
    latency_ms=st.none() | st.floats(0, 60_000),
    problem=st.sampled_from(["", "Nothing listens on a.example port 443."]),
    tested_at=TIMES,
    used_at=TIMES,
).flatmap(sealed_for)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profiles.json"


def write(path: Path, *records: Any, **top: Any) -> None:
    path.write_bytes(msgspec.json.encode({"version": 1, "profiles": list(records)} | top))


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return content


def loaded(path: Path) -> tuple[ProfileFile, list[Entry]]:
    file = ProfileFile(path)
    return file, file.load()


@settings(max_examples=30)
@given(entries=st.lists(ENTRIES, max_size=4, unique_by=lambda entry: entry.id))
def test_what_is_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]) -> None:
    path = tmp_path_factory.mktemp("profiles") / "profiles.json"
    loaded(path)[0].save(entries)
    file, again = loaded(path)
    assert again == entries
    assert file.warning == ""


def test_nothing_yet_is_no_warning(path: Path) -> None:
    file, entries = loaded(path)
    assert (entries, file.warning) == ([], "")


def test_the_smallest_record_has_the_defaults_and_the_hello_that_it_had(path: Path) -> None:
    write(path, RECORD)
    assert loaded(path)[1] == [Entry(ID, replace(PROFILE, fingerprint="none"), sealed=(None,))]


def test_a_temporary_entry_is_never_written(path: Path) -> None:
    file, _ = loaded(path)
    file.save([Entry("1" * 32, PROFILE, temporary=True), Entry(ID, PROFILE)])
    assert [entry.id for entry in loaded(path)[1]] == [ID]
    assert "1" * 32 not in path.read_text()


def test_every_field_stands_in_the_file_so_that_new_defaults_change_no_old_profile(path: Path) -> None:
    loaded(path)[0].save([Entry(ID, PROFILE)])
    (record,) = read(path)["profiles"]
    of_entry = {"id", "group", "latency_ms", "problem", "tested_at", "used_at", "sealed"}
    assert set(record) == set(Profile.__slots__) | of_entry


def test_fields_of_a_newer_version_survive(path: Path) -> None:
    server = SERVER | {"weight": 3}
    other = {"host": "b.example", "port": 8443}
    write(path, RECORD | {"servers": [server, other], "colour": {"r": 1}}, tags=["x"])
    file, (entry,) = loaded(path)
    file.save([replace(entry, group="work")])
    content = read(path)
    assert content["tags"] == ["x"]
    (record,) = content["profiles"]
    assert record["colour"] == {"r": 1}
    assert record["servers"] == [server, other]
    assert record["group"] == "work"


def test_a_newer_versions_field_goes_with_its_server(path: Path) -> None:
    write(path, RECORD | {"servers": [SERVER | {"weight": 3}]})
    file, (entry,) = loaded(path)
    moved = replace(entry.profile, servers=(ProfileServer("b.example"), ProfileServer("a.example")))
    file.save([replace(entry, profile=moved, sealed=(None, None))])
    assert read(path)["profiles"][0]["servers"] == [{"host": "b.example", "port": 443}, SERVER | {"weight": 3}]


def test_a_newer_versions_field_of_tcp_survives(path: Path) -> None:
    write(path, RECORD | {"tcp": {"multipath": True, "fast_open": True}})
    file, (entry,) = loaded(path)
    file.save([replace(entry, profile=replace(entry.profile, tcp=TcpOptions(keepalive=None)))])
    (record,) = read(path)["profiles"]
    assert (record["tcp"]["fast_open"], record["tcp"]["multipath"], record["tcp"]["keepalive"]) == (True, False, None)


def test_a_record_that_is_not_understood_is_kept_as_it_is_and_told_in_one_sentence(path: Path) -> None:
    strange = RECORD | {"id": "f" * 32, "name": "Ost\u202e", "strategy": "quantum"}
    write(path, strange, RECORD, 7)
    file, entries = loaded(path)
    assert [entry.id for entry in entries] == [ID]
    assert file.warning == (
        "Profiles that this version cannot read are kept in the file as they are: “Ost” (strategy), "
        "… (id, name, servers)."
    )
    file.save(entries)
    assert read(path)["profiles"][1:] == [strange, 7]
    assert ProfileFile(path).load() == entries


def test_many_of_them_are_still_one_sentence(path: Path) -> None:
    write(path, *(RECORD | {"name": f"n{number}" * 50, "udp_mode": "x"} for number in range(50)))
    file, _ = loaded(path)
    assert len(file.warning) < 600
    assert file.warning.endswith("(udp_mode), ….")


def test_the_same_id_twice_is_one_profile_and_one_that_is_kept(path: Path) -> None:
    write(path, RECORD, RECORD | {"name": "Second"})
    file, entries = loaded(path)
    assert [entry.profile.name for entry in entries] == ["Berlin"]
    assert "“Second” (id)" in file.warning


def test_a_list_that_is_none_is_kept(path: Path) -> None:
    path.write_bytes(b'{"version": 1, "profiles": {"a": 1}}')
    file, entries = loaded(path)
    assert entries == []
    assert file.warning
    file.save([])
    assert read(path)["profiles"] == [{"a": 1}]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"id": "../../etc"}, "id"),
        ({"id": ID + "\n"}, "id"),
        ({"name": 5}, "name"),
        ({"servers": []}, "servers"),
        ({"servers": [SERVER] * (MAX_SERVERS + 1)}, "servers"),
        ({"servers": [{"host": "a b", "port": 443}]}, "servers"),
        ({"servers": [{"host": "", "port": 443}]}, "servers"),
        ({"servers": [{"host": "a.example", "port": 0}]}, "servers"),
        ({"servers": [{"host": "a.example", "port": 65536}]}, "servers"),
        ({"servers": [{"host": "a.example", "port": "443"}]}, "servers"),
        ({"sealed": ["!"]}, "sealed"),
        ({"sealed": [None, None]}, "sealed"),
        ({"sealed": ["A" * (MAX_PASSWORD * 2)]}, "sealed"),
        ({"strategy": "fastest"}, "strategy"),
        ({"server_name": "a b"}, "server_name"),
        ({"alpn": ["ü"]}, "alpn"),
        ({"alpn": "h2"}, "alpn"),
        ({"verification": "maybe"}, "verification"),
        ({"verification": "pin"}, "verification"),
        ({"verification": "ca-file"}, "ca_file"),
        ({"ca_file": "a\0b"}, "ca_file"),
        ({"certificate_pin": "AAAA"}, "certificate_pin"),
        ({"spki_pin": 5}, "spki_pin"),
        ({"min_tls": "1.1"}, "min_tls"),
        ({"min_tls": "1.3", "max_tls": "1.2"}, "max_tls"),
        ({"fingerprint": "Chrome"}, "fingerprint"),
        ({"fingerprint": "chrome\n"}, "fingerprint"),
        ({"fingerprint": "file"}, "hello_file"),
        ({"hello_file": "a\0b"}, "hello_file"),
        ({"client_certificate": "a\0b"}, "client_certificate"),
        ({"client_key": "me.key"}, "client_certificate"),
        ({"client_certificate": "me.pem", "client_key": "a\0b"}, "client_key"),
        ({"ciphers": "ALL\n"}, "ciphers"),
        ({"ciphers": ""}, "ciphers"),
        ({"curve": "X 25519"}, "curve"),
        ({"ech_config": "!"}, "ech_config"),
        ({"ech_config": "AAAA"}, "ech_config"),
        ({"ech_config": "A" * 100_000}, "ech_config"),
        ({"ech_resolver": "http://dns.example/dns-query"}, "ech_resolver"),
        ({"ech_resolver": ""}, "ech_resolver"),
        ({"fragment": 1}, "fragment"),
        ({"tcp": []}, "tcp"),
        ({"tcp": {"keepalive": 0}}, "tcp"),
        ({"tcp": {"keepalive": 40_000}}, "tcp"),
        ({"tcp": {"user_timeout": 1e9}}, "tcp"),
        ({"tcp": {"no_delay": None}}, "tcp"),
        ({"tcp": {"source": "a/b"}}, "tcp"),
        ({"tcp": {"source": ""}}, "tcp"),
        ({"tcp": {"family": "7"}}, "tcp"),
        ({"idle_timeout": 0.0}, "idle_timeout"),
        ({"idle_timeout": 1e300}, "idle_timeout"),
        ({"idle_check_interval": -1}, "idle_check_interval"),
        ({"min_idle": 65}, "min_idle"),
        ({"min_idle": 1.5}, "min_idle"),
        ({"client_name": "x\nv=3"}, "client_name"),
        ({"client_name": "x" * 300}, "client_name"),
        ({"udp_mode": "both"}, "udp_mode"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"tested_at": 1e300}, "tested_at"),
        ({"used_at": "now"}, "used_at"),
        ({"group": "x" * 5000}, "group"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_a_link_could_not_say_a_record_cannot_either(path: Path, change: dict[str, Any], where: str) -> None:
    raw = RECORD | change
    write(path, raw)
    file, entries = loaded(path)
    assert entries == []
    assert f"({where})" in file.warning
    file.save([])
    assert read(path)["profiles"] == [raw]


def test_texts_are_made_one_line_and_names_are_normal(path: Path) -> None:
    change = {"name": "a\nb\u202e", "group": " x\ty ", "problem": "no\nwonder", "server_name": "SNI.example."}
    write(path, RECORD | change | {"servers": [{"host": "BÜCHER.example", "port": 1}]})
    (entry,) = loaded(path)[1]
    assert (entry.profile.name, entry.group, entry.problem) == ("a b", "x y", "no wonder")
    assert entry.profile.servers == (ProfileServer("xn--bcher-kva.example", 1),)
    assert entry.profile.server_name == "sni.example"


def test_a_profile_without_a_name_is_called_by_its_server(path: Path) -> None:
    write(path, RECORD | {"name": "\u200b"})
    assert loaded(path)[1][0].profile.name == "a.example:443"


def test_a_damaged_file_is_told_beside_what_is_not_understood(path: Path) -> None:
    write(path, RECORD, RECORD | {"strategy": "x", "name": "y"})
    path.rename(path.with_name("profiles.json.1"))
    path.write_bytes(b"")
    file, entries = loaded(path)
    assert len(entries) == 1
    assert "its older copy profiles.json.1 is used. Profiles that this version cannot read" in file.warning


def test_no_failure_is_too_long_to_be_noted(path: Path) -> None:
    """Names from a link stand in one: sixteen protocols that a server does not like have four thousand characters."""
    profile = Profile("a", (ProfileServer("a.example"),))
    refused = AlpnRefused("a.example", 443, ", ".join(["x" * 255] * 16))
    entry = Entry("0" * 32, profile, problem=str(refused))
    ProfileFile(path).save([entry])
    file, (read_back,) = loaded(path)
    assert not file.warning
    assert str(refused).startswith(read_back.problem[:-1])


def test_a_newer_versions_file_is_refused(path: Path) -> None:
    write(path, RECORD, version=2)
    file = ProfileFile(path)
    with pytest.raises(BadFile, match="a newer version"):
        file.load()
    with pytest.raises(BadFile, match="a newer version"):
        file.save([])


def test_has_password_wants_one_for_each_server() -> None:
    assert Entry(ID, PROFILE, sealed=(b"x",)).has_password
    assert not Entry(ID, PROFILE, sealed=(b"x", None)).has_password
    assert not Entry(ID, PROFILE).has_password


def test_an_entry_shows_no_sealed_password() -> None:
    assert "sealed" not in repr(Entry(ID, PROFILE, sealed=(b"ciphertext",)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"verification": "pin"}, "“verification” is not valid"),
        ({"servers": ()}, "“servers” is not valid"),
        ({"client_name": "x" * 300}, "“client_name” is not valid"),
        ({"ca_file": "\ud800"}, "not valid text"),
    ],
)
def test_a_profile_that_could_not_be_read_back_is_refused_before(change: dict[str, Any], reason: str) -> None:
    check(PROFILE)
    with pytest.raises(BadInput, match=reason):
        check(replace(PROFILE, **change))


def test_ten_thousand_profiles_fit(path: Path) -> None:
    servers = tuple(ProfileServer(f"server-{number}.example", 8443) for number in range(3))
    entries = [
        Entry(f"{number:032x}", replace(PROFILE, name=f"n{number}", servers=servers), sealed=(b"x" * 60,) * 3)
        for number in range(10_000)
    ]
    loaded(path)[0].save(entries)
    assert loaded(path)[1] == entries
