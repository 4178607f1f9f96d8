"""The steps to a TLS connection: a name's addresses, a TCP connection to one of them, a handshake over that."""

import asyncio
import socket
import ssl
from collections.abc import Sequence

from app.engine.options import Server
from app.errors import NameNotResolved, TlsFailed
from app.texts import translate
from app.transport import tcp
from app.transport.link import TlsLink


async def resolve(server: Server) -> Sequence[tcp.AddressInfo]:
    """The server's addresses. Raises `NameNotResolved`."""
    try:
        infos = await tcp.resolve(server.host, server.port)
    except (OSError, UnicodeError):
        infos = ()
    if not infos:
        raise NameNotResolved(server.host, server.port)
    return infos


async def connect(server: Server, infos: Sequence[tcp.AddressInfo], delay: float) -> socket.socket:
    """A socket to one of them, the next tried `delay` seconds after the last. Raises `OSError`."""
    return await tcp.connect(infos, delay, server.tcp)


def sent_name(server: Server) -> str:
    """The name to send and to check, as it is written on the wire; empty for none. Raises `TlsFailed`."""
    name = server.host if server.tls.server_name is None else server.tls.server_name
    try:
        # BoringSSL would send anything. A dot at the end belongs to the DNS alone (RFC 6066 §3).
        return name.removesuffix(".").encode("idna").decode("ascii")
    except UnicodeError:
        raise _no_name(server) from None


def make_link(server: Server, context: ssl.SSLContext) -> TlsLink:
    """TLS with the server, before there is a connection. Raises `TlsFailed` for a name that cannot be sent."""
    name = sent_name(server)
    try:
        return TlsLink(context, server_name=name or None, fragment=server.tls.fragment)
    except (ValueError, TypeError):
        raise _no_name(server) from None


def _no_name(server: Server) -> TlsFailed:
    return TlsFailed(server.host, server.port, translate("tls", "the name to send is not a host name"))


async def shake_hands(link: TlsLink, sock: socket.socket) -> None:
    """Take `sock` over and shake hands; nothing is left open where that fails.

    Raises `OSError` (`ssl.SSLError` is one) or ValueError.
    """
    try:
        await asyncio.get_running_loop().create_connection(lambda: link, sock=sock)
        await link.handshake()
    except BaseException:
        link.abort()
        sock.close()  # it belongs to nobody until a transport has it
        raise
