"""One running tunnel: local proxy, servers, and the clock that looks after them. Plain asyncio, on any loop."""

import asyncio
import logging
from collections.abc import Callable

from app.engine.local_proxy import LocalProxy
from app.engine.options import EngineOptions
from app.engine.probe import prove
from app.engine.snapshot import Snapshot, take_snapshot
from app.engine.tunnel import Tunnel
from app.engine.upstream import SchemeMemory
from app.errors import Failure
from app.protocols.address import Address
from app.tasks import Tasks

_log = logging.getLogger("anytls.engine")


class Engine:
    """`start` it, look at it with `snapshot`, `stop` it. What sessions show is told to the callbacks."""

    def __init__(
        self,
        options: EngineOptions,
        schemes: SchemeMemory | None = None,
        on_proved: Callable[[], None] = lambda: None,
        on_failed: Callable[[Failure], None] = lambda failure: None,
        on_deserted: Callable[[], None] = lambda: None,
    ) -> None:
        self._options = options
        self._tasks = Tasks()
        self._tunnel = Tunnel(options, self._tasks, schemes, on_proved, on_failed, on_deserted)
        self._local = LocalProxy(options.local, options.timings, self._tunnel, self._tasks)
        self._ticking: asyncio.TimerHandle | None = None

    async def start(self) -> Address:
        """Open the local port and say which. Raises `BadInput` or `ListenFailed`; nothing is left behind then."""
        await self._tunnel.prepare()
        address = await self._local.listen()
        self._tick()
        return address

    async def prove(self) -> None:
        """See a server speak AnyTLS over the tunnel: TCP, TLS and password are right then, and sessions get warm.

        Raises the `Failure` that stands in the way.
        """
        session = await self._tunnel.session(self._tunnel.route(), patient=False)
        await prove(session, self._options.timings)
        self._tunnel.warm_up()

    def snapshot(self) -> Snapshot:
        """What there is to see now, as frozen values."""
        return take_snapshot(self._tunnel, self._local.connections)

    def close_idle(self) -> None:
        """Close every idle session."""
        for upstream in self._tunnel.upstreams:
            upstream.close_idle()

    async def stop(self) -> None:
        """Close everything. Connections that are open end."""
        if self._ticking is not None:
            self._ticking.cancel()
        await self._local.close()
        await self._tasks.close()
        await self._tunnel.close()

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._tunnel.tick()
        self._local.tick(now)
        self._ticking = loop.call_later(self._options.timings.tick, self._tick)
