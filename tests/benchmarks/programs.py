"""Who takes part: our client on both loops, the peers' clients, and one server for all of them.

Peers are named by ANYTLS_PEER_CLIENT and ANYTLS_PEER_SERVER, which take the command lines of anytls-go, and found
below ANYTLS_PEERS, where `make peers` puts them.
"""

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.benchmarks.processes import Process, free_port, started
from tests.benchmarks.wire import HOST

OURS: Final = "ours"
REFERENCE: Final = "anytls-go"

# Nobody is measured while it writes a log.
_QUIET: Final = {"LOG_LEVEL": "error", "RUST_LOG": "error"}

_MODULE: Final = (sys.executable, "-m", "app")
_WITHOUT_UVLOOP: Final = (
    sys.executable,
    "-c",
    "import sys; sys.modules.update(uvloop=None, winloop=None); from app.cli import main; sys.exit(main())",
)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    name: str
    address: str
    password: str


@dataclass(frozen=True, slots=True)
class Running:
    """A client that runs, and where its local proxy listens."""

    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Client:
    """A client that can be started."""

    name: str
    command: Callable[[str, Server], list[str]] | None = None
    """A peer's command line for a local address and a server; ours has none."""
    program: tuple[str, ...] = _MODULE
    query: str = ""
    """What stands in ours's link besides, such as `&fp=chrome`."""

    @contextmanager
    def running(self, server: Server, folder: Path, *, warm: bool = True) -> Iterator[Running]:
        """Run it until the block ends. Unless `warm`, ours keeps no session ready, as peers do not."""
        if self.command is None:
            with _ours(self.program, server, folder, self.query, warm=warm) as process:
                port = process.says()["port"]
                process.says(event="state", state="on")
                yield Running(port, process.pid)
        else:
            port = free_port()
            with started(self.command(f"{HOST}:{port}", server), folder, **_QUIET) as process:
                process.listens(port)
                yield Running(port, process.pid)


@contextmanager
def target(folder: Path) -> Iterator[dict[str, int]]:
    """Run the target until the block ends; gives its ports, `tcp` and `udp`."""
    with started([sys.executable, "-m", "tests.benchmarks.target"], folder) as process:
        yield process.says()


@contextmanager
def far(server: Server, folder: Path) -> Iterator[Server]:
    """The same server at the end of a long way (see `delay`)."""
    port = server.address.rpartition(":")[2]
    with started([sys.executable, "-m", "tests.benchmarks.delay", port], folder) as process:
        yield replace(server, address=f"{HOST}:{process.says()['port']}")


# ---- clients


def clients() -> list[Client]:
    """All that are there, ours first."""
    found = [
        Client(OURS, query="&fp=none"),
        Client(f"{OURS}, Chrome", query="&fp=chrome"),
        Client(f"{OURS}, asyncio", program=_WITHOUT_UVLOOP, query="&fp=none"),
    ]
    if path := os.environ.get("ANYTLS_PEER_CLIENT"):
        found.append(Client(REFERENCE, lambda at, to: [path, "-l", at, "-s", to.address, "-p", to.password]))
    return found + [_crate(folder.name, str(folder / "bin" / "anytls-client")) for folder in _crates()]


@contextmanager
def _ours(program: tuple[str, ...], server: Server, folder: Path, query: str, *, warm: bool) -> Iterator[Process]:
    query = "insecure=1" + query + ("" if warm else "&min-idle-session=0")
    link = f"anytls://{server.password}@{server.address}/?{query}"
    command = [*program, "connect", "-", "--listen", f"{HOST}:0", "--json", "--log-level", "error"]
    with started(command, folder, link, **_own_folders(folder)) as process:
        yield process


def _crate(name: str, path: str) -> Client:
    if name.startswith("anytls-rs-"):
        return Client(name, lambda at, to: [path, "-l", at, "-s", to.address, "-p", to.password, "-L", "error"])

    def command(at: str, to: Server) -> list[str]:
        options = ["--insecure", "true", "--log", "error"]
        return [path, "-l", f"mixed://{at}", "-s", to.address, "-p", to.password, *options]

    return Client(name, command)


# ---- the server


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """The one that all clients use: the named one, else a crate's, else ours."""
    password = secrets.token_hex(16)
    if path := os.environ.get("ANYTLS_PEER_SERVER"):
        name = REFERENCE
    elif crates := _crates():
        name, path = crates[0].name, str(crates[0] / "bin" / "anytls-server")
    else:
        with _our_server(folder, password) as own:
            yield own
        return
    address = f"{HOST}:{free_port()}"
    with started([path, "-l", address, "-p", password], folder, **_QUIET) as process:
        process.listens(int(address.rpartition(":")[2]))
        yield Server(name, address, password)


@contextmanager
def _our_server(folder: Path, password: str) -> Iterator[Server]:
    command = [*_MODULE, "serve", "--listen", f"{HOST}:0", "--password-env", "BENCH_PASSWORD", "--json"]
    environment = _own_folders(folder) | {"BENCH_PASSWORD": password}
    with started([*command, "--log-level", "error"], folder, **environment) as process:
        yield Server(OURS, f"{HOST}:{process.says()['port']}", password)


def _crates() -> list[Path]:
    """The crates' folders, anytls-rs first: the server of `anytls` 0.5.3 breaks off long transfers."""
    peers = os.environ.get("ANYTLS_PEERS")
    folders = Path(peers).iterdir() if peers and Path(peers).is_dir() else ()
    return sorted((folder for folder in folders if (folder / "bin" / "anytls-client").is_file()), reverse=True)


def _own_folders(folder: Path) -> dict[str, str]:
    """Keeps ours away from the files of whoever runs this."""
    folders = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    return folders | {"XDG_RUNTIME_DIR": str(folder)}
