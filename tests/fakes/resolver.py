"""A DNS-over-HTTPS resolver (RFC 8484) on loopback, with records of its own."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable

import dns.message
import dns.rcode
import dns.rrset
import h11

from app.protocols.address import Address
from tests.fakes import certificates
from tests.fakes.listening import listening

RESOLVER = "localhost"


class Resolver:
    """DNS over HTTPS (RFC 8484), with records by name."""

    def __init__(self, address: Address, records: dict[str, tuple[int, str]]) -> None:
        self.url = f"https://{RESOLVER}:{address.port}/dns-query?who=us"
        self.records = records
        self.asked: list[str] = []
        self.requests: list[h11.Request] = []
        self.came_from: list[str] = []

    def answer(self, question: dns.message.Message) -> bytes:
        """The DNS message that answers another."""
        name = question.question[0].name.to_text(omit_final_dot=True)
        self.asked.append(name)
        answer = dns.message.make_response(question)
        if name not in self.records:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            life, text = self.records[name]
            answer.answer.append(dns.rrset.from_text(f"{name}.", life, "IN", "HTTPS", *text.split("|")))
        return answer.to_wire()


def record(config: bytes) -> str:
    return f"1 . alpn=h2 ech={base64.b64encode(config).decode()}"


@contextlib.asynccontextmanager
async def resolver(
    records: dict[str, tuple[int, str]],
    reply: Callable[[Resolver, bytes], bytes] | None = None,
    identity: certificates.Identity | None = None,
) -> AsyncIterator[Resolver]:
    """Answer questions until the block ends; `reply` makes the whole HTTP answer of a question, if it is no proper
    one."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asks.came_from.append(writer.get_extra_info("peername")[0])
        connection, body = h11.Connection(h11.SERVER), b""
        while (event := connection.next_event()) is h11.NEED_DATA or not isinstance(event, h11.EndOfMessage):
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                asks.requests.append(event)
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            else:
                return
        writer.write(reply(asks, body) if reply else http(asks.answer(dns.message.from_wire(body))))
        await writer.drain()

    async with listening(serve, context=(identity or certificates.good()).context()) as address:
        asks = Resolver(address, records)
        yield asks


def http(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
