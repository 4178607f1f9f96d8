from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.address import (
    SOCKS,
    Address,
    BadAddress,
    Families,
    decode,
    decode_host,
    decode_socks,
    encode,
    encode_socks,
    ip_or_none,
    is_loopback,
    parse_host,
    parse_host_port,
)

OTHER = Families(ipv4=0, ipv6=1, domain=2)

labels = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=63)
names = st.lists(labels, min_size=1, max_size=3).map(".".join).filter(lambda name: ip_or_none(name) is None)
hosts = st.one_of(
    names,
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str).filter(lambda text: ip_or_none(text) == IPv6Address(text)),
)
addresses = st.builds(Address, hosts, st.integers(0, 65535))

VECTORS = [
    (Address("1.1.1.1", 53), "01 01010101 0035"),
    (Address("example.com", 443), "03 0b 6578616d706c652e636f6d 01bb"),
    (Address("::1", 9), "04 00000000000000000000000000000001 0009"),
    (Address("sp.v2.udp-over-tcp.arpa", 0), "03 17 73702e76322e7564702d6f7665722d7463702e61727061 0000"),
]


@pytest.mark.parametrize(("address", "wire"), VECTORS)
def test_known_addresses(address: Address, wire: str) -> None:
    data = bytes.fromhex(wire)
    assert encode_socks(address) == data
    assert decode_socks(data) == (address, len(data))


@given(addresses, st.sampled_from([SOCKS, OTHER]), st.binary(max_size=5), st.binary(max_size=5))
def test_what_is_written_is_read_back_wherever_it_stands(
    address: Address, families: Families, before: bytes, behind: bytes
) -> None:
    data = before + encode(address, families) + behind
    assert decode(memoryview(data), len(before), families) == (address, len(data) - len(behind))


@given(addresses)
def test_a_beginning_asks_for_more(address: Address) -> None:
    data = encode_socks(address)
    assert all(decode_socks(data[:length]) is None for length in range(len(data)))


@given(st.binary(max_size=300))
def test_random_bytes_are_an_address_or_refused(data: bytes) -> None:
    try:
        found = decode_socks(data)
    except BadAddress:
        return
    if found is not None:
        address, end = found
        assert end <= len(data)
        assert str(address).isprintable()
        assert decode_socks(encode_socks(address)) == (address, len(encode_socks(address)))


@given(st.binary(max_size=255))
def test_whatever_name_is_read_can_be_logged_and_written(raw: bytes) -> None:
    try:
        host = decode_host(raw)
    except BadAddress:
        return
    assert host.isascii()
    assert host.isprintable()
    assert encode_socks(Address(host, 1))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"two words",
        b"line\nfeed.example",
        b"\x1b[31mred",
        b"nul\x00.example",
        b"\xff\xfe",
        "right\u202eto-left".encode(),
        b"user@host",
        b"host/path",
        b"fe80::1%eth0",
        b"[::1]",
        b"a:b",
        "ä..de".encode(),
        ("ü" * 64).encode(),
    ],
)
def test_a_name_that_could_lie_in_a_log_is_refused(raw: bytes) -> None:
    with pytest.raises(BadAddress) as caught:
        decode_socks(bytes((3, len(raw))) + raw + b"\x00\x50")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("family", [0, 2, 5, 255])
def test_an_unknown_type_is_refused_at_its_first_byte(family: int) -> None:
    with pytest.raises(BadAddress, match=f"unknown address type {family}"):
        decode_socks(bytes((family,)))


def test_a_name_in_another_script_travels_in_ascii() -> None:
    data = encode_socks(Address("münchen.example", 80))
    assert data == b"\x03\x16xn--mnchen-3ya.example\x00\x50"
    utf8 = "münchen.example".encode()
    assert decode_socks(bytes((3, len(utf8))) + utf8 + b"\x00\x50") == (Address("xn--mnchen-3ya.example", 80), 20)


def test_a_name_fills_its_length_byte_and_no_more() -> None:
    longest = ".".join(["a" * 63] * 4)
    assert len(longest) == 255
    assert encode_socks(Address(longest, 1))[:2] == b"\x03\xff"
    with pytest.raises(BadAddress, match="longer than 255"):
        encode_socks(Address(longest + "a", 1))


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_beyond_two_bytes_is_refused(port: int) -> None:
    with pytest.raises(BadAddress, match="port"):
        encode_socks(Address("example.com", port))


def test_an_ip_sent_as_a_name_is_an_ip() -> None:
    raw = b"0:0:0:0:0:0:0:1"
    assert decode_socks(bytes((3, len(raw))) + raw + b"\x00\x50") == (Address("::1", 80), 19)
    assert encode_socks(Address("127.0.0.1", 80)) == bytes.fromhex("01 7f000001 0050")


def test_a_mapped_ipv4_is_ipv4_wherever_it_comes_from() -> None:
    assert decode_socks(bytes.fromhex("04 00000000000000000000ffff01020304 0050")) == (Address("1.2.3.4", 80), 19)
    assert encode_socks(Address("::ffff:1.2.3.4", 80)) == bytes.fromhex("01 01020304 0050")
    assert parse_host_port("[::ffff:1.2.3.4]:80") == Address("1.2.3.4", 80)


def test_text_form() -> None:
    assert str(Address("example.com", 443)) == "example.com:443"
    assert str(Address("2001:db8::1", 443)) == "[2001:db8::1]:443"


@given(addresses)
def test_the_text_form_is_read_back(address: Address) -> None:
    assert parse_host_port(str(address)) == address


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_host_port(text, 80)
    except BadAddress:
        return
    assert encode_socks(address)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.com", Address("example.com", 80)),
        ("example.com:", Address("example.com", 80)),
        ("example.com:0", Address("example.com", 0)),
        ("[::1]", Address("::1", 80)),
        ("[2001:DB8:0::1]:65535", Address("2001:db8::1", 65535)),
        ("Example.COM.:443", Address("Example.COM.", 443)),
        ("my_host-1:1", Address("my_host-1", 1)),
    ],
)
def test_a_port_may_be_left_out_where_there_is_a_default(text: str, expected: Address) -> None:
    assert parse_host_port(text, 80) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":80",
        "example.com",
        "example.com:",
        "example.com:65536",
        "example.com:-1",
        "example.com:8 0",
        "example.com:８０",
        "example.com:80\n",
        "::1:80",
        "[::1]80",
        "[::1",
        "[]:80",
        "[1.2.3.4]:80",
        "[fe80::1%eth0]:80",
        "[example.com]:80",
        "user@example.com:80",
        "exa mple.com:80",
    ],
)
def test_a_text_that_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        parse_host_port(text)


@pytest.mark.parametrize(
    ("host", "ip"),
    [
        ("127.0.0.1", IPv4Address("127.0.0.1")),
        ("::1", IPv6Address("::1")),
        ("::ffff:127.0.0.1", IPv4Address("127.0.0.1")),
        ("fe80::1%eth0", None),
        ("127.1", None),
        ("localhost", None),
    ],
)
def test_which_texts_are_ips(host: str, ip: IPv4Address | IPv6Address | None) -> None:
    assert ip_or_none(host) == ip


def test_a_host_is_an_ip_or_a_name() -> None:
    assert parse_host("::1") == IPv6Address("::1")
    assert parse_host("example.com") == "example.com"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST.", "a.localhost"]
)
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "localhost.example", "notlocalhost", ""])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)
