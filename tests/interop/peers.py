"""AnyTLS implementations by others: where they are found, and how each is driven from the command line."""

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

SERVER_VARIABLE = "ANYTLS_PEER_SERVER"
CLIENT_VARIABLE = "ANYTLS_PEER_CLIENT"
FOLDER_VARIABLE = "ANYTLS_PEERS"

Command = Sequence[str]


@dataclass(frozen=True)
class ServerJob:
    """What a peer's server is started with."""

    port: int
    password: str
    scheme: Path | None = None

    @property
    def at(self) -> str:
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True)
class ClientJob:
    """What a peer's client is started with. Its HTTP proxy may be on a port of its own."""

    server_port: int
    password: str
    port: int
    http_port: int

    @property
    def at(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def server(self) -> str:
        return f"127.0.0.1:{self.server_port}"


@dataclass(frozen=True)
class Peer:
    """One implementation. What is not here is None, and `missing` says why."""

    name: str
    version: str = ""
    server: Callable[[ServerJob], Command] | None = None
    client: Callable[[ClientJob], Command] | None = None
    own_http_port: bool = False
    missing: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


def named() -> Peer:
    """The implementation that the environment names, driven like anytls-go."""
    server, client = (shlex.split(os.environ.get(name, "")) for name in (SERVER_VARIABLE, CLIENT_VARIABLE))

    def serve(job: ServerJob) -> Command:
        scheme = ("-padding-scheme", str(job.scheme)) if job.scheme else ()
        return (*server, "-l", job.at, "-p", job.password, *scheme)

    def connect(job: ClientJob) -> Command:
        return (*client, "-l", job.at, "-s", job.server, "-p", job.password, "-m", "2")

    missing = f"{SERVER_VARIABLE} or {CLIENT_VARIABLE} names no program"
    return Peer("anytls-go", "", serve if server else None, connect if client else None, missing=missing)


def crate_anytls() -> Peer:
    """https://github.com/ssrlive/anytls-rs, published as `anytls`."""
    version, binaries = _installed("anytls")

    def serve(job: ServerJob) -> Command:
        scheme = ("--padding-scheme", str(job.scheme)) if job.scheme else ()
        return (str(binaries / "anytls-server"), "-l", job.at, "-p", job.password, *scheme)

    def connect(job: ClientJob) -> Command:
        program = str(binaries / "anytls-client")
        return (program, "-l", f"mixed://{job.at}", "-s", job.server, "-p", job.password, "--insecure")

    return Peer("anytls", version, serve, connect) if version else _not_installed("anytls")


def crate_anytls_rs() -> Peer:
    """https://github.com/jxo-me/anytls-rs, published as `anytls-rs`."""
    version, binaries = _installed("anytls-rs")

    def serve(job: ServerJob) -> Command:
        scheme = ("--padding-scheme", str(job.scheme)) if job.scheme else ()
        return (str(binaries / "anytls-server"), "-l", job.at, "-p", job.password, *scheme)

    def connect(job: ClientJob) -> Command:
        http = f"127.0.0.1:{job.http_port}"
        program = str(binaries / "anytls-client")
        return (program, "-l", job.at, "-H", http, "-s", job.server, "-p", job.password)

    return Peer("anytls-rs", version, serve, connect, own_http_port=True) if version else _not_installed("anytls-rs")


def _not_installed(crate: str) -> Peer:
    return Peer(crate, missing=f"the crate {crate} is not installed; `make peers` does that")


def _installed(crate: str) -> tuple[str, Path]:
    """The version of a crate that `make peers` has installed, and where its programs are."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "anytls-tray" / "peers"
    folder = Path(os.environ.get(FOLDER_VARIABLE) or default)
    for path in sorted(folder.glob(f"{crate}-[0-9]*/bin"), reverse=True):
        if all((path / f"anytls-{role}").is_file() for role in ("server", "client")):
            return path.parent.name.removeprefix(f"{crate}-"), path
    return "", Path()


PEERS = (named(), crate_anytls(), crate_anytls_rs())
