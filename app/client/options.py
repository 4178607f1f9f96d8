"""A profile in the engine's words."""

from app import NAME, __version__
from app.engine.options import (
    EngineOptions,
    LocalOptions,
    PoolOptions,
    Server,
    Strategy,
    TlsOptions,
    Verification,
)
from app.storage.profiles import Profile
from app.texts import translate


def engine_options(
    profile: Profile, passwords: tuple[str, ...], local: LocalOptions, page: str | None = None
) -> EngineOptions:
    """What the engine is told for a profile; `passwords` has one for each of its servers.

    `page` is the http or https URL that has to answer through the tunnel; None asks for none.
    """
    tls = TlsOptions(
        server_name=profile.server_name,
        alpn=profile.alpn,
        verification=Verification(profile.verification),
        ca_file=profile.ca_file,
        certificate_pin=profile.certificate_pin,
        spki_pin=profile.spki_pin,
        min_version=profile.min_tls,
        max_version=profile.max_tls,
        fingerprint=profile.fingerprint,
        hello_file=profile.hello_file,
        client_certificate=profile.client_certificate,
        client_key=profile.client_key,
        ciphers=profile.ciphers,
        curve=profile.curve,
        ech_config=profile.ech_config,
        ech_resolver=profile.ech_resolver,
        fragment=profile.fragment,
    )
    servers = zip(profile.servers, passwords, strict=True)
    return EngineOptions(
        servers=tuple(Server(server.host, server.port, password, tls, profile.tcp) for server, password in servers),
        strategy=Strategy(profile.strategy),
        pool=PoolOptions(profile.idle_check_interval, profile.idle_timeout, profile.min_idle),
        local=local,
        client_name=f"{NAME}/{__version__}" if profile.client_name is None else profile.client_name,
        page=page,
    )


def unmet_wishes(profile: Profile) -> tuple[str, ...]:
    """A sentence for everything in the profile that this version cannot do."""
    if profile.fingerprint == "none":
        return ()
    text = translate("client", "The TLS fingerprint “{name}” is not available in this version; Python's own is used.")
    return (text.format(name=profile.fingerprint),)
