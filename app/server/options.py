"""What a server is told: plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.protocols.address import Address
from app.protocols.padding import DEFAULT, Scheme


@dataclass(frozen=True, slots=True)
class Limits:
    """What strangers and users may take of the server; seconds and counts."""

    sessions: int = 8192
    """Each holds one descriptor and at most a few hundred kilobytes."""
    streams: int = 256
    """For each session. Clients open one at a time; those that open many together stay far below."""
    strangers: int = 512
    """Connections handed to the fallback at one time, beside the sessions; each holds two descriptors."""
    login: float = 10.0
    """TLS handshake and login together."""
    connect: float = 5.0
    """Reaching a target; the reference server's own limit (PROTOCOL.md §1.7)."""
    happy_eyeballs: float = 0.25


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Everything for one server. `users` maps names to passwords."""

    users: Mapping[str, str] = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    scheme: Scheme = DEFAULT
    fallback: Address | None = None
    """Where those are sent who know no password: an HTTP server that makes the port look like any other."""
    limits: Limits = Limits()
