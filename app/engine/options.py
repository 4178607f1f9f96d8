"""What the engine is told: plain values, made by `client` from a profile."""

from dataclasses import dataclass, field
from enum import Enum

from app.transport.options import USUAL_TCP, TcpOptions


class Verification(Enum):
    """How the server proves who it is."""

    SYSTEM = "system"
    CA_FILE = "ca-file"
    PIN = "pin"
    NONE = "none"


class Strategy(Enum):
    """Which of several servers carries the next stream."""

    ROUND_ROBIN = "round-robin"
    FAILOVER = "failover"
    LOWEST_LATENCY = "lowest-latency"


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How TLS is spoken with a server."""

    server_name: str | None = None
    """The name sent and checked; None is the server's host, an empty text sends none."""
    alpn: tuple[str, ...] = ()
    verification: Verification = Verification.SYSTEM
    ca_file: str | None = None
    certificate_pin: bytes | None = None
    """SHA-256 of the server's certificate (DER)."""
    spki_pin: bytes | None = None
    """SHA-256 of its public key (SubjectPublicKeyInfo, DER)."""
    min_version: str | None = None
    """"1.2" or "1.3"."""
    max_version: str | None = None
    fingerprint: str = "none"
    """Whose ClientHello is sent: "none" the standard library's, "chrome" the newest Chrome's that is known,
    "chrome:152" that one's, "file" the one in `hello_file`."""
    hello_file: str | None = None
    """A captured ClientHello: a TLS record, as bytes, in hexadecimal digits or in base64."""
    client_certificate: str | None = None
    """A PEM file to show the server, …"""
    client_key: str | None = None
    """… and its key, where that is in another file."""
    ciphers: str | None = None
    """OpenSSL's list of TLS 1.2 cipher suites; those of TLS 1.3 stay. Only without a fingerprint."""
    curve: str | None = None
    """The one elliptic curve to agree a key on, by OpenSSL's name. Only without a fingerprint."""
    ech_config: bytes | None = None
    """An ECHConfigList (RFC 9849): the server's name is sent encrypted to it, or nothing is sent at all."""
    ech_resolver: str | None = None
    """Without one: the DNS-over-HTTPS address (RFC 8484) that is asked for it. None: no ECH."""
    fragment: bool = False
    """The ClientHello leaves in several TCP segments, cut inside the server's name."""

    @property
    def hides_name(self) -> bool:
        """Whether the server's name may be sent encrypted (ECH) only."""
        return self.ech_config is not None or self.ech_resolver is not None


@dataclass(frozen=True, slots=True)
class Server:
    """One server to dial."""

    host: str
    port: int
    password: str = field(repr=False)
    tls: TlsOptions = TlsOptions()
    tcp: TcpOptions = USUAL_TCP

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Idle sessions: how often they are looked at, how long they stay, how many are kept ready (seconds)."""

    check_interval: float = 30.0
    idle_timeout: float = 30.0
    min_idle: int = 5


@dataclass(frozen=True, slots=True)
class Timings:
    """How long the engine waits, in seconds."""

    tcp: float = 10.0
    tls: float = 10.0
    answer: float = 10.0
    """The server's first word on a stream, before it is asked for a sign of life."""
    heartbeat: float = 5.0
    """The answer to that question."""
    half_close: float = 10.0
    """Silence after which a stream is closed whose app has ended its sending side."""
    exact_reply: float = 10.0
    """The server's word about a target, where an app is told the outcome."""
    give_up: float = 30.0
    """All tries for one stream together."""
    happy_eyeballs: float = 0.25
    """RFC 8305: before the next address is tried beside the one under way."""
    tick: float = 1.0


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """The local proxy."""

    host: str = "127.0.0.1"
    port: int = 1080
    """0 takes a free one."""
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    exact_replies: bool = False
    udp_connect: bool = True
    """One stream for each UDP destination; False sends all of an app's datagrams through one."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Everything for one tunnel."""

    servers: tuple[Server, ...]
    strategy: Strategy = Strategy.FAILOVER
    pool: PoolOptions = PoolOptions()
    local: LocalOptions = LocalOptions()
    timings: Timings = Timings()
    client_name: str = ""
    page: str | None = None
    """An http or https URL that has to answer through the tunnel before it counts as proved; None asks for none."""
