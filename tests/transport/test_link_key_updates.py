"""A TLS peer that asks for new keys again and again (RFC 8446 §4.6.3) and reads none of the answers."""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from app.protocols.anytls import Buffer
from app.transport import link as link_module
from app.transport.link import TlsLink
from tests.fakes import certificates
from tests.fakes.loops import both_loops
from tests.fakes.waiting import until
from tests.transport.test_link import Records

ROOM = 4096  # bytes in the kernel's buffers, as far as it can be told


def expanded(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446 §7.1) of SHA-384."""
    label = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes((len(label),)) + label + b"\0"
    return HKDFExpand(hashes.SHA384(), size, info).derive(secret)


def key_updates(secret: bytes) -> Iterator[bytes]:
    """Records, each of which asks for an update and is the first one of its own key."""
    inner = b"\x18\0\0\x01\x01" + b"\x16"
    header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
    while True:
        yield header + AESGCM(expanded(secret, b"key", 32)).encrypt(expanded(secret, b"iv", 12), inner, header)
        secret = expanded(secret, b"traffic upd", 48)


async def accepted(listener: socket.socket, folder: Path) -> tuple[socket.socket, bytes]:
    """The server's side of a connection after its handshake, and the secret that its keys are made of."""
    loop = asyncio.get_running_loop()
    context, log = certificates.good().context(), folder / "keys"
    context.keylog_filename = str(log)
    context.num_tickets = 0
    sock, _ = await loop.sock_accept(listener)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    while True:
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
            break
        await loop.sock_sendall(sock, outgoing.read())
        incoming.write(await loop.sock_recv(sock, 65536))
    cipher = tls.cipher()
    assert cipher is not None
    assert cipher[0] == "TLS_AES_256_GCM_SHA384"
    (line,) = [line for line in log.read_text().splitlines() if line.startswith("SERVER_TRAFFIC_SECRET_0")]
    return sock, bytes.fromhex(line.split()[2])


@both_loops
async def test_who_asks_for_new_keys_and_never_reads_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "_MOST_UNREAD", 16 * 1024)
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(cadata=certificates.authority().pem.decode())
    ours = TlsLink(context, server_name="server.test")
    owner = Records()
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as mine:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        for sock in (listener, mine):
            sock.setblocking(False)
        serving = asyncio.ensure_future(accepted(listener, tmp_path))
        await loop.sock_connect(mine, listener.getsockname())
        await loop.create_connection(lambda: ours, sock=mine)
        await ours.handshake()
        theirs, secret = await serving
        ours.attach(owner)
        updates = key_updates(secret)
        with theirs, contextlib.suppress(OSError):
            for _ in range(200):
                await loop.sock_sendall(theirs, b"".join(next(updates) for _ in range(50)))
                await asyncio.sleep(0)
            raise AssertionError("ten thousand are not too many")
        await until(lambda: owner.is_lost)
        assert isinstance(owner.error, OSError)
        assert owner.error.errno == errno.ENOBUFS


class Borrower(Records):
    """An owner that copies nothing before it has to: what it is given stays where it is until the batch is over."""

    def __init__(self) -> None:
        super().__init__()
        self._lent: list[Buffer] = []

    def received(self, data: Buffer) -> None:
        self._lent.append(data)

    def batch_received(self) -> None:
        self.records += map(bytes, self._lent)
        self._lent.clear()
        super().batch_received()


def record(secret: bytes, number: int, kind: int, plain: bytes) -> bytes:
    """The `number`th record of a key (RFC 8446 §5.2)."""
    inner = plain + bytes((kind,))
    header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
    nonce = int.from_bytes(expanded(secret, b"iv", 12), "big") ^ number
    return header + AESGCM(expanded(secret, b"key", 32)).encrypt(nonce.to_bytes(12, "big"), inner, header)


@both_loops
async def test_what_is_no_data_between_full_records_mixes_up_nothing(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(cadata=certificates.authority().pem.decode())
    ours, owner = TlsLink(context, server_name="server.test"), Borrower()
    full = [bytes((letter,)) * 16384 for letter in b"ABC"]
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as mine:
        for sock in (listener, mine):
            sock.setblocking(False)
        serving = asyncio.ensure_future(accepted(listener, tmp_path))
        await loop.sock_connect(mine, listener.getsockname())
        await loop.create_connection(lambda: ours, sock=mine)
        await ours.handshake()
        theirs, secret = await serving
        with theirs:
            ours.attach(owner)
            ours.pause_reading()
            sent = record(secret, 0, 0x17, full[0])
            for number in range(20):  # new keys, of which no answer is wanted
                sent += record(secret, int(number == 0), 0x16, b"\x18\0\0\x01\0")
                secret = expanded(secret, b"traffic upd", 48)
            sent += record(secret, 0, 0x17, full[1]) + record(secret, 1, 0x17, full[2])
            await loop.sock_sendall(theirs, sent)
            ours.resume_reading()
            await until(lambda: len(owner.data) == 3 * 16384)
            assert [owner.data[at : at + 16384] for at in range(0, 3 * 16384, 16384)] == full
            ours.abort()
