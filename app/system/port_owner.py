"""Who listens on a port, where the system tells."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from app.protocols.text import printable

_LONGEST: Final = 60  # characters of a name, which its program chooses


@dataclass(frozen=True, slots=True)
class PortOwner:
    """A program that listens."""

    name: str
    pid: int


def owner_of(port: int, host: str) -> PortOwner | None:
    """The program that keeps `host` from being listened on at `port`; None where the system does not say.

    Programs of other people are shown to the administrator alone. Blocks for some 10 ms.
    """
    import psutil

    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            at = connection.laddr
            if connection.status != psutil.CONN_LISTEN or not at or at.port != port or not connection.pid:
                continue
            if _in_the_way(at.ip, host):
                return PortOwner(printable(psutil.Process(connection.pid).name(), _LONGEST), connection.pid)
    return None


def _in_the_way(taken: str, wanted: str) -> bool:
    """A listener on every address is in the way of each of them, and the other way round."""
    everywhere = {"0.0.0.0", "::", ""}  # noqa: S104 (compared, not listened on)
    return taken == wanted or taken in everywhere or wanted in everywhere or wanted == "localhost"
