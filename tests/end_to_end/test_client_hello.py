"""What leaves the machine first: our ClientHello beside that of a real Chromium, both caught on loopback."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from app.engine import fingerprints
from app.protocols import client_hello
from app.protocols.address import Address
from app.protocols.client_hello import ClientHello
from tests.end_to_end.chromium import BROWSER, OPTIONS, needs_browser
from tests.end_to_end.programs import PATIENCE, Home
from tests.fakes.hello_prints import ja3, ja4

NAME = "server.example.test"

needs_library = pytest.mark.skipif(
    not fingerprints.available(), reason="Chrome's library has no wheel for this platform"
)

pytestmark = needs_library

# Which roots a browser trusts: that list comes with updates of its own, whatever the version.
_TRUST_ANCHORS = 0xCA34

# Linux's struct tcp_info: the segments with data that have come in.
_TCP_INFO_SIZE = 160
_DATA_SEGMENTS = struct.Struct("I")
_DATA_SEGMENTS_AT = 152


@dataclass
class Caught:
    """One hello, in the pieces in which it was read."""

    pieces: list[bytes] = field(default_factory=list)
    segments: int = 0
    """In how many it came, where the kernel tells."""

    @property
    def record(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def hello(self) -> ClientHello:
        return client_hello.parse(self.record)


@dataclass
class Trap:
    """Where hellos are caught; each is read to its end, and then the connection is closed."""

    address: Address
    caught: list[Caught] = field(default_factory=list)

    def named(self, name: str | None) -> list[Caught]:
        """Those that name this host."""
        return [one for one in self.caught if one.hello.server_name == name]


@contextlib.contextmanager
def trap() -> Iterator[Trap]:
    """Catch hellos until the block ends. A thread of its own reads, so that nothing keeps it from reading."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = Trap(Address(*listener.getsockname()))
        thread = threading.Thread(target=_catch, args=(listener, here))
        thread.start()
        try:
            yield here
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)


def _catch(listener: socket.socket, here: Trap) -> None:
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        with sock, contextlib.suppress(OSError):
            sock.settimeout(PATIENCE)
            one = Caught()
            while not _whole(one.record):
                data = sock.recv(65536)
                if not data:
                    break
                one.pieces.append(data)
            if sys.platform == "linux":
                info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
                one.segments = _DATA_SEGMENTS.unpack_from(info, _DATA_SEGMENTS_AT)[0]
            if _whole(one.record):
                here.caught.append(one)


def _whole(record: bytes) -> bool:
    return len(record) >= 5 and len(record) >= 5 + int.from_bytes(record[3:5], "big")


async def ours(home: Home, options: str) -> Caught:
    """What our program says first to a server with these options."""
    with trap() as here:
        finished = await home.finish("probe", "-", stdin=f"anytls://pw@{here.address}/?insecure=1&{options}")
    assert finished.code == 1
    assert "closed the connection in the middle of the TLS handshake" in finished.out + finished.err
    return here.caught[0]


async def browsers(folder: Path, host: str) -> ClientHello:
    """What Chromium says to this host."""
    assert BROWSER is not None
    name = None if re.fullmatch(r"[\d.]+", host) else host
    with trap() as here:
        url = f"https://{host}:{here.address.port}/"
        process = await asyncio.create_subprocess_exec(
            BROWSER,
            *OPTIONS,
            f"--user-data-dir={folder / 'profile'}",
            f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
            "--dump-dom",
            url,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ | {"HOME": str(folder)},
        )
        try:
            async with asyncio.timeout(PATIENCE):
                while not here.named(name):
                    await asyncio.sleep(0.05)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return here.named(name)[0].hello


async def major() -> int:
    """The browser's."""
    assert BROWSER is not None
    process = await asyncio.create_subprocess_exec(BROWSER, "--version", stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    found = re.search(r"(\d+)\.", out.decode())
    assert found is not None
    return int(found[1])


def without_roots(hello: ClientHello) -> ClientHello:
    contents = {number: body for number, body in hello.contents.items() if number != _TRUST_ANCHORS}
    return replace(hello, contents=contents)


async def hold_against(mine: ClientHello, theirs: ClientHello) -> None:
    """Fail where they differ; where the browser is newer than the newest that the library knows, only say in what."""
    if ja4(mine) == ja4(theirs) and not mine.differs_from(theirs):
        return
    difference = f"{mine.differs_from(theirs)}; JA4 {ja4(mine)} is not {ja4(theirs)}"
    newest = max(int(name.partition(":")[2] or 0) for name in fingerprints.known())
    if await major() > newest:
        pytest.xfail(
            f"Chromium {await major()} is newer than the library's Chrome {newest} and differs in {difference}"
        )
    pytest.fail(f"ours differs from Chromium's in {difference}")


# ---- beside a real one


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("host", [NAME, "127.0.0.1"])
async def test_it_is_chromiums(home: Home, host: str, tmp_path: Path) -> None:
    options = "fp=chrome" if host == "127.0.0.1" else f"fp=chrome&sni={host}"
    mine, theirs = (await ours(home, options)).hello, await browsers(tmp_path, host)
    assert mine.server_name == theirs.server_name == (None if host == "127.0.0.1" else host)
    await hold_against(without_roots(mine), without_roots(theirs))


# ---- from one to the next


async def test_two_differ_as_two_of_chromes_do(home: Home) -> None:
    first, second = [(await ours(home, f"fp=chrome&sni={NAME}")).hello for _ in range(2)]
    assert ja3(first) != ja3(second)
    assert ja4(first) == ja4(second)
    assert client_hello.plain(first.extensions) != client_hello.plain(second.extensions), "their order is permuted"
    assert sorted(client_hello.plain(first.extensions)) == sorted(client_hello.plain(second.extensions))


async def test_without_a_fingerprint_it_is_another(home: Home) -> None:
    shaped, plain = (await ours(home, f"fp=chrome&sni={NAME}")).hello, (await ours(home, f"fp=none&sni={NAME}")).hello
    assert ja4(shaped) != ja4(plain)
    assert plain.server_name == NAME


@pytest.mark.parametrize("fingerprint", ["none", "chrome"])
async def test_no_address_is_sent_as_a_name(home: Home, fingerprint: str) -> None:
    caught = await ours(home, f"fp={fingerprint}")
    assert caught.hello.server_name is None
    assert client_hello.SERVER_NAME not in caught.hello.extensions
    assert b"127.0.0.1" not in caught.record


# ---- in pieces


@pytest.mark.parametrize("fingerprint", ["none", "chrome"])
async def test_a_cut_hello_comes_in_segments_none_of_which_has_the_name(home: Home, fingerprint: str) -> None:
    caught = Caught()
    for _ in range(10):  # a busy machine may read two at a time
        caught = await ours(home, f"fp={fingerprint}&sni={NAME}&fragment=1")
        assert caught.hello.server_name == NAME
        assert caught.segments >= 3 or sys.platform != "linux"
        if len(caught.pieces) == 3:
            break
    assert len(caught.pieces) == 3
    assert not any(NAME.encode() in piece for piece in caught.pieces)


async def test_it_comes_whole_otherwise(home: Home) -> None:
    caught = await ours(home, f"fp=chrome&sni={NAME}")
    assert caught.segments == 1 or sys.platform != "linux"
