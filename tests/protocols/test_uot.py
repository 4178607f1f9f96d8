from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.address import Address, BadAddress, encode_socks
from app.protocols.uot import (
    MAGIC_V1,
    MAGIC_V2,
    MAX_DATAGRAM,
    TARGET_V2,
    BadUot,
    PacketReader,
    Request,
    RequestReader,
    packet,
    request,
    version_of,
)

DNS = Address("1.1.1.1", 53)
# What a real client and server sent each other for a DNS-like query to 127.0.0.1:15353.
QUERY = bytes.fromhex("abcd01000001000000000000076578616d706c6503636f6d0000010001")
ECHO = Address("127.0.0.1", 0x3BF9)

hosts = st.sampled_from(["example.com", "1.2.3.4", "2001:db8::1", "a" * 255])
addresses = st.builds(Address, hosts, st.integers(0, 65535))
payloads = st.binary(max_size=40)
cuts = st.lists(st.integers(0, 30), max_size=40)


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    parts = []
    for size in sizes:
        parts.append(data[:size])
        data = data[size:]
    return [*parts, data]


def test_the_magic_target_on_the_wire() -> None:
    assert encode_socks(TARGET_V2).hex() == "031773702e76322e7564702d6f7665722d7463702e617270610000"


@pytest.mark.parametrize(
    ("host", "version"),
    [(MAGIC_V2, 2), (MAGIC_V1, 1), (MAGIC_V2.upper(), 2), ("example.com", None), ("x." + MAGIC_V2, None)],
)
def test_the_magic_names_are_known_at_any_port(host: str, version: int | None) -> None:
    assert version_of(Address(host, 0)) == version
    assert version_of(Address(host, 443)) == version


def test_known_bytes_with_addresses() -> None:
    assert request(False, DNS).hex(" ", 1) == "00 01 01 01 01 01 00 35"
    assert packet(b"abc", DNS) == bytes.fromhex("00 01010101 0035 0003 616263")


def test_known_bytes_in_connect_mode() -> None:
    assert request(True, DNS) == bytes.fromhex("01 01 01010101 0035")
    assert packet(b"abc") == bytes.fromhex("0003 616263")


def test_the_reference_client_with_addresses() -> None:
    recorded = bytes.fromhex("00017f0000013bf9") + bytes.fromhex("007f0000013bf9001d") + QUERY
    assert request(False, ECHO) + packet(QUERY, ECHO) == recorded
    assert RequestReader().feed(recorded) == (Request(False, ECHO), packet(QUERY, ECHO))
    assert PacketReader(connect=False).feed(recorded[8:]) == [(ECHO, QUERY)]


def test_the_sing_client_in_connect_mode() -> None:
    recorded = bytes.fromhex("01017f0000013bf9001d") + QUERY
    assert request(True, ECHO) + packet(QUERY) == recorded
    assert RequestReader().feed(recorded) == (Request(True, ECHO), packet(QUERY))
    assert PacketReader(connect=True).feed(recorded[8:]) == [(None, QUERY)]


@given(st.booleans(), addresses, payloads, cuts)
def test_a_request_may_come_in_any_pieces(connect: bool, destination: Address, behind: bytes, sizes: list[int]) -> None:
    reader = RequestReader()
    parts = iter(pieces(request(connect, destination) + behind, sizes))
    found = None
    for part in parts:
        found = reader.feed(memoryview(part))
        if found is not None:
            break
    assert found is not None
    assert (found[0], found[1] + b"".join(parts)) == (Request(connect, destination), behind)


@given(st.lists(st.tuples(addresses, payloads), max_size=5), cuts)
def test_packets_with_addresses_may_come_in_any_pieces(sent: list[tuple[Address, bytes]], sizes: list[int]) -> None:
    reader = PacketReader(connect=False)
    stream = b"".join(packet(data, destination) for destination, data in sent)
    assert [found for part in pieces(stream, sizes) for found in reader.feed(memoryview(part))] == sent


@given(st.lists(payloads, max_size=5), cuts)
def test_packets_in_connect_mode_may_come_in_any_pieces(sent: list[bytes], sizes: list[int]) -> None:
    reader = PacketReader(connect=True)
    stream = b"".join(map(packet, sent))
    found = [found for part in pieces(stream, sizes) for found in reader.feed(part)]
    assert found == [(None, data) for data in sent]


@given(st.lists(st.binary(max_size=300)))
def test_random_bytes_are_a_request_or_refused(chunks: list[bytes]) -> None:
    reader = RequestReader()
    with suppress(BadUot):
        for chunk in chunks:
            if reader.feed(chunk) is not None:
                break
            assert len(reader._held) < 1 + 1 + 1 + 255 + 2


@given(st.booleans(), st.lists(st.binary(max_size=300)))
def test_random_bytes_are_packets_or_refused(connect: bool, chunks: list[bytes]) -> None:
    reader = PacketReader(connect)
    with suppress(BadUot):
        for chunk in chunks:
            reader.feed(chunk)
            assert len(reader._held) < 1 + 1 + 255 + 2 + 2 + 65535


def test_an_empty_datagram_is_a_datagram() -> None:
    assert PacketReader(connect=True).feed(packet(b"") + packet(b"x")) == [(None, b""), (None, b"x")]
    assert PacketReader(connect=False).feed(packet(b"", DNS)) == [(DNS, b"")]


def test_the_largest_datagram_arrives_and_one_byte_more_is_not_sent() -> None:
    largest = bytes(MAX_DATAGRAM)
    assert PacketReader(connect=False).feed(packet(largest, DNS)) == [(DNS, largest)]
    with pytest.raises(BadUot, match="too long"):
        packet(bytes(MAX_DATAGRAM + 1))


def test_address_and_datagram_fit_one_frame() -> None:
    far = Address("a" * 255, 1)
    address = 1 + 1 + 255 + 2
    assert len(packet(bytes(65535 - 2 - address), far)) == 65535
    with pytest.raises(BadUot, match="too long"):
        packet(bytes(65535 - 2 - address + 1), far)


def test_a_packet_no_datagram_can_be_is_passed_over() -> None:
    reader = PacketReader(connect=True)
    assert reader.feed(b"\xff\xff" + bytes(65535) + packet(b"next")) == [(None, b"next")]
    assert reader.dropped == 1


def test_a_mapped_ipv4_source_is_ipv4() -> None:
    wire = bytes.fromhex("01 00000000000000000000ffff01010101 0035 0001 78")
    assert PacketReader(connect=False).feed(wire) == [(DNS, b"x")]


def test_a_source_may_be_a_name_with_port_0() -> None:
    assert PacketReader(connect=False).feed(b"\x02\x01a\x00\x00\x00\x01x") == [(Address("a", 0), b"x")]


@pytest.mark.parametrize("data", [b"\x02", b"\x00\x05", b"\x01\x03\x01 \x00\x50", b"GET / HTTP/1.1\r\n"])
def test_a_request_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(BadUot):
        RequestReader().feed(data)


@pytest.mark.parametrize("data", [b"\x03", b"\x02\x01\n\x00\x50\x00\x00"])
def test_a_packet_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(BadUot):
        PacketReader(connect=False).feed(data)


def test_a_destination_that_cannot_be_written_is_refused() -> None:
    nowhere = Address("no such\nname", 1)
    with pytest.raises(BadAddress):
        packet(b"x", nowhere)
    with pytest.raises(BadAddress):
        request(True, nowhere)
