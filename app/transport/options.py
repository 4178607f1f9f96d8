"""How a TCP connection to a server is made: plain values."""

from dataclasses import dataclass
from typing import Final, Literal

Family = Literal["any", "prefer-4", "prefer-6", "only-4", "only-6"]
"""Which addresses of a name are tried, and which first; "any" follows the system's order (RFC 6724)."""


@dataclass(frozen=True, slots=True)
class TcpOptions:
    """What the kernel is asked for. Where it lacks one of these the connection is made without, but for `source`.

    Dead peers are found by the kernel: by default it probes after 30 s of silence, three times ten seconds apart, and
    waits as long for data that nobody acknowledges. NATs forget idle connections after minutes at the earliest
    (RFC 5382: 2 h 4 min; in the field 60 s and up), so the probes keep them too.
    """

    keepalive: float | None = 30.0
    """Seconds of silence before the other side is probed; None never probes."""
    user_timeout: float | None = 60.0
    """Seconds that sent data may stay unacknowledged; None leaves it to the system (about 15 minutes)."""
    no_delay: bool = True
    """Small writes leave at once (RFC 896's algorithm off)."""
    multipath: bool = False
    """Multipath TCP (RFC 8684) where kernel and server have it."""
    source: str | None = None
    """The local address or the interface to connect from; None leaves it to the system."""
    family: Family = "any"


USUAL_TCP: Final = TcpOptions()
