"""A profile as it stands in a form: texts that may be half typed, and what is wrong with each in plain words."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Literal

from app.client.form_tcp import NEW_TCP, TcpDraft
from app.client.form_tls import NEW_TLS, TlsDraft
from app.errors import BadInput
from app.protocols.address import BadAddress, parse_host_port
from app.sharing.links import base64_digest, hex_digest
from app.storage.profiles import (
    BALANCED,
    DEFAULT_PORT,
    MAX_SERVERS,
    PRESETS,
    Preset,
    Profile,
    ProfileServer,
    Strategy,
    UdpMode,
    Verification,
    clean_name,
    host_name,
    tcp_alpn,
)
from app.texts import translate

PresetName = Literal["low-latency", "balanced", "saving", "own"]

MAX_CLIENT_NAME: Final = 100  # characters: it is one line of the settings frame, which servers log
_STRONG_BYTES: Final = 24  # 192 bits: above what can be guessed, short enough to read out


@dataclass(frozen=True, slots=True)
class ServerDraft:
    """One row of the list of servers. `stored` is the place of the saved password that counts while none is typed."""

    host: str = ""
    port: str = str(DEFAULT_PORT)
    password: str = field(default="", repr=False)
    stored: int | None = None


@dataclass(frozen=True, slots=True)
class ProfileDraft:
    """What the form shows. `problems` names the fields that cannot be saved; `profile` is what they make together.

    While `own_passwords` is off, `password` holds for every server. `base` keeps what the form has no field for.
    """

    name: str = ""
    group: str = ""
    servers: tuple[ServerDraft, ...] = (ServerDraft(),)
    strategy: Strategy = "round-robin"
    password: str = field(default="", repr=False)
    own_passwords: bool = False
    asks_each_time: bool = False
    server_name: str = ""
    no_server_name: bool = False
    alpn: str = ""
    verification: Verification = "system"
    ca_file: str = ""
    pin: str = ""
    tls: TlsDraft = NEW_TLS
    tcp: TcpDraft = NEW_TCP
    preset: PresetName = "balanced"
    numbers: Preset = BALANCED
    udp_mode: UdpMode = "connect"
    client_name: str = ""
    no_client_name: bool = False
    base: Profile | None = None

    @classmethod
    def of(cls, profile: Profile, group: str = "", asks_each_time: bool = False) -> "ProfileDraft":
        """The form of a saved profile. Its passwords stay where they are: an empty field keeps them."""
        numbers = Preset(profile.idle_check_interval, profile.idle_timeout, profile.min_idle)
        pins = [profile.certificate_pin.hex() if profile.certificate_pin else "", _base64(profile.spki_pin)]
        return cls(
            name=profile.name,
            group=group,
            servers=tuple(ServerDraft(it.host, str(it.port), stored=at) for at, it in enumerate(profile.servers)),
            strategy=profile.strategy,
            asks_each_time=asks_each_time,
            server_name=profile.server_name or "",
            no_server_name=profile.server_name == "",
            alpn=", ".join(profile.alpn),
            verification=profile.verification,
            ca_file=profile.ca_file or "",
            pin=" ".join(filter(None, pins)),
            tls=TlsDraft.of(profile),
            tcp=TcpDraft.of(profile.tcp),
            preset=preset_name(numbers),
            numbers=numbers,
            udp_mode=profile.udp_mode,
            client_name=profile.client_name or "",
            no_client_name=profile.client_name == "",
            base=profile,
        )

    @property
    def shown_name(self) -> str:
        """The name it is saved under: the first server's address where none is typed."""
        return clean_name(self.name) or str(_server(self.servers[0]))

    @property
    def shared_password(self) -> bool:
        """Whether one password field serves all servers."""
        return not self.own_passwords or len(self.servers) == 1

    def problems(self) -> dict[str, str]:
        """A sentence for each field that cannot be saved as it is; servers are named "servers.0.host" and so on."""
        found: dict[str, str] = {}
        for at, server in enumerate(self.servers):
            _note(found, f"servers.{at}.host", partial(_host, server.host))
            _note(found, f"servers.{at}.port", partial(_port, server.port))
            if not self.shared_password and not self._has_password(server):
                found[f"servers.{at}.password"] = translate("form", "Type the password of this server.")
        if len(self.servers) > MAX_SERVERS:
            found["servers"] = translate("form", "At most {count} servers fit.").format(count=MAX_SERVERS)
        if self.shared_password and not self._has_shared_password():
            found["password"] = translate("form", "Type the password that the server expects.")
        self._note_tls(found)
        if len(self.client_name) > MAX_CLIENT_NAME or not self.client_name.isprintable():
            text = translate("form", "The client name has to be one line of at most {count} characters.")
            found["client_name"] = text.format(count=MAX_CLIENT_NAME)
        return found

    def profile(self) -> Profile:
        """What is saved. Raises `BadInput` with the first problem's sentence."""
        for sentence in self.problems().values():
            raise BadInput(sentence.rstrip("."))
        certificate_pin, spki_pin = _pins(self.pin) if self.verification == "pin" else (None, None)
        servers = tuple(_server(it) for it in self.servers)
        numbers = self.numbers if self.preset == "own" else PRESETS[self.preset]
        return replace(
            self.base or Profile("", servers),
            name=self.shown_name,
            servers=servers,
            strategy=self.strategy,
            server_name="" if self.no_server_name else _sni(self.server_name),
            alpn=_alpn(self.alpn),
            verification=self.verification,
            ca_file=self.ca_file.strip() if self.verification == "ca-file" else None,
            certificate_pin=certificate_pin,
            spki_pin=spki_pin,
            tcp=self.tcp.options(),
            idle_check_interval=numbers.idle_check_interval,
            idle_timeout=numbers.idle_timeout,
            min_idle=numbers.min_idle,
            udp_mode=self.udp_mode,
            client_name="" if self.no_client_name else self.client_name.strip() or None,
            **self.tls.fields(),
        )

    def keeps_passwords(self) -> bool:
        """Whether the saved passwords stay as they are: nothing is typed, and the servers are the same in number."""
        same = [it.stored for it in self.servers] == list(range(len(self.base.servers) if self.base else 0))
        typed = self.password if self.shared_password else any(it.password for it in self.servers)
        return same and not typed

    def needs_stored(self) -> bool:
        """Whether `passwords` has to be told the saved ones: some server has none typed."""
        typed = [self.password if self.shared_password else it.password for it in self.servers]
        return self.base is not None and not self.asks_each_time and not all(typed)

    def passwords(self, stored: tuple[str, ...] = ()) -> tuple[str, ...]:
        """One for each server; where nothing is typed the stored one, for a new server the first one stored."""
        return tuple(self._password(it, stored) for it in self.servers)

    # ---- inside

    def _password(self, server: ServerDraft, stored: tuple[str, ...]) -> str:
        typed = self.password if self.shared_password else server.password
        if typed or not stored:
            return typed
        return stored[server.stored or 0]

    def _has_password(self, server: ServerDraft) -> bool:
        return bool(server.password) or server.stored is not None or self.asks_each_time

    def _has_shared_password(self) -> bool:
        return bool(self.password) or self.base is not None or self.asks_each_time

    def _note_tls(self, found: dict[str, str]) -> None:
        if not self.no_server_name:
            _note(found, "server_name", lambda: _sni(self.server_name))
        elif self.verification in ("system", "ca-file"):
            found["verification"] = translate(
                "form",
                "A certificate can be checked only if the server's name is sent; send it, or pin the certificate.",
            )
        _note(found, "alpn", lambda: _alpn(self.alpn))
        if self.verification == "ca-file" and not self.ca_file.strip():
            found["ca_file"] = translate("form", "Choose the file that holds the authority's certificate.")
        if self.verification == "pin":
            _note(found, "pin", lambda: _pins(self.pin))
        found |= self.tls.problems(sends_name=not self.no_server_name) | self.tcp.problems()


def preset_name(numbers: Preset) -> PresetName:
    """The preset that these numbers are."""
    for name in ("low-latency", "balanced", "saving"):
        if PRESETS[name] == numbers:
            return name
    return "own"


def split_address(text: str) -> tuple[str, str] | None:
    """Host and port where a whole "host:port" stands in one field, as when it is pasted; else None."""
    try:
        address = parse_host_port(text.strip())
    except BadAddress:
        return None
    return address.host, str(address.port)


def strong_password() -> str:
    """A password nobody guesses, of letters, digits, - and _, so that it needs no escaping in a link."""
    return secrets.token_urlsafe(_STRONG_BYTES)


def _note(found: dict[str, str], key: str, read: Callable[[], object]) -> None:
    try:
        read()
    except ValueError as error:
        found[key] = str(error)


def _server(draft: ServerDraft) -> ProfileServer:
    try:
        return ProfileServer(_host(draft.host), _port(draft.port))
    except ValueError:  # for a name that is shown while it is still being typed
        return ProfileServer(draft.host.strip())


def _host(text: str) -> str:
    if not text.strip():
        raise ValueError(translate("form", "Type the server's host name or IP address."))
    try:
        return host_name(text.strip())
    except ValueError as error:
        raise ValueError(translate("form", "The host {problem}.").format(problem=error)) from None


def _port(text: str) -> int:
    digits = text.strip()
    if digits.isascii() and digits.isdigit() and len(digits) <= 5 and 1 <= int(digits) <= 65535:
        return int(digits)
    raise ValueError(translate("form", "The port is a number from 1 to 65535."))


def _sni(text: str) -> str | None:
    if not text.strip():
        return None
    try:
        return host_name(text.strip())
    except ValueError as error:
        raise ValueError(translate("form", "The server name {problem}.").format(problem=error)) from None


def _alpn(text: str) -> tuple[str, ...]:
    try:
        return tcp_alpn(name.strip() for name in text.split(","))
    except ValueError as error:
        raise ValueError(translate("form", "ALPN {problem}.").format(problem=error)) from None


def _pins(text: str) -> tuple[bytes | None, bytes | None]:
    """The pins of the certificate and of its public key: hexadecimal digits and base64, one of each at most."""
    words = text.replace(",", " ").split()
    if whole := hex_digest("".join(words)):  # as it is shown and copied, on several lines
        return whole, None
    certificate = [digest for word in words if (digest := hex_digest(word))]
    public_key = [digest for word in words if not hex_digest(word) and (digest := base64_digest(word))]
    if not words or len(certificate) + len(public_key) != len(words) or max(len(certificate), len(public_key)) > 1:
        text = translate("form", "The pin is the certificate's SHA-256: 64 hexadecimal digits, with or without colons.")
        raise ValueError(text)
    return next(iter(certificate), None), next(iter(public_key), None)


def _base64(digest: bytes | None) -> str:
    return base64.b64encode(digest).decode() if digest else ""
