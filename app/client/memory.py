"""Pushed padding schemes, remembered without making any loop wait for the disk."""

import asyncio
import threading
from contextlib import suppress

from app.storage.schemes import PushedSchemes
from app.tasks import Tasks


class Memory:
    """What the engine asks and tells from whatever thread it runs on; written on the loop that made this."""

    def __init__(self, schemes: PushedSchemes, tasks: Tasks) -> None:
        self._schemes = schemes
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._writing = asyncio.Lock()
        self._guard = threading.Lock()
        self._waiting: dict[str, bytes] = {}  # the newest alone: a server may push faster than any disk writes

    def get(self, server_key: str) -> bytes | None:
        """The raw scheme that this server pushed last."""
        return self._schemes.get(server_key)

    def put(self, server_key: str, raw: bytes) -> None:
        """Remember it soon. Where the loop or its owner has ended nothing is kept."""
        with self._guard:
            under_way = bool(self._waiting)
            if not under_way and self._schemes.get(server_key) == raw:
                return
            self._waiting[server_key] = raw
        if not under_way:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._start)

    def _start(self) -> None:
        with suppress(RuntimeError):
            self._tasks.start(self._write(), "remember padding schemes")

    async def _write(self) -> None:
        async with self._writing:
            with self._guard:
                waiting, self._waiting = self._waiting, {}
            for server_key, raw in waiting.items():
                await asyncio.to_thread(self._schemes.put, server_key, raw)
