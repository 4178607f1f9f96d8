"""Host and port, as SOCKS, AnyTLS and UDP over TCP write them."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from app.protocols.text import Flaw

# A domain's length is one byte on the wire (RFC 1928 section 5).
MAX_DOMAIN = 255
MAX_PORT = 65535
# A page opens dozens of connections to a few hosts; reading and writing one anew costs as much as all else that a
# connection's request needs.
_REMEMBERED = 512
# "Forbidden domain code points" of the WHATWG URL standard; isprintable() refuses the rest of them.
_FORBIDDEN = frozenset(" #%/:<>?@[\\]^|")
_HOST_PORT = re.compile(r"(?:\[(?P<ipv6>[^\[\]]*)\]|(?P<host>[^:\[\]]*))(?::(?P<port>[0-9]{0,5}))?")


class BadAddress(Flaw):
    """A host or port that cannot be used. The text never repeats what was given."""


class Address(NamedTuple):
    """Where a connection leads. `host` is an IPv4 or IPv6 text (no brackets, no zone) or a domain name."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Families(NamedTuple):
    """The bytes that say which kind of host follows."""

    ipv4: int
    ipv6: int
    domain: int


SOCKS = Families(ipv4=1, ipv6=4, domain=3)


def ip_or_none(host: str) -> IPv4Address | IPv6Address | None:
    """The IP that `host` spells, an IPv4-mapped one as IPv4; None for a name or an address with a zone."""
    try:
        ip = ip_address(host)
    except ValueError:
        return None
    if isinstance(ip, IPv4Address):
        return ip
    return None if ip.scope_id else ip.ipv4_mapped or ip


def is_loopback(host: str) -> bool:
    """Whether only this computer is meant: 127.0.0.0/8, ::1, or a localhost name (RFC 6761 section 6.3)."""
    ip = ip_or_none(host)
    if ip is not None:
        return ip.is_loopback
    name = host.lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


def parse_host(text: str) -> IPv4Address | IPv6Address | str:
    """The IP that `text` spells, or a domain in ASCII (IDNA 2003). Raises BadAddress."""
    ip = ip_or_none(text)
    if ip is not None:
        return ip
    try:
        name = text if text.isascii() else text.encode("idna").decode("ascii")
    except UnicodeError:
        raise BadAddress("the host name cannot be written in ASCII") from None
    if not 0 < len(name) <= MAX_DOMAIN:
        raise BadAddress("the host name is empty or longer than {limit} bytes", limit=MAX_DOMAIN)
    if not name.isprintable() or not _FORBIDDEN.isdisjoint(name):
        raise BadAddress("the host name has a character that no host name has")
    return name


def decode_host(raw: bytes) -> str:
    """The host that a peer spelled in bytes (ASCII or UTF-8), fit for a log. Raises BadAddress."""
    try:
        return str(parse_host(raw.decode()))
    except UnicodeDecodeError:
        raise BadAddress("the host name is not text") from None


def parse_host_port(text: str, default_port: int | None = None) -> Address:
    """Read `host:port` or `[IPv6]:port`; the port may be left out where there is a default. Raises BadAddress."""
    match = _HOST_PORT.fullmatch(text)
    if match is None:
        raise BadAddress("expected host:port, or [address]:port for IPv6")
    ipv6, host, port_text = match.group("ipv6", "host", "port")
    if ipv6 is not None and not (":" in ipv6 and ip_or_none(ipv6)):
        raise BadAddress("there is no IPv6 address between the brackets")
    port = int(port_text) if port_text else default_port
    if port is None or port > MAX_PORT:
        raise BadAddress("the port is missing or not a number up to {limit}", limit=MAX_PORT)
    return Address(str(parse_host(ipv6 or host)), port)


def encode(address: Address, families: Families) -> bytes:
    """Family byte, host, port. Raises BadAddress."""
    if not 0 <= address.port <= MAX_PORT:
        raise BadAddress("the port is not a number up to {limit}", limit=MAX_PORT)
    host = parse_host(address.host)
    port = address.port.to_bytes(2, "big")
    if isinstance(host, str):
        return bytes((families.domain, len(host))) + host.encode("ascii") + port
    return bytes((families.ipv4 if host.version == 4 else families.ipv6,)) + host.packed + port


def decode(data: bytes | memoryview, start: int, families: Families) -> tuple[Address, int] | None:
    """The address at `start` and the offset behind it; None while bytes are missing. Raises BadAddress."""
    if start >= len(data):
        return None
    family, at = data[start], start + 1
    if family == families.domain:
        if at >= len(data):
            return None
        at, size = at + 1, data[at]
    elif family in families:
        size = 4 if family == families.ipv4 else 16
    else:
        raise BadAddress("unknown address type {number}", number=family)
    end = at + size + 2
    if end > len(data):
        return None
    raw = bytes(data[at : at + size])
    return Address(_host(raw, family, families), int.from_bytes(data[end - 2 : end], "big")), end


@lru_cache(_REMEMBERED)
def _host(raw: bytes, family: int, families: Families) -> str:
    if family == families.domain:
        return decode_host(raw)
    if family == families.ipv4:
        return str(IPv4Address(raw))
    ip = IPv6Address(raw)
    return str(ip.ipv4_mapped or ip)


@lru_cache(_REMEMBERED)
def encode_socks(address: Address) -> bytes:
    """ATYP, host, port (RFC 1928 section 5; AnyTLS targets look the same). Raises BadAddress."""
    return encode(address, SOCKS)


def decode_socks(data: bytes | memoryview, start: int = 0) -> tuple[Address, int] | None:
    """The inverse of `encode_socks`: address and end offset; None while bytes are missing. Raises BadAddress."""
    return decode(data, start, SOCKS)
