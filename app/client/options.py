"""A profile in the engine's words."""

import socket

from app import NAME, __version__
from app.engine import fingerprints
from app.engine.options import (
    EngineOptions,
    LocalOptions,
    PoolOptions,
    Server,
    Strategy,
    TlsOptions,
    Verification,
)
from app.protocols.address import ip_or_none
from app.protocols.text import printable
from app.storage.profiles import Profile
from app.texts import translate


def engine_options(
    profile: Profile, passwords: tuple[str, ...], local: LocalOptions, page: str | None = None
) -> EngineOptions:
    """What the engine is told for a profile; `passwords` has one for each of its servers.

    `page` is the http or https URL that has to answer through the tunnel; None asks for none.
    """
    tls = tls_options(profile)
    servers = zip(profile.servers, passwords, strict=True)
    return EngineOptions(
        servers=tuple(Server(server.host, server.port, password, tls, profile.tcp) for server, password in servers),
        strategy=Strategy(profile.strategy),
        pool=PoolOptions(profile.idle_check_interval, profile.idle_timeout, profile.min_idle),
        local=local,
        client_name=f"{NAME}/{__version__}" if profile.client_name is None else profile.client_name,
        page=page,
    )


def tls_options(profile: Profile) -> TlsOptions:
    """How TLS is spoken with each of the profile's servers."""
    own_hello = profile.fingerprint == fingerprints.NONE
    return TlsOptions(
        server_name=profile.server_name,
        alpn=profile.alpn,
        verification=Verification(profile.verification),
        ca_file=profile.ca_file,
        certificate_pin=profile.certificate_pin,
        spki_pin=profile.spki_pin,
        min_version=profile.min_tls,
        max_version=profile.max_tls,
        fingerprint=_fingerprint(profile),
        hello_file=profile.hello_file,
        client_certificate=profile.client_certificate,
        client_key=profile.client_key,
        ciphers=profile.ciphers if own_hello else None,
        curve=profile.curve if own_hello else None,
        ech_config=profile.ech_config,
        ech_resolver=profile.ech_resolver,
        fragment=profile.fragment,
    )


def check_files(profile: Profile) -> None:
    """See that the files that a profile names can be used. Raises `BadInput` or `BadFile`. Blocks: for a thread."""
    if any((profile.ca_file, profile.hello_file, profile.client_certificate, profile.client_key)):
        from app.engine.tls_context import make_context  # it may load the other TLS library

        make_context(tls_options(profile))


def unmet_wishes(profile: Profile) -> tuple[str, ...]:
    """A sentence for everything in the profile that this program cannot do, or not on this computer."""
    wishes = [_missing_hello(profile)]
    if (profile.ciphers or profile.curve) and profile.fingerprint != fingerprints.NONE:
        wishes.append(
            translate("client", "Cipher suites and curve of the profile give way to those of its fingerprint.")
        )
    hidden = tls_options(profile).hides_name
    if hidden and (profile.fingerprint == fingerprints.NONE or not fingerprints.available()):
        wishes.append(
            translate(
                "client",
                "The server's name can be sent encrypted (ECH) only with Chrome's fingerprint, so nothing is sent.",
            )
        )
    if hidden and any(_asked_in_the_dns(profile, server.host) for server in profile.servers):
        wishes.append(
            translate(
                "client",
                "The name that is sent encrypted (ECH) is also the host, which the system's DNS is asked for, mostly "
                "in the open; with an address as the host it is not.",
            )
        )
    if profile.tcp.multipath and not hasattr(socket, "IPPROTO_MPTCP"):
        wishes.append(translate("client", "This system has no Multipath TCP, so ordinary TCP is used."))
    return tuple(filter(None, wishes))


def _asked_in_the_dns(profile: Profile, host: str) -> bool:
    """Whether finding `host` tells the name of the server."""
    return ip_or_none(host) is None and (profile.server_name is None or profile.server_name == host)


def _missing_hello(profile: Profile) -> str:
    name = profile.fingerprint
    if name == fingerprints.NONE or (fingerprints.available() and _fingerprint(profile) == name):
        return ""
    if fingerprints.available():
        text = translate("client", "The ClientHello of “{name}” cannot be had; that of the newest Chrome is sent.")
        return text.format(name=printable(name))
    return translate(
        "client",
        "Chrome's TLS library is not available for this system, so Python's own ClientHello is sent instead.",
    )


def _fingerprint(profile: Profile) -> str:
    """The profile's, or the newest Chrome's in place of one that cannot be had: this version's or another browser's."""
    name = profile.fingerprint
    kept = name in (fingerprints.NONE, fingerprints.FILE, *fingerprints.known()) or not fingerprints.available()
    return name if kept else fingerprints.CHROME
