"""`serve`: an AnyTLS server for others, with the link to import."""

import argparse
import asyncio
import datetime
import socket
from dataclasses import dataclass
from pathlib import Path

from app.cli.inputs import users
from app.cli.output import say, say_json
from app.cli.run import log_to_stderr, run
from app.errors import BadFile, BadInput
from app.protocols.address import Address, ip_or_none
from app.protocols.padding import DEFAULT, MAX_SCHEME, BadScheme, Scheme
from app.server import certificate
from app.server.certificate import Facts
from app.server.options import ServerOptions
from app.server.server import Server
from app.sharing.links import make_link
from app.storage.files import read_limited, write_atomically
from app.storage.paths import data_dir
from app.storage.profiles import Profile, ProfileServer
from app.system.resources import raise_file_limit
from app.texts import translate
from app.wording import reason_of

_MAX_CERTIFICATE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Identity:
    """The server's certificate and key files, and how clients may know it."""

    certificate: str
    key: str
    facts: Facts


def serve_command(arguments: argparse.Namespace) -> int:
    """Run a server until it is stopped."""
    log_to_stderr(arguments.log_level or "info")
    known = users(arguments.password_file, arguments.password_env)
    if (arguments.cert is None) != (arguments.key is None):
        raise BadInput(translate("cli", "--cert and --key belong together"))
    scheme = _scheme(arguments.padding_scheme)
    name = arguments.name or _reachable(arguments.listen.host)
    identity = _identity(arguments.cert, arguments.key, name)
    context = certificate.make_context(identity.certificate, identity.key)
    options = ServerOptions(known, arguments.listen.host, arguments.listen.port, scheme, arguments.fallback)
    raise_file_limit()

    async def command(stop: asyncio.Event) -> int:
        server = Server(options, context)
        try:
            at = await server.start()
            links = {user: _link(user, password, Address(name, at.port), identity) for user, password in known.items()}
            (_tell_json if arguments.json else _tell)(at, links, identity)
            await stop.wait()
        finally:
            await server.stop()
        return 0

    return run(command)


def _tell_json(at: Address, links: dict[str, str], identity: _Identity) -> None:
    say_json(
        event="listening",
        host=at.host,
        port=at.port,
        link=next(iter(links.values())),
        links=links,
        pin=identity.facts.pin.hex(),
    )


def _tell(at: Address, links: dict[str, str], identity: _Identity) -> None:
    say(translate("serve", "The server listens on {address}.").format(address=at))
    say(translate("serve", "Certificate (SHA-256): {pin}").format(pin=identity.facts.pin.hex()))
    for user, link in links.items():
        say(translate("serve", "Link for {user}: {link}").format(user=user, link=link))


def _link(user: str, password: str, at: Address, identity: _Identity) -> str:
    """A certificate that only its owner has signed is pinned; one from an authority is checked, and may be renewed."""
    facts = identity.facts
    profile = Profile(
        name=user,
        servers=(ProfileServer(at.host, at.port),),
        server_name=None if facts.self_signed or facts.name == at.host else facts.name,
        verification="pin" if facts.self_signed else "system",
        certificate_pin=facts.pin if facts.self_signed else None,
    )
    return make_link(profile, (password,))


def _identity(certificate_file: str | None, key_file: str | None, name: str) -> _Identity:
    if certificate_file is None or key_file is None:
        path = data_dir() / "server.pem"
        if not path.exists():
            write_atomically(path, b"".join(certificate.self_signed(name, datetime.datetime.now(datetime.UTC))))
        certificate_file = key_file = str(path)
    pem = read_limited(Path(certificate_file), _MAX_CERTIFICATE)
    try:
        return _Identity(certificate_file, key_file, certificate.read_facts(pem))
    except ValueError:
        raise BadFile(translate("certificate", "it holds no certificate in PEM form"), certificate_file) from None


def _scheme(file: str | None) -> Scheme:
    if file is None:
        return DEFAULT
    try:
        return Scheme.parse(read_limited(Path(file), MAX_SCHEME))
    except BadScheme as error:
        raise BadFile(reason_of(error), file) from None


def _reachable(host: str) -> str:
    """The address that others may reach this computer by, where it listens on all: the one it would go out from."""
    ip = ip_or_none(host)
    if ip is None or not ip.is_unspecified:
        return host
    elsewhere = ("2001:db8::1", 9) if ip.version == 6 else ("192.0.2.1", 9)  # for documentation; nothing is sent
    with socket.socket(socket.AF_INET6 if ip.version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(elsewhere)
        except OSError:
            return socket.gethostname()
        return str(sock.getsockname()[0])
