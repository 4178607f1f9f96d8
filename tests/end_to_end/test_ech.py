"""A link with ECH, through the real program: what passes by on the wire, and what the server learns."""

import base64
from urllib.parse import quote

import pytest

from app.engine import fingerprints
from app.protocols import client_hello
from tests.end_to_end.programs import Home
from tests.end_to_end.test_probe import link_to, probe
from tests.fakes import certificates
from tests.fakes.ech import INNER, PUBLIC, EchServer, Passage, ech_server, needs_go, watched
from tests.fakes.resolver import record, resolver

pytestmark = [
    needs_go,
    pytest.mark.skipif(not fingerprints.available(), reason="Chrome's library has no wheel for this platform"),
]


def options(ech: str, *more: str) -> str:
    return "&".join((f"fp=chrome&sni={INNER}&ech={quote(ech, safe='')}", *more))


def written(config: bytes) -> str:
    return base64.b64encode(config).decode()


async def tells_nobody(home: Home, server: EchServer, passage: Passage, ech: str, connections: int) -> str:
    """Probe with this `ech`; the server is no AnyTLS server, so the stage after TLS fails, if none before does."""
    stage, sentence = (await probe(home, link_to(passage.address, options(ech)))).failed
    assert len(passage.sent) == connections
    for sent in filter(None, passage.sent):
        assert INNER.encode() not in sent
        assert client_hello.parse(bytes(sent)).server_name == PUBLIC
    return f"{stage}: {sentence}"


async def test_the_server_alone_learns_the_name(home: Home) -> None:
    async with ech_server() as server, watched(server.address) as passage:
        said = await tells_nobody(home, server, passage, written(server.configs[0]), 1)
        assert server.handshakes == [f"true {INNER}"]
    assert said.startswith("authentication: ")


async def test_a_key_that_has_changed_costs_a_second_try(home: Home) -> None:
    async with ech_server() as server, watched(server.address) as passage:
        said = await tells_nobody(home, server, passage, written(server.configs[1]), 3)
        assert server.handshakes[-1] == f"true {INNER}"
    assert said.startswith("authentication: ")


async def test_without_a_key_that_it_takes_nothing_is_sent(home: Home) -> None:
    async with ech_server("-retry=false") as server, watched(server.address) as passage:
        said = await tells_nobody(home, server, passage, written(server.configs[1]), 2)
    assert said.startswith("tls: The name of 127.0.0.1 cannot be sent encrypted (ECH), so nothing was sent")


async def test_the_key_may_come_from_the_dns(home: Home) -> None:
    async with ech_server() as server, watched(server.address) as passage:
        async with resolver({INNER: (300, record(server.configs[0]))}) as asks:
            said = await tells_nobody(home, server, passage, asks.url.partition("?")[0], 1)
            assert asks.asked == [f"_{passage.address.port}._https.{INNER}", INNER]
        assert server.handshakes == [f"true {INNER}"]
    assert said.startswith("authentication: ")


async def test_a_resolver_that_knows_none_ends_it(home: Home) -> None:
    async with ech_server() as server, watched(server.address) as passage, resolver({}) as asks:
        said = await tells_nobody(home, server, passage, asks.url.partition("?")[0], 1)
        assert passage.sent == [b""], "there is a connection, and nothing is said on it"
    assert "the DNS has no key for it" in said


async def test_a_stranger_in_its_place_is_not_told(home: Home) -> None:
    async with ech_server(identity=certificates.for_names(INNER)) as server, watched(server.address) as passage:
        said = await tells_nobody(home, server, passage, written(server.configs[1]), 1)
    assert said.startswith("tls: ")
    assert "is for other names" in said
