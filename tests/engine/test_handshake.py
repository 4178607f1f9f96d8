"""The steps to a connection, one by one; all of them together are `test_tls`'s."""

import asyncio
import ssl
from typing import Any

import pytest

from app.engine import handshake
from app.engine.options import Server, TlsOptions, Verification
from app.engine.tls_context import make_context
from app.errors import NameNotResolved, TlsFailed
from app.transport.options import USUAL_TCP, TcpOptions
from tests.fakes import certificates
from tests.fakes.libraries import both_libraries
from tests.fakes.listening import closed_port, deaf, listening


async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


def server(host: str, port: int, tcp: TcpOptions = USUAL_TCP, **tls: Any) -> Server:
    options = TlsOptions(verification=Verification.NONE, **tls)
    return Server(host, port, "", options, tcp)


async def test_a_name_has_addresses_or_does_not_resolve() -> None:
    assert await handshake.resolve(server("127.0.0.1", 1))
    with pytest.raises(NameNotResolved):
        await handshake.resolve(server("nothing.invalid", 1))


async def test_the_servers_tcp_options_count() -> None:
    with deaf() as address:
        here = server(*address, tcp=TcpOptions(source="127.0.0.2"))
        with await handshake.connect(here, await handshake.resolve(here), 0.25) as sock:
            assert sock.getsockname()[0] == "127.0.0.2"


async def test_a_handshake_that_works() -> None:
    async with listening(serve, context=certificates.good().context()) as address:
        here = server(*address)
        link = handshake.make_link(here, make_context(here.tls))
        await handshake.shake_hands(link, await handshake.connect(here, await handshake.resolve(here), 0.25))
        assert link.established
        link.abort()
        await asyncio.sleep(0.01)


async def test_one_that_fails_leaves_no_socket() -> None:
    async def hang_up(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        pass

    async with listening(hang_up) as address:
        here = server(*address)
        link = handshake.make_link(here, make_context(here.tls))
        sock = await handshake.connect(here, await handshake.resolve(here), 0.25)
        with pytest.raises((OSError, ssl.SSLError)):
            await handshake.shake_hands(link, sock)
    assert sock.fileno() == -1


@both_libraries
@pytest.mark.parametrize("name", ["two..dots", ".test", "x" * 70, "nul\0.test"])
async def test_a_name_that_is_none_is_not_sent(name: str, fingerprint: str) -> None:
    here = server(*closed_port(), server_name=name, fingerprint=fingerprint)
    with pytest.raises(TlsFailed, match="host name"):
        handshake.make_link(here, make_context(here.tls))
