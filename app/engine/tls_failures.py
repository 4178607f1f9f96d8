"""Which failure the end of a handshake is: from what the library says, what the server sent and what it showed.

The libraries' words alone do not do: BoringSSL calls everything a certificate's fault that happens before there is
one, and OpenSSL has no name for some alerts.
"""

import datetime
import re
import ssl
from typing import Final

from app.engine.certificates import CertificateFacts, read_certificate
from app.engine.options import Server
from app.errors import (
    AlpnRefused,
    CertificateExpired,
    CertificateNotYetValid,
    CertificateRejected,
    CertificateSelfSigned,
    CertificateUnknownIssuer,
    CertificateWrongName,
    ClientCertificateRefused,
    DialFailed,
    HandshakeClosed,
    HandshakeRefused,
    NameRefused,
    NotTls,
    TlsFailed,
    TlsVersionRefused,
)
from app.protocols import opening
from app.protocols.text import printable
from app.texts import translate
from app.transport.session import plain_reason

# What verification says, by its X509_V_ERR numbers, which both libraries have from OpenSSL's x509_vfy.h.
_REJECTIONS: Final[dict[int, type[CertificateRejected]]] = {
    9: CertificateNotYetValid,
    10: CertificateExpired,
    18: CertificateSelfSigned,
    19: CertificateUnknownIssuer,
    20: CertificateUnknownIssuer,
    21: CertificateUnknownIssuer,
    62: CertificateWrongName,
    64: CertificateWrongName,
}
_DATED: Final = (CertificateExpired, CertificateNotYetValid)
_INVALID_CALL: Final = 65  # BoringSSL's word for a verification that it has not come to

# Alerts about what the client shows of itself, in the words of RFC 8446 §6.2.
_OF_OUR_CERTIFICATE: Final = frozenset(
    (
        *("certificate_required", "bad_certificate", "unsupported_certificate", "certificate_revoked"),
        *("certificate_expired", "certificate_unknown", "unknown_ca", "access_denied"),
    )
)
_ALERT: Final = re.compile(r"alert[ _]([a-z_ ]+)", re.IGNORECASE)
_SHOWN: Final = 5  # names of a certificate


def rejected_certificate(error: Exception) -> bool:
    """Whether a handshake ended with the verdict that the server's certificate is not to be trusted."""
    return isinstance(error, ssl.SSLCertVerificationError) and error.verify_code not in (None, _INVALID_CALL)


def rejection(server: Server, error: ssl.SSLCertVerificationError, certificate: bytes) -> CertificateRejected:
    """The verdict in words; `certificate` is the server's in DER, empty where it is not known."""
    kind = _REJECTIONS.get(error.verify_code, CertificateRejected)
    facts = read_certificate(certificate) if certificate else None
    said = printable(error.verify_message or "").lower().rstrip(".")
    if (
        facts is not None
        and kind in _DATED
        and facts.not_before <= datetime.datetime.now(datetime.UTC) <= facts.not_after
    ):
        kind, said = CertificateRejected, translate("certificate", "one that vouches for it is out of date")
    return kind(server.host, server.port, _words(kind, facts) or said, certificate=certificate)


def _words(kind: type[CertificateRejected], facts: CertificateFacts | None) -> str:
    if facts is None:
        return ""
    if kind is CertificateExpired:
        return f"{facts.not_after:%Y-%m-%d %H:%M} UTC"
    if kind is CertificateNotYetValid:
        return f"{facts.not_before:%Y-%m-%d %H:%M} UTC"
    if kind is CertificateWrongName:
        more = ["…"] if len(facts.names) > _SHOWN else []
        return ", ".join([*facts.names[:_SHOWN], *more]) or facts.subject
    return facts.issuer if issubclass(kind, CertificateUnknownIssuer) else ""


def tls_failure(server: Server, error: Exception, first_bytes: bytes = b"") -> DialFailed:
    """The failure that an error of the handshake is, where it is not the server's certificate.

    `first_bytes` is what the server sent first.
    """
    began = opening.read(first_bytes)
    if began.speaks_tls is False:
        return NotTls(server.host, server.port, translate("tls", "its first bytes are none of TLS"))
    alert = began.alert or alert_in(error)
    if alert:
        return refusal(server, alert)
    if isinstance(error, ssl.SSLEOFError | ConnectionError):
        return HandshakeClosed(server.host, server.port, translate("tls", "it gave no reason"))
    if began.version is not None and not _allowed(server, began.version):
        return wrong_version(server, began.version)
    return TlsFailed(server.host, server.port, plain_reason(error))


def alert_in(error: Exception | None) -> str:
    """The name of the alert that a library's error tells of; empty where it does not."""
    if not isinstance(error, ssl.SSLError):
        return ""
    found = _ALERT.search(str(error))
    if found is None:
        return ""
    name = found[1].strip().lower().replace(" ", "_")
    known = [one for one in opening.ALERTS.values() if name.startswith(one)]
    return known[0] if known else ""


def refusal(server: Server, alert: str) -> HandshakeRefused | HandshakeClosed:
    """What the server's alert says in words."""
    at = server.host, server.port
    if alert == "protocol_version":
        return wrong_version(server, None)
    if alert == "no_application_protocol":
        return AlpnRefused(*at, ", ".join(server.tls.alpn) or "h2, http/1.1")
    if alert == "unrecognized_name":
        return NameRefused(*at, server.tls.server_name or server.host)
    if alert in _OF_OUR_CERTIFICATE:
        return ClientCertificateRefused(*at, alert.replace("_", " "))
    if alert == "close_notify":
        return HandshakeClosed(*at, translate("tls", "it gave no reason"))
    return HandshakeRefused(*at, alert.replace("_", " "))


def refused_certificate(server: Server, error: Exception | None) -> HandshakeRefused | HandshakeClosed | None:
    """What an error says of the client's certificate; None where it is about something else."""
    alert = alert_in(error)
    return refusal(server, alert) if alert in _OF_OUR_CERTIFICATE else None


def wrong_version(server: Server, chosen: str | None) -> TlsVersionRefused:
    """`chosen` is the version that the server wants; None where it does not say."""
    options = server.tls
    lowest = "1.3" if options.hides_name else "1.2"  # ECH came with 1.3
    low, high = options.min_version or lowest, options.max_version or "1.3"
    ours = low if low == high else f"{low}–{high}"
    text = (
        translate("tls", "the profile asks for {ours}; {advice}")
        if chosen is None
        else translate("tls", "the profile asks for {ours}, the server for {chosen}; {advice}")
    )
    advice = (
        translate("tls", "the server’s TLS is too old")
        if (low, high) == (lowest, "1.3")
        else translate("tls", "change the TLS versions in the profile")
    )
    return TlsVersionRefused(server.host, server.port, text.format(ours=ours, chosen=chosen, advice=advice))


def _allowed(server: Server, version: str) -> bool:
    return (server.tls.min_version or "1.2") <= version <= (server.tls.max_version or "1.3")
