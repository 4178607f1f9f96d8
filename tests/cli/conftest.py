import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app.protocols.address import Address
from app.server.options import ServerOptions
from app.server.server import Server
from tests.fakes import certificates

PASSWORD = "a-needle-of-a-password"


@dataclass(frozen=True)
class Served:
    """A server on a thread of its own, for commands that run a loop themselves."""

    address: Address

    def link(self, password: str = PASSWORD) -> str:
        return f"anytls://{password}@{self.address}/?hpkp={certificates.good().pin.hex()}"


@pytest.fixture
def served() -> Iterator[Served]:
    ready: threading.Event = threading.Event()
    found: list[Served] = []
    stops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        server = Server(ServerOptions({"tester": PASSWORD}), certificates.good().context())
        stop = asyncio.Event()
        found.append(Served(await server.start()))
        stops.append((asyncio.get_running_loop(), stop))
        ready.set()
        await stop.wait()
        await server.stop()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    yield found[0]
    loop, stop = stops[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
