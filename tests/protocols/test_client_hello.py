"""ClientHellos: hand-made ones, the standard library's, a published one, and what is none."""

import ssl
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.client_hello import ClientHello, cut, parse, plain
from app.protocols.text import Flaw
from tests.fakes.hello_prints import ja3, ja4


def u16(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def sized(body: bytes, size: int = 2) -> bytes:
    return len(body).to_bytes(size, "big") + body


def extension(number: int, body: bytes) -> bytes:
    return u16(number) + sized(body)


def server_name(name: bytes) -> bytes:
    return extension(0, sized(b"\0" + sized(name)))


def key_share(*groups: int, key: bytes = b"key") -> bytes:
    return extension(51, sized(b"".join(u16(group) + sized(key) for group in groups)))


def hello(*extensions: bytes, ciphers: tuple[int, ...] = (0x1301, 0xC02F), tail: bool = True) -> bytes:
    """One in its record; without `tail` it ends where TLS 1.0 let it end, before the extensions."""
    body = u16(0x0303) + bytes(32) + sized(b"session", 1) + sized(u16(*ciphers)) + sized(b"\0", 1)
    if tail:
        body += sized(b"".join(extensions))
    return b"\x16\x03\x01" + sized(b"\x01" + sized(body, 3))


FULL = (
    extension(0x0A0A, b""),
    server_name(b"example.com"),
    extension(10, sized(u16(0x1A1A, 0x11EC, 29))),
    extension(11, sized(b"\0", 1)),
    extension(13, sized(u16(0x0403, 0x0804))),
    extension(16, sized(sized(b"h2", 1) + sized(b"http/1.1", 1))),
    extension(43, sized(u16(0x2A2A, 0x0304, 0x0303), 1)),
    key_share(0x1A1A, 29),
)


def of_the_standard_library(name: str | None = "example.com", *alpn: str) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if alpn:
        context.set_alpn_protocols(alpn)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def test_everything_that_it_offers() -> None:
    assert parse(hello(*FULL)) == ClientHello(
        version=0x0303,
        ciphers=(0x1301, 0xC02F),
        extensions=(0x0A0A, 0, 10, 11, 13, 16, 43, 51),
        groups=(0x1A1A, 0x11EC, 29),
        signatures=(0x0403, 0x0804),
        alpn=(b"h2", b"http/1.1"),
        versions=(0x2A2A, 0x0304, 0x0303),
        shares=(0x1A1A, 29),
        contents={11: b"\x01\x00"},
        server_name="example.com",
        name_at=parse(hello(*FULL)).name_at,
    )


def test_the_name_is_found_where_it_stands() -> None:
    record = hello(*FULL)
    place = parse(record).name_at
    assert place is not None
    assert record[slice(*place)] == b"example.com"


def test_a_hello_without_extensions() -> None:
    old = parse(hello(tail=False))
    assert (old.extensions, old.server_name, ja4(old)[:10]) == ((), None, "t12i020000")


def test_the_standard_librarys() -> None:
    found = parse(of_the_standard_library("example.com", "h2"))
    assert (found.server_name, found.alpn) == ("example.com", (b"h2",))
    assert ja4(found).startswith("t13d")
    assert ja4(found)[8:10] == "h2"
    assert ja4(parse(of_the_standard_library(None))).startswith("t13i")


# FoxIO's JA4 description and Salesforce's JA3 page have no bytes to go with their examples, so the examples' lists are
# put into a hello: the ciphers, extensions and signatures from which JA4's technical details compute theirs.
_CIPHERS = (
    *(0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C, 0x009D, 0x002F),
    0x0035,
)
_EXTENSIONS = (0x001B, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002D, 0x000D, 0x0005, 0x0023, 0x0012, 0x002B, 0xFF01)
_REST = (0x000B, 0x000A, 0x0015)


def published() -> bytes:
    bodies = {
        0x0000: sized(b"\0" + sized(b"example.com")),
        0x0010: sized(sized(b"h2", 1)),
        0x000D: sized(u16(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)),
        0x002B: sized(u16(0x0304, 0x0303), 1),
        0x000B: sized(b"\0", 1),
        0x000A: sized(u16(29, 23, 24)),
    }
    extensions = (extension(number, bodies.get(number, b"")) for number in (*_EXTENSIONS, *_REST))
    return hello(*extensions, ciphers=_CIPHERS)


def test_the_published_example_of_ja4() -> None:
    assert ja4(parse(published())) == "t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_ja3_counts_the_order_and_ja4_does_not() -> None:
    one, other = parse(hello(*FULL)), parse(hello(*reversed(FULL)))
    assert ja4(one) == ja4(other)
    assert ja3(one) != ja3(other)
    assert not one.differs_from(other)


def test_grease_counts_for_nothing() -> None:
    greased = parse(hello(*FULL, extension(0xFAFA, b"x"), ciphers=(0xDADA, 0x1301, 0xC02F)))
    assert ja4(greased) == ja4(parse(hello(*FULL)))
    assert plain(greased.ciphers) == [0x1301, 0xC02F]


@pytest.mark.parametrize(
    ("protocol", "shown"), [(b"h2", "h2"), (b"http/1.1", "h1"), (b"\xab\xcd", "ad"), (b"0", "00"), (b"", "00")]
)
def test_ja4_shows_the_first_protocol_by_its_ends(protocol: bytes, shown: str) -> None:
    assert ja4(parse(hello(extension(16, sized(sized(protocol, 1))))))[8:10] == shown


@pytest.mark.parametrize(
    ("extensions", "named"),
    [
        ((*FULL, extension(21, bytes(10)), extension(41, b"psk")), ""),
        (FULL[:1] + FULL[2:], ""),
        ((*FULL, extension(35, b"")), "extensions"),
        ((*FULL[:2], extension(10, sized(u16(29))), *FULL[3:]), "supported_groups"),
        ((*FULL[:4], extension(13, sized(u16(0x0804))), *FULL[5:]), "signature_algorithms"),
        ((*FULL[:5], extension(16, sized(sized(b"h3", 1))), *FULL[6:]), "application_layer_protocol_negotiation"),
        ((*FULL[:6], extension(43, sized(u16(0x0303), 1)), FULL[7]), "supported_versions"),
        ((*FULL[:7], key_share(0xFAFA, 29, key=b"other")), ""),
        ((*FULL[:7], key_share(29, 23)), "key_share"),
        ((*FULL[:3], extension(11, sized(b"\0\1", 1)), *FULL[4:]), "extension 11"),
    ],
)
def test_what_tells_two_programs_apart(extensions: tuple[bytes, ...], named: str) -> None:
    assert parse(hello(*FULL)).differs_from(parse(hello(*extensions))) == named


def test_other_ciphers_tell_them_apart_too() -> None:
    assert parse(hello(*FULL)).differs_from(parse(hello(*FULL, ciphers=(0x1302,)))) == "cipher_suites"


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\x16\x03\x01",
        b"GET / HTTP/1.1\r\n\r\n" * 10,
        b"\x16\x03\x01" + sized(b"\x02" + bytes(60)),
        hello(*FULL)[:-1],
        hello(extension(0, sized(b"\0" + u16(500)))),
        hello(server_name(b"ex\xffmple.com")),
        hello(u16(43, 4000)),
        hello(extension(10, b"")),
        hello(extension(51, sized(b"\0\x1d\0"))),
    ],
)
def test_what_is_none(record: bytes) -> None:
    with pytest.raises(Flaw, match="whole TLS ClientHello"):
        parse(record)


@given(st.binary(max_size=200), st.integers(0, 250))
def test_nothing_else_is_raised(junk: bytes, at: int) -> None:
    record = bytearray(hello(*FULL))
    record[at : at + len(junk)] = junk
    try:
        parse(bytes(record))
    except Flaw:
        return


def test_it_is_cut_inside_the_name() -> None:
    record = hello(*FULL)
    pieces = cut(record)
    assert b"".join(pieces) == record
    assert len(pieces) == 3
    assert len(pieces[0]) == 1
    assert not any(b"example.com" in piece for piece in pieces)
    assert pieces[1].endswith(b"examp")


@pytest.mark.parametrize("record", [hello(), b"no hello", b"x", b""])
def test_without_a_name_it_is_cut_all_the_same(record: bytes) -> None:
    pieces = cut(record)
    assert b"".join(pieces) == record
    assert len(pieces) == min(3, len(record))
