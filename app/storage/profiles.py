"""A profile: one way out, without its passwords; and the rules for what foreign text may put into one.

Values are plain and trusted; whoever reads them from outside passes them through the functions below first.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from app.texts import translate
from app.transport.options import USUAL_TCP, TcpOptions

Strategy = Literal["round-robin", "failover", "lowest-latency"]
Verification = Literal["system", "ca-file", "pin", "none"]
TlsVersion = Literal["1.2", "1.3"]
UdpMode = Literal["connect", "packet"]

DEFAULT_PORT: Final = 443  # PROTOCOL.md §3.1
DEFAULT_FINGERPRINT: Final = "chrome"
MAX_NAME: Final = 200  # characters: a name is one line in a menu (§6.7: some are megabytes long)
MAX_SERVERS: Final = 256  # as many as storage.schemes remembers
MAX_HOST: Final = 253  # characters, RFC 1035 §2.3.4
MAX_ALPN: Final = 16  # protocols; browsers offer two
MAX_SOURCE: Final = 64  # characters: names of interfaces have 15 on Linux, a few more on Windows
MAX_ADDRESS: Final = 2048  # characters of a DNS-over-HTTPS address
KEEPALIVE_SECONDS: Final = (1.0, 32_767.0)  # what the kernel takes (tcp(7), TCP_KEEPIDLE)
USER_TIMEOUT_SECONDS: Final = (1.0, 86_400.0)  # above, nobody waits for the data any more
CIPHERS: Final = r"^[A-Za-z0-9:,+!@=._ -]{1,1000}\Z"  # what openssl-ciphers(1) is written in
CURVE: Final = r"^[A-Za-z0-9_.-]{1,64}\Z"
IDLE_SECONDS: Final = (1.0, 86_400.0)  # below, the check would be a busy loop; above, no server keeps a session
MIN_IDLE_SESSIONS: Final = (0, 64)  # the largest pool that any core allows (§2.4, cuber)


class Preset(NamedTuple):
    """How eagerly idle sessions are kept: seconds between checks, seconds a session may idle, sessions always kept."""

    idle_check_interval: float
    idle_timeout: float
    min_idle: int


BALANCED: Final = Preset(30.0, 30.0, 5)
PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {"low-latency": Preset(15.0, 30.0, 10), "balanced": BALANCED, "saving": Preset(60.0, 60.0, 0)}
)


@dataclass(frozen=True, slots=True)
class ProfileServer:
    """Where to dial: an ASCII host name or IP address (IPv6 without brackets), and a port."""

    host: str
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Profile:
    """One way out: its servers, and how to speak TLS and AnyTLS with them."""

    name: str
    servers: tuple[ProfileServer, ...]
    strategy: Strategy = "round-robin"
    server_name: str | None = None  # None: the host; "": no SNI is sent
    alpn: tuple[str, ...] = ()
    verification: Verification = "system"
    ca_file: str | None = None
    certificate_pin: bytes | None = None  # SHA-256 of the leaf certificate, 32 bytes
    spki_pin: bytes | None = None  # SHA-256 of the leaf's public key (SubjectPublicKeyInfo), 32 bytes
    min_tls: TlsVersion | None = None
    max_tls: TlsVersion | None = None
    fingerprint: str = DEFAULT_FINGERPRINT  # whose ClientHello is sent: none, chrome, chrome:<major>, or file
    hello_file: str | None = None  # a captured ClientHello, for the fingerprint "file"
    client_certificate: str | None = None  # a PEM file to show the server, with its key or …
    client_key: str | None = None  # … with the key in this one
    ciphers: str | None = None  # OpenSSL's list of TLS 1.2 cipher suites, without a fingerprint
    curve: str | None = None  # OpenSSL's name of one elliptic curve, without a fingerprint
    ech_config: bytes | None = None  # an ECHConfigList (RFC 9849)
    ech_resolver: str | None = None  # the DNS-over-HTTPS address that is asked for one; None: no ECH
    fragment: bool = False  # the ClientHello leaves in several TCP segments
    tcp: TcpOptions = USUAL_TCP
    idle_check_interval: float = BALANCED.idle_check_interval  # seconds
    idle_timeout: float = BALANCED.idle_timeout  # seconds
    min_idle: int = BALANCED.min_idle  # sessions
    client_name: str | None = None  # None: anytls-tray/<version>; "": sent empty
    udp_mode: UdpMode = "connect"


_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSEEN = frozenset("\u200b\u2060\ufeff")  # zero-width space, word joiner, byte order mark
_LINE_BREAKING = frozenset(("Cc", "Cs", "Zl", "Zp"))
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
# IDNA 2003 and 2008 read ß, ς and the joiners as different names (UTS 46 §7); guessing could dial a stranger.
_DEVIATIONS = frozenset("ßς\u200c\u200d")


def clean_name(text: str) -> str:
    """`text` as one line of at most MAX_NAME characters; emoji joiners stay, control and bidi characters go."""
    shown = "".join(
        " " if unicodedata.category(char) in _LINE_BREAKING else char
        for char in text
        if char not in _BIDI_CONTROLS and char not in _UNSEEN
    )
    return " ".join(shown.split())[:MAX_NAME].rstrip()


def host_name(text: str) -> str:
    """A host as it is dialled: lower-case ASCII name (IDNA) or IP address; brackets and a final dot are taken off.

    Raises ValueError; its text continues a sentence that begins with what the host is for.
    """
    if len(text) > MAX_HOST + 1 or not text:
        raise ValueError(translate("profiles", "is missing or too long"))
    if _DEVIATIONS.intersection(text):
        raise ValueError(translate("profiles", "has a letter that not all programs read alike; use its xn-- form"))
    try:
        return _address(text) if ":" in text else _name(text)
    except ValueError:  # UnicodeError and AddressValueError among them
        raise ValueError(translate("profiles", "is neither a host name nor an IP address")) from None


def _address(text: str) -> str:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if "%" in bare:
        raise ValueError  # a zone names an interface of the computer that wrote it
    return str(IPv6Address(bare))


def _name(text: str) -> str:
    name = text if text.isascii() else text.encode("idna").decode("ascii")
    labels = name.lower().removesuffix(".").split(".")
    if labels[-1].isdigit():
        return str(IPv4Address(".".join(labels)))
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError
    return ".".join(labels)


def tcp_alpn(names: Iterable[str]) -> tuple[str, ...]:
    """The protocols that can be offered over TCP: empty ones and h3 are dropped (§3.2: panels add a lone h3).

    Raises ValueError, worded as in `host_name`, for what TLS cannot carry (RFC 7301 §3.1).
    """
    kept = tuple(dict.fromkeys(name for name in names if name and name != "h3"))
    if len(kept) > MAX_ALPN or not all(len(name) <= 255 and name.isascii() and name.isprintable() for name in kept):
        raise ValueError(translate("profiles", "is not a short list of ASCII names"))
    return kept


def resolver_address(text: str) -> str:
    """The address of a DNS-over-HTTPS server as it is asked (RFC 8484); the template's `{?dns}` is taken off.

    Raises ValueError, worded as in `host_name`.
    """
    address = text.strip().removesuffix("{?dns}")
    try:
        if len(address) > MAX_ADDRESS or not (address.isascii() and address.isprintable()) or " " in address:
            raise ValueError
        parts = urlsplit(address)
        host_name(parts.hostname or "")
        if parts.scheme != "https" or parts.port == 0 or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError
    except ValueError:
        raise ValueError(translate("profiles", "is not an https:// address")) from None
    return address


def local_source(text: str) -> str:
    """The local address or the interface that connections leave from.

    Raises ValueError, worded as in `host_name`.
    """
    source = text.strip()
    try:
        return str(ip_address(source))
    except ValueError:
        if 0 < len(source) <= MAX_SOURCE and source.isprintable() and "/" not in source and ":" not in source:
            return source
    raise ValueError(translate("profiles", "is neither a local address nor the name of an interface"))
