"""What a server offers in place of a key that it does not take, read from its own encrypted words."""

import asyncio
import os
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from app.engine import ech_retry
from app.engine.ech_retry import _encrypted_extensions, _expanded, offered
from app.engine.options import Server, TlsOptions, Verification
from app.protocols.address import Address
from tests.fakes import certificates
from tests.fakes.certificates import Identity
from tests.fakes.ech import INNER, PUBLIC, ech_server, needs_go
from tests.fakes.listening import listening, reset
from tests.fakes.loops import both_loops
from tests.fakes.openssl import openssl_server

ALPN = 16


def server_at(address: Address, ca_file: str, **options: Any) -> Server:
    usual: dict[str, Any] = {"verification": Verification.CA_FILE, "ca_file": ca_file}
    return Server("127.0.0.1", address.port, "", TlsOptions(INNER, fingerprint="chrome", **usual | options))


async def asked(server: Server, config: bytes) -> ech_retry.Offer | None:
    """What is offered to who comes with `config`."""
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (server.host, server.port))
    try:
        return await offered(server, config, sock)
    finally:
        assert sock.fileno() == -1, "it is closed"


def identity() -> Identity:
    return certificates.for_names(INNER, PUBLIC)


@needs_go
@pytest.mark.parametrize("options", [(), ("-narrow",)], ids=["at once", "after a second hello"])
@pytest.mark.parametrize("processor", ["", "cpu.aes=off"], ids=["AES-128", "ChaCha20"])
@both_loops
async def test_the_offer_and_whose_it_is(options: tuple[str, ...], processor: str, ca_file: str) -> None:
    async with ech_server(*options, processor=processor) as server:
        offer = await asked(server_at(server.address, ca_file), server.configs[1])
        assert offer is not None
        assert offer.config == server.configs[0]
        assert certificates.sha256(offer.certificate) == identity().pin


@needs_go
async def test_several_keys_are_offered_together(ca_file: str) -> None:
    async with ech_server("-known=3", count=4) as server:
        offer = await asked(server_at(server.address, ca_file), server.configs[3])
        assert offer is not None
        assert offer.config[2:] == b"".join(config[2:] for config in server.configs[:3])


@needs_go
@pytest.mark.parametrize(
    "options",
    [{"verification": Verification.PIN, "certificate_pin": bytes(32)}, {"verification": Verification.NONE}],
    ids=["pin", "none"],
)
async def test_where_no_issuer_is_asked_for_the_certificate_is_there_to_be_looked_at(
    options: dict[str, Any], ca_file: str
) -> None:
    async with ech_server(identity=certificates.self_signed()) as server:
        offer = await asked(server_at(server.address, ca_file, **options), server.configs[1])
        assert offer is not None
        assert certificates.sha256(offer.certificate) == certificates.self_signed().pin


@needs_go
@pytest.mark.parametrize(
    ("options", "key", "shown"),
    [
        (("-retry=false",), 1, identity),
        ((), 0, identity),
        (("-old",), 1, identity),
        ((), 1, lambda: certificates.for_names(INNER)),
        ((), 1, lambda: certificates.expired_for(INNER, PUBLIC)),
        ((), 1, certificates.self_signed),
    ],
    ids=["none", "the key is taken", "no TLS 1.3", "another name", "expired", "nobody vouches for it"],
)
async def test_there_is_no_offer(options: tuple[str, ...], key: int, shown: Any, ca_file: str) -> None:
    async with ech_server(*options, identity=shown()) as server:
        assert await asked(server_at(server.address, ca_file), server.configs[key]) is None


@needs_go
async def test_a_server_that_knows_nothing_of_it_has_no_offer(ca_file: str) -> None:
    async with ech_server() as other, openssl_server("-tls1_3", identity=identity()) as server:
        assert await asked(server_at(server.address, ca_file), other.configs[0]) is None


@needs_go
async def test_a_connection_that_ends_in_its_midst(ca_file: str) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        reset(writer)

    async with ech_server() as other, listening(hang_up) as address:
        with pytest.raises(OSError):  # noqa: PT011 (any of them)
            await asked(server_at(address, ca_file), other.configs[0])


@needs_go
@pytest.mark.skipif(os.name == "nt", reason="Windows has no path to a pipe")
async def test_no_key_is_written_to_a_disk_and_nothing_stays_open(
    ca_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ech_server() as server:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        before = len(list(Path("/dev/fd").iterdir()))
        for _ in range(3):
            assert await asked(server_at(server.address, ca_file), server.configs[1])
        assert len(list(Path("/dev/fd").iterdir())) == before
    assert not list(tmp_path.iterdir())


@needs_go
async def test_on_windows_the_file_with_keys_is_gone_afterwards(
    ca_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ech_server() as server:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        # Patched where it is asked for alone: pathlib goes by the same name.
        monkeypatch.setattr(ech_retry, "os", type("Windows", (), {"name": "nt"}))
        offer = await asked(server_at(server.address, ca_file), server.configs[1])
    assert offer is not None
    assert offer.config == server.configs[0]
    assert not list(tmp_path.iterdir())


# ---- what is encrypted, by each suite


async def flight(address: Address, keys: Path) -> tuple[bytes, bytes]:
    """All that a server sends in a handshake, and its secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.keylog_filename = str(keys)
    context.set_alpn_protocols(["h2"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    reader, writer = await asyncio.open_connection(*address)
    seen = b""
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            writer.write(outgoing.read())
            data = await reader.read(65536)
            seen += data
            incoming.write(data)
    writer.close()
    found = ech_retry._SECRET.search(keys.read_bytes())
    assert found is not None
    return seen, bytes.fromhex(found[1].decode())


@pytest.fixture
async def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[bytes, bytes]:
    options = ("-tls1_3", "-alpn", "h2", "-ciphersuites", request.param)
    async with openssl_server(*options) as server:
        return await flight(server.address, tmp_path / "keys")


SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
each_suite = pytest.mark.parametrize("recorded", SUITES, indirect=True)
one_suite = pytest.mark.parametrize("recorded", SUITES[:1], indirect=True)


@each_suite
def test_each_suite_is_read(recorded: tuple[bytes, bytes]) -> None:
    extensions = _encrypted_extensions(*recorded)
    assert extensions == ALPN.to_bytes(2, "big") + b"\0\5\0\3\2h2"


@each_suite
def test_with_another_secret_nothing_is_read(recorded: tuple[bytes, bytes]) -> None:
    seen, secret = recorded
    assert _encrypted_extensions(seen, bytes(len(secret))) == b""


@one_suite
def test_no_cut_or_changed_flight_is_more_than_nothing(recorded: tuple[bytes, bytes]) -> None:
    seen, secret = recorded
    whole = _encrypted_extensions(seen, secret)
    for at in range(len(seen)):
        for changed in (seen[:at], seen[:at] + bytes((seen[at] ^ 0x41,)) + seen[at + 1 :]):
            assert _encrypted_extensions(changed, secret) in (b"", whole)


# ---- what no library sends


EXTENSION = ALPN.to_bytes(2) + b"\0\5\0\3\2h2"


def by_hand(size: int, kind: int = 22) -> tuple[bytes, bytes]:
    """A flight in TLS_AES_128_GCM_SHA256, encrypted in records of `size` bytes and of this kind, and its secret."""
    secret = bytes(range(32))
    key, start = AESGCM(_expanded(secret, b"key", 16, SHA256())), _expanded(secret, b"iv", 12, SHA256())
    hello = bytes.fromhex("020000280303") + bytes(32) + bytes.fromhex("001301000000")
    flight = b"\x16\x03\x03" + len(hello).to_bytes(2) + hello
    message = b"\x08" + (2 + len(EXTENSION)).to_bytes(3) + len(EXTENSION).to_bytes(2) + EXTENSION
    for number, at in enumerate(range(0, len(message), size)):
        padded = message[at : at + size] + bytes((kind,)) + bytes(5)
        header = b"\x17\x03\x03" + (len(padded) + 16).to_bytes(2)
        nonce = int.from_bytes(start) ^ number
        flight += header + key.encrypt(nonce.to_bytes(12), padded, header)
    return flight, secret


@pytest.mark.parametrize("size", [1, 4, 100])
def test_a_message_in_several_records_is_put_together(size: int) -> None:
    assert _encrypted_extensions(*by_hand(size)) == EXTENSION


def test_what_is_no_handshake_is_no_message_of_one() -> None:
    assert _encrypted_extensions(*by_hand(100, kind=23)) == b""
