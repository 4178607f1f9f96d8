"""One stream of a session as its machine keeps it: where payload goes, and which ends have been said."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

Sink = Callable[[memoryview], object]


class StreamState(Enum):
    OPEN = auto()
    SENT_END = auto()
    GOT_END = auto()


# What the end of one direction makes of a stream; None is closed. FIN closes from every state.
SEND_END: Final = {StreamState.OPEN: StreamState.SENT_END, StreamState.GOT_END: None}
GET_END: Final = {StreamState.OPEN: StreamState.GOT_END, StreamState.SENT_END: None}


@dataclass(slots=True)
class OpenStream:
    """A stream that is not closed in both directions."""

    sink: Sink
    state: StreamState = StreamState.OPEN


def discard(_chunk: memoryview) -> None:
    """The sink of everything that nobody waits for: it is drained, whatever the command (PROTOCOL.md §1.2)."""
