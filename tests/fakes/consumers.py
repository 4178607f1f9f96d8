"""A stream's user that keeps all it is told."""

from app.errors import Failure
from app.protocols.streams import Sink
from app.transport.stream import Consumer


class Recorder(Consumer):
    """`said` is everything but payload, in order; payload gathers in `data`."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.said: list[str] = []
        self.error: Failure | None = None

    @property
    def over(self) -> bool:
        return "closed" in self.said

    @property
    def sink(self) -> Sink:
        return self.data.extend

    def flush(self) -> None:
        """Everything has been taken already."""

    def accepted(self) -> None:
        self.said.append("accepted")

    def ended(self) -> None:
        self.said.append("ended")

    def closed(self, error: Failure | None) -> None:
        self.said.append("closed")
        self.error = error

    def hold(self) -> None:
        self.said.append("hold")

    def release(self) -> None:
        self.said.append("release")
