"""Encrypted ClientHello (RFC 9849): where a server's configuration comes from, and what takes its place when it fails.

It stands in the profile, or is asked of a resolver over HTTPS (RFC 8484), because an answer that anybody on the way can
read or change would give the name away. Without a configuration there is no connection: a name that was to be hidden
is never sent in the open.
"""

import asyncio
import ssl
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import h11

from app.engine.options import Server
from app.engine.tls_context import website_context
from app.errors import EchFailed
from app.protocols.address import ip_or_none
from app.texts import translate
from app.transport import tcp
from app.transport.options import TcpOptions
from app.transport.session import plain_reason

if TYPE_CHECKING:
    import dns.message

_PATIENCE: Final = 5.0  # seconds for one question
_LONGEST: Final = 64 * 1024  # bytes of an answer: what a DNS message can have
_HTTPS_PORT: Final = 443
_NEXT_ADDRESS: Final = 0.25  # seconds before the next one is tried beside the last (RFC 8305)

# An answer is good for as long as it says, within these; in seconds. A server that changes its key more often than
# every minute would have to answer with a new one anyway.
_SHORTEST, _LONGEST_LIFE = 60.0, 24 * 3600.0


class EchSource:
    """One server's configuration. `context` is the resolver's TLS settings; the system's authorities vouch for it."""

    def __init__(self, server: Server, context: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._context = context
        self._config = server.tls.ech_config
        self._until: float | None = None

    async def config(self) -> bytes:
        """The ECHConfigList to use. Raises `EchFailed`."""
        now = asyncio.get_running_loop().time()
        if self._config is None or (self._until is not None and now >= self._until):
            await self._ask()
        assert self._config is not None
        return self._config

    async def after(self, refused: bytes, offered: bytes | None) -> bytes | None:
        """What to try once more with after the server refused `refused` and `offered` another; None for nothing.

        `offered` has to be authenticated: else who answers in the server's place is told the name.
        """
        if offered:
            self._config, self._until = offered, self._until
        elif self._server.tls.ech_config is None:
            await self._ask()
        return None if self._config == refused else self._config

    async def _ask(self) -> None:
        resolver = self._server.tls.ech_resolver
        assert resolver is not None
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await self._found(resolver)
        except TimeoutError:
            text = translate("ech", "the resolver did not answer within {seconds:g} s").format(seconds=_PATIENCE)
            raise self._failed(text) from None
        except (OSError, ssl.SSLError) as error:
            text = translate("ech", "the resolver cannot be asked: {reason}").format(reason=plain_reason(error))
            raise self._failed(text) from None
        if found is None:
            raise self._failed(translate("ech", "the DNS has no key for it"))
        self._config, life = found
        self._until = asyncio.get_running_loop().time() + min(max(life, _SHORTEST), _LONGEST_LIFE)

    async def _found(self, resolver: str) -> tuple[bytes, float] | None:
        """The configuration in the DNS, and for how many seconds it is good."""
        context = self._context if self._context is not None else await asyncio.to_thread(website_context)
        for name in self._names():
            answer = await _ask_resolver(resolver, name, context, self._server.tcp.source)
            if answer is None:
                raise self._failed(translate("ech", "what answers there is no DNS-over-HTTPS resolver"))
            found = _config_in(answer)
            if found is not None:
                return found
        return None

    def _names(self) -> list[str]:
        """Under which names a server's record may stand (RFC 9460 §9.1); many have it only under the plain one."""
        name = self._server.tls.server_name or self._server.host
        if ip_or_none(name) is not None:
            raise self._failed(translate("ech", "an address has no record in the DNS"))
        own = [] if self._server.port == _HTTPS_PORT else [f"_{self._server.port}._https.{name}"]
        return [*own, name]

    def _failed(self, reason: str) -> EchFailed:
        return EchFailed(self._server.host, self._server.port, reason)


async def _ask_resolver(
    resolver: str, name: str, context: ssl.SSLContext, source: str | None
) -> "dns.message.Message | None":
    """A resolver's answer about `name`; None where it gives none. Raises `OSError` or `ssl.SSLError`."""
    import dns.exception
    import dns.message

    try:
        # No number, so that answers can be cached (RFC 8484 §4.1).
        question = dns.message.make_query(name, "HTTPS", id=0)
        body = await _post(resolver, question.to_wire(), context, source)
        answer = None if body is None else dns.message.from_wire(body)
        return answer if answer is not None and question.is_response(answer) else None
    except ssl.SSLError:  # a certificate that is not accepted is a ValueError too
        raise
    except (dns.exception.DNSException, h11.ProtocolError, ValueError):
        return None


def _config_in(answer: "dns.message.Message") -> tuple[bytes, float] | None:
    from dns.rdatatype import HTTPS
    from dns.rdtypes.svcbbase import ECHParam, ParamKey

    for record_set in answer.answer:
        if record_set.rdtype == HTTPS:
            for record in sorted(record_set, key=lambda one: one.priority):
                param = record.params.get(ParamKey.ECH)
                if isinstance(param, ECHParam):
                    return bytes(param.ech), float(record_set.ttl)
    return None


async def _connect(
    host: str, port: int, context: ssl.SSLContext, source: str | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection from where those to the server leave: else the resolver would learn of an address of this computer's
    that is to be kept from it."""
    sock = await tcp.connect(await tcp.resolve(host, port), _NEXT_ADDRESS, TcpOptions(source=source))
    try:
        return await asyncio.open_connection(sock=sock, ssl=context, server_hostname=host)
    except BaseException:
        sock.close()
        raise


async def _post(address: str, body: bytes, context: ssl.SSLContext, source: str | None) -> bytes | None:
    """The body of the answer to a DNS message; None where the answer is no success."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    reader, writer = await _connect(host, parts.port or _HTTPS_PORT, context, source)
    try:
        connection = h11.Connection(h11.CLIENT)
        headers = {
            "Host": parts.netloc.rpartition("@")[2],
            "Content-Type": "application/dns-message",
            "Accept": "application/dns-message",
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = h11.Request(method="POST", target=target, headers=list(headers.items()))
        for event in (request, h11.Data(data=body), h11.EndOfMessage()):
            writer.write(connection.send(event) or b"")
        return await _answer(connection, reader)
    finally:
        writer.close()


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader) -> bytes | None:
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_LONGEST))
        elif isinstance(event, h11.Response) and event.status_code != 200:
            return None
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _LONGEST:
                return None
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return bytes(body)
