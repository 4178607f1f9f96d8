"""The ECH configurations that a server offers in place of one that it does not take (RFC 9849 §6.1.6).

They stand in its EncryptedExtensions. BoringSSL has them at hand when it ends such a handshake, but `utls` 2026.10.3
has let go of it by then and answers None. So the handshake is made once more with a log of its keys, which `utls` has,
and that one message is read from the server's first flight. The connection carries nothing: BoringSSL ends it as soon
as the server has proved itself.
"""

import asyncio
import contextlib
import os
import re
import socket
import ssl
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.engine.handshake import sent_name
from app.engine.options import Server
from app.engine.tls_context import REFUSED_ECH, make_context, with_ech
from app.transport.link import forget

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import hashes

_RECORD: Final = struct.Struct(">BHH")
_HANDSHAKE, _APPLICATION_DATA = 22, 23
_SERVER_HELLO, _ENCRYPTED_EXTENSIONS = 2, 8
_ECH: Final = 0xFE0D
_SECRET: Final = re.compile(rb"SERVER_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]{64} ([0-9a-f]+)")

# A whole flight with a certificate chain has a few thousand bytes.
_LONGEST: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server that has proved itself offers, and its certificate in DER."""

    config: bytes
    certificate: bytes


async def offered(server: Server, config: bytes, sock: socket.socket) -> Offer | None:
    """See the server refuse `config` over `sock`, which is closed afterwards; None where it offers no other.

    Raises `OSError` where the connection fails.
    """
    with sock, _key_log() as (path, read_log):
        context = await asyncio.to_thread(make_context, server.tls)
        context.keylog_filename = path  # the context is this connection's own: others must not write there
        try:
            flight, certificate = await _refusal(server, with_ech(context, config), sock)
        finally:
            context.keylog_filename = None  # type: ignore[assignment]  # typeshed knows the standard library's setter
        found = _SECRET.search(read_log())
    extensions = _encrypted_extensions(flight, bytes.fromhex(found[1].decode())) if found and flight else b""
    offer = _ech_in(extensions)
    return Offer(offer, certificate) if offer else None


async def _refusal(server: Server, context: ssl.SSLContext, sock: socket.socket) -> tuple[bytes, bytes]:
    """All that the server sent until it was seen to have proved itself and to refuse the key, and its certificate;
    nothing where the handshake ended otherwise."""
    loop = asyncio.get_running_loop()
    memory = vars(context)["memory_bio"]
    incoming, outgoing = memory(), memory()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=sent_name(server))
    flight = b""
    while len(flight) < _LONGEST:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError as wait:
            forget(wait)
            await loop.sock_sendall(sock, outgoing.read())
        except ssl.SSLError as error:
            forget(error)
            return (flight, tls.getpeercert(True) or b"") if REFUSED_ECH in str(error) else (b"", b"")
        else:
            break
        data = await loop.sock_recv(sock, _LONGEST)
        if not data:
            break
        incoming.write(data)
        flight += data
    return b"", b""


@contextlib.contextmanager
def _key_log() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """A path to write a log to, and how to read it: a pipe, so that no key touches a disk; on Windows, which has no
    path to one, a file in a folder of this user's own that is gone afterwards."""
    if os.name == "nt":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "keys"
            yield str(path), path.read_bytes
        return
    reading, writing = os.pipe()
    try:
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        yield f"/dev/fd/{writing}", lambda: os.read(reading, _LONGEST)
    finally:
        os.close(reading)
        os.close(writing)


def _encrypted_extensions(flight: bytes, secret: bytes) -> bytes:
    """The extensions in a server's EncryptedExtensions; none where they cannot be read.

    RFC 8446 §4.3.1, §5.2 and §7.3; `secret` is the server's handshake traffic secret.
    """
    suite, records = 0, []
    for kind, header, body in _records(flight):
        if kind == _HANDSHAKE and body[:1] == bytes((_SERVER_HELLO,)) and len(body) > 38:
            at = 38 + 1 + body[38]  # type and length, version, random; session id
            suite = int.from_bytes(body[at : at + 2], "big")
        elif kind == _APPLICATION_DATA:
            records.append((header, body))
    message = b"".join(_decrypted(suite, secret, records))
    if message[:1] != bytes((_ENCRYPTED_EXTENSIONS,)):
        return b""
    return message[6 : 4 + int.from_bytes(message[1:4], "big")]


def _records(flight: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    at = 0
    while at + _RECORD.size <= len(flight):
        kind, _, length = _RECORD.unpack_from(flight, at)
        body = flight[at + _RECORD.size : at + _RECORD.size + length]
        if len(body) == length:
            yield kind, flight[at : at + _RECORD.size], body
        at += _RECORD.size + length


def _decrypted(suite: int, secret: bytes, records: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

    known: dict[int, tuple[type[AESGCM] | type[ChaCha20Poly1305], int, hashes.HashAlgorithm]] = {
        0x1301: (AESGCM, 16, hashes.SHA256()),
        0x1302: (AESGCM, 32, hashes.SHA384()),
        0x1303: (ChaCha20Poly1305, 32, hashes.SHA256()),
    }
    if suite not in known:
        return
    cipher, size, digest = known[suite]
    key = cipher(_expanded(secret, b"key", size, digest))
    start = int.from_bytes(_expanded(secret, b"iv", 12, digest), "big")
    for number, (header, body) in enumerate(records):
        try:
            inner = key.decrypt((start ^ number).to_bytes(12, "big"), body, header).rstrip(b"\0")
        except InvalidTag:
            return
        if inner[-1:] != bytes((_HANDSHAKE,)):
            return
        yield inner[:-1]


def _expanded(secret: bytes, label: bytes, size: int, digest: "hashes.HashAlgorithm") -> bytes:
    """HKDF-Expand-Label of an empty context (RFC 8446 §7.1)."""
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

    label = b"tls13 " + label
    info = size.to_bytes(2, "big") + len(label).to_bytes(1, "big") + label + b"\0"
    return HKDFExpand(digest, size, info).derive(secret)


def _ech_in(extensions: bytes) -> bytes:
    at = 0
    while at + 4 <= len(extensions):
        number, length = struct.unpack_from(">HH", extensions, at)
        if number == _ECH:
            return extensions[at + 4 : at + 4 + length]
        at += 4 + length
    return b""
