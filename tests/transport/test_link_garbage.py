"""What a connection leaves for garbage collection, which is rare and on another thread: nothing for each read."""

import asyncio
import gc
import ssl

import pytest

from app.engine.options import TlsOptions, Verification
from app.engine.tls_context import make_context
from app.transport.link import Owner, TlsLink
from tests.fakes import certificates
from tests.fakes.listening import listening
from tests.fakes.waiting import until

READS = 20


class Counting(Owner):
    """Takes what comes."""

    def __init__(self) -> None:
        self.batches = 0

    def received(self, _data: object) -> None: ...

    def batch_received(self) -> None:
        self.batches += 1

    def hold(self) -> None: ...

    def release(self) -> None: ...

    def lost(self, _error: Exception | None) -> None: ...


@pytest.mark.parametrize("fingerprint", ["none", "chrome"])
async def test_no_read_is_remembered_by_its_error(fingerprint: str) -> None:
    async def trickle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(READS):
            writer.write(bytes(1000))
            await asyncio.sleep(0.002)

    assert not gc.isenabled(), "else nothing is shown by this"
    gc.collect()  # what other tests have left
    options = TlsOptions(verification=Verification.NONE, fingerprint=fingerprint)
    async with listening(trickle, context=certificates.good().context()) as address:
        link, owner = TlsLink(make_context(options), server_name=None), Counting()
        await asyncio.get_running_loop().create_connection(lambda: link, *address)
        await link.handshake()
        link.attach(owner)
        await until(lambda: owner.batches >= READS // 2)
        assert not [one for one in gc.get_objects() if isinstance(one, ssl.SSLWantReadError)]
        link.abort()
        await asyncio.sleep(0.01)
