"""What the two sides say of themselves: lines of `key=value` (PROTOCOL.md §1.3)."""

from collections.abc import Mapping
from typing import Final

VERSION: Final = 2

# The one key of our own (others ignore it): the sender understands the frame `END`. It is short because it rides in
# packet 1, whose padded size has little to spare.
HALF_CLOSE: Final = "end"

# What the crate `anytls` puts there, both sides: its own number of the session. For it FIN ends one direction, and a
# stream is over when both sides have sent one (tests/interop/README.md).
NUMBER: Final = "session"


def client_settings(name: str, padding_md5: str) -> bytes:
    """A client's settings. A line end in `name` would begin another setting, so it ends the name."""
    name, _, _ = name.partition("\n")
    return f"v={VERSION}\nclient={name}\npadding-md5={padding_md5}\n{HALF_CLOSE}=1".encode()


def server_settings(half_close: bool) -> bytes:
    """A server's answer; it names half-close only to a client that did."""
    return f"v={VERSION}".encode() + (f"\n{HALF_CLOSE}=1".encode() if half_close else b"")


def parse(body: bytes) -> dict[str, str]:
    """The keys and values; of a key that comes twice the last value counts."""
    lines = (line.partition("=") for line in body.decode(errors="replace").split("\n") if "=" in line)
    return {key: value for key, _, value in lines}


def version(settings: Mapping[str, str]) -> int:
    """The version both speak; 1 where the peer's word is missing or no sensible number."""
    told = settings.get("v", "")
    return min(int(told), VERSION) if told.isascii() and told.isdigit() and len(told) < 4 else 1
