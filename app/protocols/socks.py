"""The proxy's side of SOCKS5 (RFC 1928, RFC 1929), SOCKS4 and SOCKS4a, for one connection, and SOCKS5 datagrams."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, auto
from ipaddress import IPv4Address
from typing import NamedTuple

from app.protocols.address import SOCKS, Address, BadAddress, decode_host, decode_socks, encode_socks

_NO_AUTHENTICATION = 0
_USER_PASSWORD = 2
_NO_ACCEPTABLE_METHOD = 0xFF
_LOGIN_VERSION = 1
_LOGIN_GRANTED = 0
_LOGIN_DENIED = 1
_GRANTED4 = b"\x00\x5a" + bytes(6)
_REJECTED4 = b"\x00\x5b" + bytes(6)
# SOCKS4 sets no limit to its user id and host; SOCKS5 allows its own 255 bytes, and no client sends more.
_MAX_TEXT4 = 255
# The greeting of nearly every app, which offers to come without a login, and the answer to it where none is asked for.
_USUAL = bytes((5, 1, _NO_AUTHENTICATION))
_USUAL_ANSWER = bytes((5, _NO_AUTHENTICATION))
_ANY = Address("0.0.0.0", 0)  # noqa: S104 (what a reply says where the bound address does not matter)
_GRANTED5 = b"\x05\x00\x00" + encode_socks(_ANY)


class BadSocks(ValueError):
    """A datagram that is not SOCKS5."""


class Command(IntEnum):
    """What the app asks for."""

    CONNECT = 1
    UDP_ASSOCIATE = 3


_COMMANDS = {int(command): command for command in Command}


class Reply(IntEnum):
    """The answers of RFC 1928 section 6. SOCKS4 knows only granted and rejected."""

    SUCCEEDED = 0
    GENERAL_FAILURE = 1
    NOT_ALLOWED = 2
    NETWORK_UNREACHABLE = 3
    HOST_UNREACHABLE = 4
    CONNECTION_REFUSED = 5
    TTL_EXPIRED = 6
    COMMAND_NOT_SUPPORTED = 7
    ADDRESS_TYPE_NOT_SUPPORTED = 8


class SocksRequest(NamedTuple):
    """A complete request. `version` is 4 or 5 and belongs in the answer."""

    version: int
    command: Command
    address: Address


@dataclass(slots=True)
class Progress:
    """What bytes from the app led to.

    Send `reply` first. Then: `failed`, for the log, means close; `request` means carry it out, and `rest` is what
    the app sent behind it; neither means read on.
    """

    reply: bytes = field(default=b"", repr=False)
    request: SocksRequest | None = None
    rest: bytes = field(default=b"", repr=False)
    failed: str | None = None


class _State(IntEnum):  # its members are keys for every app, and only an IntEnum's are hashed without Python code
    VERSION = auto()
    METHODS = auto()
    LOGIN = auto()
    REQUEST5 = auto()
    REQUEST4 = auto()
    DONE = auto()
    FAILED = auto()


# state → the byte that was decided on → next state; every other byte leads to FAILED
_NEXT: dict[_State, dict[int, _State]] = {
    _State.VERSION: {5: _State.METHODS, 4: _State.REQUEST4},
    _State.METHODS: {_NO_AUTHENTICATION: _State.REQUEST5, _USER_PASSWORD: _State.LOGIN},
    _State.LOGIN: {_LOGIN_GRANTED: _State.REQUEST5},
    _State.REQUEST5: {Reply.SUCCEEDED: _State.DONE},
    _State.REQUEST4: {Reply.SUCCEEDED: _State.DONE},
}


class _Step(NamedTuple):
    """One message understood: its length, what was decided on it, what to answer."""

    used: int
    decided: int
    reply: bytes = b""
    request: SocksRequest | None = None
    failed: str | None = None


class SocksServer:
    """Talks to one app until its request is known.

    `credentials` are the user name and password asked for. Without them an app that insists on logging in may do
    so with any. Of what the app sends, less than one of its largest legal messages is held: 513 bytes.
    """

    def __init__(self, credentials: tuple[str, str] | None = None) -> None:
        self._credentials = None if credentials is None else tuple(text.encode() for text in credentials)
        self._state = _State.VERSION
        self._held = b""

    def receive(self, data: bytes | memoryview) -> Progress:
        """Take bytes from the app. After a request or a failure there is nothing more to give it."""
        if data == _USUAL and self._state is _State.VERSION and self._credentials is None:
            self._state = _State.REQUEST5
            return Progress(_USUAL_ANSWER)
        self._held += data
        replies: list[bytes] = []
        while (parse := _PARSERS.get(self._state)) is not None and (step := parse(self, self._held)) is not None:
            self._held = self._held[step.used :]
            self._state = _NEXT[self._state].get(step.decided, _State.FAILED)
            replies.append(step.reply)
            if self._state not in _NEXT:
                rest, self._held = self._held if step.request else b"", b""
                return Progress(b"".join(replies), step.request, rest, step.failed)
        return Progress(b"".join(replies))

    def _version(self, data: bytes) -> _Step | None:
        if not data:
            return None
        return _Step(0, data[0], failed=None if looks_like_socks(data[0]) else "neither SOCKS4 nor SOCKS5")

    def _methods(self, data: bytes) -> _Step | None:
        if len(data) < 2 or len(data) < (used := 2 + data[1]):
            return None
        usable = (_USER_PASSWORD,) if self._credentials else (_NO_AUTHENTICATION, _USER_PASSWORD)
        for method in usable:
            if method in data[2:used]:
                return _Step(used, method, bytes((5, method)))
        reason = "a login is required" if self._credentials else "no usable authentication method"
        return _Step(used, _NO_ACCEPTABLE_METHOD, bytes((5, _NO_ACCEPTABLE_METHOD)), failed=reason)

    def _login(self, data: bytes) -> _Step | None:
        """RFC 1929: version, name length, name, password length, password."""
        if len(data) < 2 or len(data) < (name_end := 2 + data[1]) + 1:
            return None
        used = name_end + 1 + data[name_end]
        if len(data) < used:
            return None
        if data[0] == _LOGIN_VERSION and self._may_enter(data[2:name_end], data[name_end + 1 : used]):
            return _Step(used, _LOGIN_GRANTED, bytes((_LOGIN_VERSION, _LOGIN_GRANTED)))
        return _Step(used, _LOGIN_DENIED, bytes((_LOGIN_VERSION, _LOGIN_DENIED)), failed="wrong user or password")

    def _may_enter(self, name: bytes, password: bytes) -> bool:
        if self._credentials is None:
            return True
        # Both are compared whatever the first comparison says, so that its time tells nothing.
        return hmac.compare_digest(self._credentials[0], name) & hmac.compare_digest(self._credentials[1], password)

    def _request5(self, data: bytes) -> _Step | None:
        if data and data[0] != 5:
            return _refusal5(Reply.GENERAL_FAILURE, "not a SOCKS5 request")
        try:
            found = decode_socks(data, 3)
        except BadAddress as error:
            known = data[3] in SOCKS
            return _refusal5(Reply.GENERAL_FAILURE if known else Reply.ADDRESS_TYPE_NOT_SUPPORTED, str(error))
        if found is None:
            return None
        address, used = found
        command = _COMMANDS.get(data[1])
        if command is None:
            return _refusal5(Reply.COMMAND_NOT_SUPPORTED, f"command {data[1]} is not supported")
        return _Step(used, Reply.SUCCEEDED, request=SocksRequest(5, command, address))

    def _request4(self, data: bytes) -> _Step | None:
        try:
            found = _decode4(data)
        except BadAddress as error:
            return _refusal4(str(error))
        if found is None:
            return None
        address, used = found
        if self._credentials:
            return _refusal4("a login is required, which SOCKS4 does not have")
        if data[1] != Command.CONNECT:
            return _refusal4(f"command {data[1]} is not supported")
        return _Step(used, Reply.SUCCEEDED, request=SocksRequest(4, Command.CONNECT, address))


_PARSERS: dict[_State, Callable[[SocksServer, bytes], _Step | None]] = {
    _State.VERSION: SocksServer._version,
    _State.METHODS: SocksServer._methods,
    _State.LOGIN: SocksServer._login,
    _State.REQUEST5: SocksServer._request5,
    _State.REQUEST4: SocksServer._request4,
}


def _refusal5(reply: Reply, reason: str) -> _Step:
    return _Step(0, reply, failure_reply(5, reply), failed=reason)


def _refusal4(reason: str) -> _Step:
    return _Step(0, Reply.GENERAL_FAILURE, _REJECTED4, failed=reason)


def _decode4(data: bytes) -> tuple[Address, int] | None:
    """Target and length of a SOCKS4 or 4a request: version, command, port, IP, user id, 0, and in 4a host, 0."""
    user_end = _end_of_text(data, 8)
    if user_end is None:
        return None
    port, ip = int.from_bytes(data[2:4], "big"), data[4:8]
    # 0.0.0.x announces a host name; 0.0.0.0 itself does not.
    if ip[:3] != bytes(3) or ip[3] == 0:
        return Address(str(IPv4Address(ip)), port), user_end + 1
    host_end = _end_of_text(data, user_end + 1)
    if host_end is None:
        return None
    return Address(decode_host(data[user_end + 1 : host_end]), port), host_end + 1


def _end_of_text(data: bytes, start: int) -> int | None:
    limit = start + _MAX_TEXT4 + 1
    end = data.find(0, start, limit)
    if end < 0 and len(data) >= limit:
        raise BadAddress("the user id or host is longer than {limit} bytes", limit=_MAX_TEXT4)
    return None if end < 0 else end


def looks_like_socks(first_byte: int) -> bool:
    """Whether a connection that starts with this byte speaks SOCKS; no HTTP method starts with 4 or 5."""
    return first_byte in (4, 5)


def success_reply(version: int, bound: Address = _ANY) -> bytes:
    """The answer to a request that is carried out; `bound` is where a UDP association takes datagrams."""
    if version == 4:
        return _GRANTED4
    return _GRANTED5 if bound is _ANY else bytes((5, Reply.SUCCEEDED, 0)) + encode_socks(bound)


def failure_reply(version: int, reason: Reply) -> bytes:
    """The answer to a request that is not carried out."""
    return _REJECTED4 if version == 4 else bytes((5, reason, 0)) + encode_socks(_ANY)


def decode_udp(datagram: bytes | memoryview) -> tuple[Address, bytes] | None:
    """Target and payload of a SOCKS5 datagram (RFC 1928 section 7); None for a fragment, which is to be dropped.

    Raises BadSocks.
    """
    if len(datagram) < 3:
        raise BadSocks("the datagram is too short")
    if datagram[2] != 0:
        return None
    try:
        found = decode_socks(datagram, 3)
    except BadAddress as error:
        raise BadSocks(str(error)) from None
    if found is None:
        raise BadSocks("the datagram ends within its address")
    address, end = found
    return address, bytes(datagram[end:])


def encode_udp(source: Address, payload: bytes | memoryview) -> bytes:
    """A SOCKS5 datagram for the app. Raises BadAddress."""
    return b"".join((bytes(3), encode_socks(source), payload))


# What servers write when a target cannot be reached, in the words of Go, libc, Rust and Windows; the first match
# counts. Each has a space in it, so that no host name named in the same text can be taken for one.
_REASONS: tuple[tuple[Reply, tuple[str, ...]], ...] = (
    (Reply.NOT_ALLOWED, ("blocked by", "rejected by", "not allowed", "not permitted", "permission denied")),
    (Reply.HOST_UNREACHABLE, ("lookup ", "no such host", "not known", "no route to host", "host is unreachable")),
    (Reply.HOST_UNREACHABLE, ("unreachable host", "name resolution", "getaddrinfo failed")),
    (Reply.CONNECTION_REFUSED, ("connection refused", "actively refused")),
    (Reply.NETWORK_UNREACHABLE, ("network is unreachable", "unreachable network")),
    (Reply.TTL_EXPIRED, ("i/o timeout", "timed out", "deadline exceeded", "not properly respond")),
    (Reply.ADDRESS_TYPE_NOT_SUPPORTED, ("family not supported", "no suitable address")),
)


def reply_for(error_text: str) -> Reply:
    """The SOCKS5 code for a server's SYNACK text, which may be anything at all."""
    text = error_text.lower()
    for reply, phrases in _REASONS:
        if any(phrase in text for phrase in phrases):
            return reply
    return Reply.GENERAL_FAILURE
