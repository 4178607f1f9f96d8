"""anytls:// links: the canonical form of PROTOCOL.md §3.1, read by the forgiving rules of §3.4.

    anytls://password@host[:port]/?sni=…&insecure=1&hpkp=…&spki-sha256=…&alpn=…&fp=…&ech=…#name

Keys are read without regard to case, `_` as `-`, under the names that other programs write. A pin is told by its form:
64 hexadecimal digits, with or without colons, are the SHA-256 of the certificate (mihomo's hpkp, Xray's pcs); base64 is
that of its public key (RFC 7469 pin-sha256, sing-box). `spki-sha256` always means the public key.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

from app.errors import BadLink
from app.protocols.text import printable
from app.sharing.wishes import ech, family, fingerprint, note_source, reality
from app.storage.profiles import (
    BALANCED,
    DEFAULT_PORT,
    IDLE_SECONDS,
    MIN_IDLE_SESSIONS,
    Profile,
    ProfileServer,
    Verification,
    clean_name,
    host_name,
    local_source,
    tcp_alpn,
)
from app.texts import translate
from app.transport.options import Family, TcpOptions

MAX_LINK: Final = 64 * 1024  # bytes; the longest real one, with an ECH configuration, has under two thousand

_SCHEME = "anytls://"
_AROUND = " \t\r\n\u00a0\u200b\u200c\u200d\u2060\ufeff\"'`“”‘’"  # what copying puts around a link
_ALIASES = {
    "peer": "sni",
    "servername": "sni",
    "server-name": "sni",
    "tls-host": "sni",
    "host": "sni",
    "allowinsecure": "insecure",
    "allow-insecure": "insecure",
    "skip-cert-verify": "insecure",
    "client-fingerprint": "fp",
    "fingerprint": "fp",
    "hpkp": "pin",
    "pinsha256": "pin",
    "pcs": "pin",
    "pin-sha256": "pin",
    "ech-config": "ech",
    "ech-config-list": "ech",
    "echconfig": "ech",
    "echconfiglist": "ech",
    "tcp-multi-path": "mptcp",
    "interface-name": "interface",
    "bind-interface": "interface",
    "ip-mode": "ip-version",
}
_KNOWN = {
    *("sni", "disable-sni", "insecure", "pin", "spki-sha256", "fp", "alpn", "security", "type", "headertype", "udp"),
    *("ech", "fragment", "record-fragment", "mptcp", "interface", "ip-version"),
    *("idle-session-check-interval", "idle-session-timeout", "min-idle-session"),
}
_YES = frozenset(("1", "true", "yes"))
_NO = frozenset(("", "0", "false", "no"))
_PORT = re.compile(r"[0-9]{1,5}")
_NUMBER = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,20})?)s?")
_PIECES = re.compile(r"[a-z0-9,-]*[0-9]-[0-9][a-z0-9,-]*")  # sizes and pauses, as in "100-200,10-20,tlshello"
_HEX = re.compile(r"[0-9a-fA-F]{40,64}")
_IP_VERSIONS: dict[Family, str | None] = {
    "any": None,
    "only-4": "ipv4",
    "only-6": "ipv6",
    "prefer-4": "ipv4-prefer",
    "prefer-6": "ipv6-prefer",
}
_DIGEST = 32  # bytes of a SHA-256
_MAX_LISTED = 10  # ignored names that a note repeats


@dataclass(frozen=True, slots=True)
class Imported:
    """What was read: the profile, one password for each of its servers, and a sentence on all that was changed."""

    profile: Profile
    passwords: tuple[str, ...] = field(repr=False)
    notes: tuple[str, ...] = ()


def parse_link(text: str) -> Imported:
    """Read one anytls:// link. Raises BadLink, whose reason holds no part of the link."""
    body, _, fragment = _unwrapped(text).partition("#")
    before, _, options = body.partition("?")
    # The last @ counts and the path begins behind it, because many programs write / and @ in a password as they are.
    userinfo, _, target = before.rpartition("@")
    if not userinfo:
        raise BadLink(translate("links", "it has no password before the host (write # and ? in it as %23 and %3F)"))
    server = _server(target.partition("/")[0])
    query = _Query(options)
    _check_transport(query)
    certificate_pin, spki_pin = _pins(query)
    ech_config, ech_resolver = _ech(query)
    profile = Profile(
        name=clean_name(_decoded(fragment, otherwise=fragment)) or str(server),
        servers=(server,),
        server_name=_server_name(query),
        alpn=_alpn(query),
        verification=verification(bool(certificate_pin or spki_pin), query.flag("insecure"), query.notes),
        certificate_pin=certificate_pin,
        spki_pin=spki_pin,
        fingerprint=fingerprint(query.text("fp"), query.notes),
        ech_config=ech_config,
        ech_resolver=ech_resolver,
        fragment=_fragment(query),
        tcp=_tcp(query),
        idle_check_interval=query.number("idle-session-check-interval", BALANCED.idle_check_interval, IDLE_SECONDS),
        idle_timeout=query.number("idle-session-timeout", BALANCED.idle_timeout, IDLE_SECONDS),
        min_idle=int(query.number("min-idle-session", BALANCED.min_idle, MIN_IDLE_SESSIONS)),
    )
    return Imported(profile, (_password(userinfo),), tuple(query.notes))


def make_link(profile: Profile, passwords: tuple[str, ...]) -> str:
    """The link that `parse_link` reads back. It holds the password: show it only where the person asked for it.

    What a link has no word for is left out: files, TLS versions, client name, UDP mode, times of TCP. Raises ValueError
    for more than one server.
    """
    (server,), (password,) = profile.servers, passwords
    pinned = profile.verification == "pin"
    values = {
        "sni": profile.server_name,
        "disable_sni": "1" if profile.server_name == "" else None,  # as s-ui writes it
        "insecure": "1" if profile.verification == "none" else None,
        "hpkp": profile.certificate_pin.hex() if pinned and profile.certificate_pin else None,
        "spki-sha256": profile.spki_pin.hex() if pinned and profile.spki_pin else None,
        "alpn": ",".join(profile.alpn),
        "fp": _written_fingerprint(profile),
        "ech": base64.b64encode(profile.ech_config).decode() if profile.ech_config else profile.ech_resolver,
        "fragment": "1" if profile.fragment else None,
        "mptcp": "1" if profile.tcp.multipath else None,
        "interface": profile.tcp.source,
        "ip-version": _IP_VERSIONS[profile.tcp.family],
        "idle-session-check-interval": _unless(BALANCED.idle_check_interval, profile.idle_check_interval),
        "idle-session-timeout": _unless(BALANCED.idle_timeout, profile.idle_timeout),
        "min-idle-session": _unless(BALANCED.min_idle, profile.min_idle),
    }
    query = "&".join(f"{key}={quote(value, safe=',:/')}" for key, value in values.items() if value)
    return f"{_SCHEME}{quote(password, safe='')}@{server}/{'?' if query else ''}{query}#{quote(profile.name, safe='')}"


def verification(pinned: bool, insecure: bool, notes: list[str]) -> Verification:
    """A pin decides alone; without one, `insecure` switches the check off, which is noted."""
    if pinned:
        return "pin"
    if insecure:
        notes.append(translate("links", "The server's certificate is not checked: anyone on the way can read along."))
        return "none"
    return "system"


def alpn_protocols(names: Iterable[str], notes: list[str]) -> tuple[str, ...]:
    """What of `names` can be offered over TCP. Raises ValueError as `tcp_alpn` does."""
    stripped = [name.strip() for name in names]
    if "h3" in stripped:
        notes.append(translate("links", "h3 is taken out of alpn: it does not run over TCP."))
    return tcp_alpn(stripped)


def within(key: str, value: float | None, default: float, limits: tuple[float, float], notes: list[str]) -> float:
    """`value` where it lies within `limits`; else `default`, with a note. None stands for what is not a number."""
    low, high = limits
    if value is not None and low <= value <= high:
        return value
    text = translate("links", "{key} must be a number from {low:g} to {high:g}; {default:g} is used.")
    notes.append(text.format(key=key, low=low, high=high, default=default))
    return default


def note_ignored(keys: Iterable[str], notes: list[str]) -> None:
    """One note that names what is not understood, without its values."""
    names = [printable(key, 60) for key in keys]
    if names:
        more = ["…"] if len(names) > _MAX_LISTED else []
        listed = ", ".join(names[:_MAX_LISTED] + more)
        notes.append(translate("links", "Not understood and ignored: {names}.").format(names=listed))


def hex_digest(text: str) -> bytes | None:
    """The SHA-256 that 64 hexadecimal digits stand for, with or without colons."""
    digits = text.replace(":", "")
    return bytes.fromhex(digits) if len(digits) == 2 * _DIGEST and _HEX.fullmatch(digits) else None


def base64_digest(text: str) -> bytes | None:
    """The SHA-256 that base64 stands for, standard or URL-safe, with or without padding."""
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        digest = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == _DIGEST else None


class _Query:
    """The options of a link under their one name each, and the notes that reading them gives."""

    def __init__(self, text: str) -> None:
        self.notes: list[str] = []
        self._values: dict[str, list[str | None]] = {}
        unknown: dict[str, None] = {}
        for pair in filter(None, text.split("&")):
            raw_key, equals, raw_value = pair.partition("=")
            written = unquote(raw_key).strip().lower().replace("_", "-")
            value = unquote(raw_value).strip() if equals else None
            key = _ALIASES.get(written, written)
            if key == "fp" and value and (_HEX.fullmatch(value) or (":" in value and "chrome" not in value.lower())):
                key = "pin"  # mihomo calls the certificate's pin `fingerprint`, others the wished ClientHello
            if key in _KNOWN:
                self._values.setdefault(key, []).append(value)
            else:
                unknown[written] = None
        note_ignored(unknown, self.notes)

    def text(self, key: str) -> str:
        """The first value that is not empty."""
        values = list(dict.fromkeys(filter(None, self._values.get(key, ()))))
        if len(values) > 1:
            text = translate("links", "{key} is given more than once; the first is used.")
            self.notes.append(text.format(key=key))
        return values[0] if values else ""

    def flag(self, key: str) -> bool:
        """Whether any of the values is a yes; a key without a value is one."""
        values = ["1" if value is None else value.lower() for value in self._values.get(key, ())]
        if not _YES.union(_NO).issuperset(values):
            text = translate("links", "{key} is neither yes nor no; it is read as no.")
            self.notes.append(text.format(key=key))
        return not _YES.isdisjoint(values)

    def number(self, key: str, default: float, limits: tuple[float, float]) -> float:
        """A number, seconds where it is a time."""
        text = self.text(key)
        if not text:
            return default
        match = _NUMBER.fullmatch(text)
        return within(key, float(match[1]) if match else None, default, limits, self.notes)

    def says_no(self, key: str) -> bool:
        """Whether the key is there and switches something off."""
        return key in self._values and not self.flag(key)


def _unwrapped(text: str) -> str:
    """The link without its scheme, and without what copying put around it."""
    link = text.strip(_AROUND)
    if len(link.encode(errors="surrogatepass")) > MAX_LINK:
        raise BadLink(translate("links", "it is larger than 64 KiB"))
    if link[: len(_SCHEME)].lower() != _SCHEME:
        raise BadLink(translate("links", "it does not begin with anytls://"))
    if len(link.splitlines()) > 1:
        raise BadLink(translate("links", "it is more than one line"))
    if "\0" in unquote(link):
        raise BadLink(translate("links", "it holds a NUL character"))
    if any("\ud800" <= char <= "\udfff" for char in link):
        raise BadLink(translate("links", "it is not valid text"))
    return link[len(_SCHEME) :]


def _server(target: str) -> ProfileServer:
    host, colon, port = target.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = target, ""
    if port and not (_PORT.fullmatch(port) and 1 <= int(port) <= 65535):
        raise BadLink(translate("links", "its port is not a number from 1 to 65535"))
    if ":" in host and not host.startswith("["):
        raise BadLink(translate("links", "an IPv6 address needs brackets around it"))
    try:
        return ProfileServer(host_name(_decoded(host, otherwise="")), int(port or DEFAULT_PORT))
    except ValueError as error:
        raise BadLink(translate("links", "its host {problem}").format(problem=error)) from None


def _password(userinfo: str) -> str:
    password = _decoded(userinfo, otherwise="")
    if not password:
        raise BadLink(translate("links", "its password is not UTF-8"))
    return password


def _check_transport(query: _Query) -> None:
    """AnyTLS is TLS over TCP, whatever else a link from a program for many protocols asks for."""
    security = query.text("security").lower()
    if security == "reality":
        raise BadLink(reality())
    if security == "none":
        query.notes.append(translate("links", "security=none is ignored: AnyTLS always runs over TLS."))
    elif security not in {"", "tls"}:
        raise BadLink(translate("links", "it asks for a security layer other than TLS"))
    if query.text("type").lower() not in {"", "tcp", "raw"} or query.text("headertype").lower() not in {"", "none"}:
        raise BadLink(translate("links", "it asks for a transport other than plain TCP"))
    if query.says_no("udp"):
        query.notes.append(translate("links", "udp=0 is ignored: UDP is carried where an application asks for it."))


def _server_name(query: _Query) -> str | None:
    name = query.text("sni")
    if query.flag("disable-sni"):
        if name:
            query.notes.append(translate("links", "sni is ignored, because disable-sni is set."))
        return ""
    try:
        return host_name(name) if name else None
    except ValueError as error:
        raise BadLink(translate("links", "its server name (sni) {problem}").format(problem=error)) from None


def _alpn(query: _Query) -> tuple[str, ...]:
    try:
        return alpn_protocols(query.text("alpn").split(","), query.notes)
    except ValueError as error:
        raise BadLink(translate("links", "its alpn {problem}").format(problem=error)) from None


def _pins(query: _Query) -> tuple[bytes | None, bytes | None]:
    """The pins of the certificate and of its public key."""
    pin, spki = query.text("pin"), query.text("spki-sha256")
    certificate_pin = hex_digest(pin)
    spki_pin = hex_digest(spki) or base64_digest(spki or pin)
    if (pin and not certificate_pin and not base64_digest(pin)) or (spki and not spki_pin):
        raise BadLink(translate("links", "its pin is not a SHA-256 in hexadecimal digits or base64"))
    return certificate_pin, spki_pin


def _ech(query: _Query) -> tuple[bytes | None, str | None]:
    """The ECH configuration, or the resolver that has it. The key alone asks for what nobody can tell."""
    wish = query.text("ech") or ("?" if query.flag("ech") else "")
    try:
        return ech(wish, query.notes)
    except ValueError as error:
        raise BadLink(translate("links", "its ech {problem}").format(problem=error)) from None


def _fragment(query: _Query) -> bool:
    """Whether the ClientHello leaves in pieces: of this program's own size, in TCP segments and not in records."""
    own_size = translate("links", "The ClientHello leaves in several TCP segments, of sizes that this program chooses.")
    if _PIECES.fullmatch(query.text("fragment").lower()):
        query.notes.append(own_size)
        return True
    in_segments, in_records = query.flag("fragment"), query.flag("record-fragment")
    if in_records:
        query.notes.append(own_size)
    return in_segments or in_records


def _tcp(query: _Query) -> TcpOptions:
    source = query.text("interface")
    try:
        found = local_source(source) if source else None
    except ValueError as error:
        raise BadLink(translate("links", "its interface {problem}").format(problem=error)) from None
    note_source(found, query.notes)
    return TcpOptions(multipath=query.flag("mptcp"), source=found, family=family(query.text("ip-version"), query.notes))


def _written_fingerprint(profile: Profile) -> str | None:
    """With the separator that a pin never has. It is always named: other programs would send a hello of their own."""
    return None if profile.fingerprint == "file" else profile.fingerprint.replace(":", "_")


def _decoded(text: str, *, otherwise: str) -> str:
    """`text` with its percent signs decoded once; `otherwise` where that is not UTF-8."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return otherwise


def _unless(default: float, value: float) -> str | None:
    return None if value == default else str(value).removesuffix(".0")
