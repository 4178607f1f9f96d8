"""A long way to the server: a relay in a process of its own that makes every byte take half a round trip.

The kernel here answers a client's SYN at once, where a far server's answer would take a round trip. So what the client
sends first travels a round trip longer; all that follows waits for an answer anyway, and keeps its order.

    python -m tests.benchmarks.delay SERVER_PORT

prints its port as JSON and runs until it is stopped.
"""

import asyncio
import json
import sys
from collections import deque
from typing import Final, cast

from app.loops import new_event_loop
from tests.benchmarks.wire import HOST

ROUND_TRIP: Final = 0.05  # seconds


class _Half(asyncio.Protocol):
    """One of the two connections; what it receives leaves the other one later."""

    def __init__(self, extra: float = 0.0) -> None:
        self.other: _Half | None = None
        self.transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._not_before = self._loop.time() + extra
        self._under_way: deque[bytes] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        sent_at = max(self._loop.time(), self._not_before)
        self._under_way.append(data)
        self._loop.call_at(sent_at + ROUND_TRIP / 2, self._pass_on)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def _pass_on(self) -> None:
        data = self._under_way.popleft()  # the oldest, for calls that are due at the same time come in any order
        if self.other is not None and self.other.transport is not None and not self.other.transport.is_closing():
            self.other.transport.write(data)


class _Near(_Half):
    """The client's connection; the server's is made when it comes."""

    def __init__(self, port: int) -> None:
        super().__init__(ROUND_TRIP)
        self._port = port
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connecting = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        _, far = await self._loop.create_connection(_Half, HOST, self._port)
        self.other, far.other = far, self


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Near(port), HOST, 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
