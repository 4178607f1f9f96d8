"""UDP over TCP, version 2 and what version 1 has of it (PROTOCOL.md section 1.13).

A stream to the magic target carries a request and then packets. Version 1 has no request: its packets all carry
addresses. Some servers take one PSH frame for one packet, so the caller sends each encoded packet alone in its
own frame; the request may share the first packet's.
"""

from typing import NamedTuple

from app.protocols.address import Address, BadAddress, Families, decode, decode_socks, encode, encode_socks

MAGIC_V2 = "sp.v2.udp-over-tcp.arpa"
MAGIC_V1 = "sp.udp-over-tcp.arpa"
TARGET_V2 = Address(MAGIC_V2, 0)

# The largest UDP payload over IPv4: 65535 less 20 of IP and 8 of UDP header.
MAX_DATAGRAM = 65507
# One packet must fit one frame, whose length is two bytes.
MAX_PACKET = 65535
_FAMILIES = Families(ipv4=0, ipv6=1, domain=2)


class BadUot(ValueError):
    """Bytes that are not UDP over TCP, or a datagram that does not fit."""


class Request(NamedTuple):
    """What follows on the stream: packets to `destination` alone (connect), or packets that carry addresses."""

    connect: bool
    destination: Address


def version_of(target: Address) -> int | None:
    """2 or 1 where a stream's target is a magic name, whatever its port; None for every other target."""
    return {MAGIC_V2: 2, MAGIC_V1: 1}.get(target.host.lower())


def request(connect: bool, destination: Address) -> bytes:
    """The request that opens a version 2 stream. Raises BadAddress."""
    return bytes((connect,)) + encode_socks(destination)


def packet(data: bytes | memoryview, destination: Address | None = None) -> bytes:
    """One datagram, with its address except in connect mode. Raises BadUot when too long, BadAddress."""
    head = b"" if destination is None else encode(destination, _FAMILIES)
    if len(data) > MAX_DATAGRAM or len(head) + 2 + len(data) > MAX_PACKET:
        raise BadUot("the datagram is too long")
    return b"".join((head, len(data).to_bytes(2, "big"), data))


class RequestReader:
    """Reads the request at the head of a version 2 stream, in pieces of any size.

    It holds less than one request: 1 + 1 + 1 + 255 + 2 bytes at most.
    """

    def __init__(self) -> None:
        self._held = b""

    def feed(self, chunk: bytes | memoryview) -> tuple[Request, bytes] | None:
        """The request and the bytes behind it, once it is whole. Raises BadUot."""
        data = self._held + chunk
        if data and data[0] > 1:
            raise BadUot("a request starts with 0 or 1")
        try:
            found = decode_socks(data, 1)
        except BadAddress as error:
            raise BadUot(str(error)) from None
        if found is None:
            self._held = data
            return None
        destination, end = found
        return Request(data[0] == 1, destination), data[end:]


class PacketReader:
    """Reads packets from a stream, in pieces of any size and in either direction.

    It holds less than one packet: 1 + 1 + 255 + 2 bytes of address, 2 of length and 65535 of data at most.
    `dropped` counts packets longer than any datagram can be, which are passed over.
    """

    def __init__(self, connect: bool) -> None:
        self.dropped = 0
        self._connect = connect
        self._held = b""

    def feed(self, chunk: bytes | memoryview) -> list[tuple[Address | None, bytes]]:
        """The datagrams that are whole now, each with its address (None in connect mode). Raises BadUot."""
        data = self._held + chunk
        packets: list[tuple[Address | None, bytes]] = []
        done = 0
        while (head := self._head(data, done)) is not None:
            address, start, end = head
            if end > len(data):
                break
            if end - start > MAX_DATAGRAM:
                self.dropped += 1
            else:
                packets.append((address, data[start:end]))
            done = end
        self._held = data[done:]
        return packets

    def _head(self, data: bytes, at: int) -> tuple[Address | None, int, int] | None:
        """The address of the packet at `at`, and where its data starts and ends; None while that is unknown."""
        address = None
        if not self._connect:
            try:
                found = decode(data, at, _FAMILIES)
            except BadAddress as error:
                raise BadUot(str(error)) from None
            if found is None:
                return None
            address, at = found
        start = at + 2
        if start > len(data):
            return None
        return address, start, start + int.from_bytes(data[at:start], "big")
