"""What a form says about TLS beyond the server's name and its proof: texts that may be half typed, their problems."""

import base64
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.engine import fingerprints
from app.protocols.ech import BadEch, read_config
from app.storage.profiles import CIPHERS, CURVE, DEFAULT_FINGERPRINT, Profile, TlsVersion, resolver_address
from app.texts import translate
from app.wording import reason_of

Ech = Literal["off", "config", "resolver"]
Version = Literal["", "1.2", "1.3"]

USUAL_RESOLVER: Final = "https://cloudflare-dns.com/dns-query"


@dataclass(frozen=True, slots=True)
class TlsDraft:
    """As `app.client.form.ProfileDraft`, of which it is a part."""

    fingerprint: str = DEFAULT_FINGERPRINT
    hello_file: str = ""
    ech: Ech = "off"
    ech_config: str = ""
    ech_resolver: str = USUAL_RESOLVER
    fragment: bool = False
    min_tls: Version = ""
    max_tls: Version = ""
    client_certificate: str = ""
    client_key: str = ""
    ciphers: str = ""
    curve: str = ""

    @classmethod
    def of(cls, profile: Profile) -> "TlsDraft":
        """What a saved profile says."""
        config, resolver = profile.ech_config, profile.ech_resolver
        return cls(
            fingerprint=profile.fingerprint,
            hello_file=profile.hello_file or "",
            ech="config" if config else "resolver" if resolver else "off",
            ech_config=base64.b64encode(config or b"").decode(),
            ech_resolver=resolver or USUAL_RESOLVER,
            fragment=profile.fragment,
            min_tls=profile.min_tls or "",
            max_tls=profile.max_tls or "",
            client_certificate=profile.client_certificate or "",
            client_key=profile.client_key or "",
            ciphers=profile.ciphers or "",
            curve=profile.curve or "",
        )

    @property
    def own_hello(self) -> bool:
        """Whether the hello is the standard library's, so that its parts can be chosen."""
        return self.fingerprint == fingerprints.NONE

    def problems(self, sends_name: bool) -> dict[str, str]:
        """A sentence for each field that cannot be saved as it is; `sends_name` tells whether a server name is sent."""
        return {field: sentence for field, sentence in self._problems(sends_name) if sentence}

    def fields(self) -> dict[str, Any]:
        """The profile's fields. Raises ValueError where there are problems."""
        config = read_config(self.ech_config) if self.ech == "config" else None
        return {
            "fingerprint": self.fingerprint,
            "hello_file": (self.hello_file.strip() or None) if self.fingerprint == fingerprints.FILE else None,
            "ech_config": config,
            "ech_resolver": resolver_address(self.ech_resolver) if self.ech == "resolver" else None,
            "fragment": self.fragment,
            "min_tls": _version(self.min_tls),
            "max_tls": _version(self.max_tls),
            "client_certificate": self.client_certificate.strip() or None,
            "client_key": self.client_key.strip() or None,
            "ciphers": (self.ciphers.strip() or None) if self.own_hello else None,
            "curve": (self.curve.strip() or None) if self.own_hello else None,
        }

    # ---- inside

    def _problems(self, sends_name: bool) -> Iterator[tuple[str, str]]:
        if self.fingerprint == fingerprints.FILE and not self.hello_file.strip():
            yield "hello_file", translate("form", "Choose the file that holds the ClientHello.")
        if self.ech != "off":
            yield "ech", self._ech_problem(sends_name)
        if self.ech == "config":
            yield "ech_config", _said(_ech_config, self.ech_config)
        if self.ech == "resolver":
            yield "ech_resolver", _said(_resolver, self.ech_resolver)
        if self.min_tls and self.max_tls and self.min_tls > self.max_tls:
            yield "max_tls", translate("form", "The highest version is below the lowest one.")
        if self.client_key.strip() and not self.client_certificate.strip():
            yield "client_key", translate("form", "Choose the certificate too that this key belongs to.")
        if self.own_hello:
            yield "ciphers", _said(_ciphers, self.ciphers)
            yield "curve", _said(_curve, self.curve)

    def _ech_problem(self, sends_name: bool) -> str:
        if self.own_hello:
            return translate("form", "The name can be sent encrypted only with Chrome's fingerprint.")
        if not sends_name:
            return translate("form", "There is no name to encrypt, because none is sent.")
        if self.max_tls == "1.2":
            return translate("form", "The name can be sent encrypted only with TLS 1.3.")
        return ""


def fingerprint_choices() -> tuple[str, ...]:
    """What a form offers as fingerprints: the newest first, then the way without any."""
    known = fingerprints.known()
    if not known:
        return (fingerprints.CHROME, fingerprints.NONE)
    return (*known, fingerprints.NONE, fingerprints.FILE)


NEW_TLS: Final = TlsDraft()


def _said(read: Callable[[str], object], text: str) -> str:
    try:
        read(text.strip())
    except ValueError as error:
        return str(error)
    return ""


def _ech_config(text: str) -> None:
    if not text:
        raise ValueError(translate("form", "Paste the ECH configuration: base64, or a PEM block."))
    try:
        read_config(text)
    except BadEch as error:
        reason = reason_of(error)
        raise ValueError(f"{reason[:1].upper()}{reason[1:]}.") from None


def _resolver(text: str) -> None:
    try:
        resolver_address(text)
    except ValueError as error:
        raise ValueError(translate("form", "The resolver {problem}.").format(problem=error)) from None


def _ciphers(text: str) -> None:
    wrong = ValueError(translate("form", "These are no cipher suites by OpenSSL's names, with colons between them."))
    if text and not re.match(CIPHERS, text):
        raise wrong
    try:
        if text:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers(text)
    except ssl.SSLError:
        raise wrong from None


def _curve(text: str) -> None:
    wrong = ValueError(translate("form", "This is no curve that can be chosen here, as prime256v1 or secp384r1 can."))
    if text and not re.match(CURVE, text):
        raise wrong
    try:
        if text:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ecdh_curve(text)
    except (ValueError, ssl.SSLError):
        raise wrong from None


def _version(version: Version) -> TlsVersion | None:
    return version or None
