"""What a TLS server's first bytes say before anything is encrypted: an alert, a ServerHello, or that it is no TLS."""

import struct
from dataclasses import dataclass
from typing import Final

_RECORD: Final = struct.Struct(">BBBH")
_ALERT: Final = 21
_HANDSHAKE: Final = 22
_SERVER_HELLO: Final = 2
_SUPPORTED_VERSIONS: Final = 43
_TYPES: Final = range(20, 25)  # change_cipher_spec … heartbeat

MAX_OPENING: Final = 512
"""As much of a server's first bytes is needed to tell."""

# RFC 8446 §6, and what older servers still send.
ALERTS: Final = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    22: "record_overflow",
    40: "handshake_failure",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
    121: "ech_required",
}


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of a server by its first bytes."""

    speaks_tls: bool | None
    """None where nothing came yet."""
    alert: str | None = None
    """The name of the alert that it began with; its number where it has no name."""
    version: str | None = None
    """"1.2" or "1.3", where it has chosen one; older ones as they are written."""


def read(data: bytes) -> Opening:
    """What `data`, the first bytes that came, say."""
    if not data:
        return Opening(None)
    if data[0] not in _TYPES or data[1:2] not in (b"", b"\x03"):
        return Opening(False)
    if len(data) < _RECORD.size:
        return Opening(True)
    body = data[_RECORD.size :]
    if data[0] == _ALERT and len(body) >= 2:
        return Opening(True, alert=ALERTS.get(body[1], str(body[1])))
    if data[0] == _HANDSHAKE and body[:1] == bytes((_SERVER_HELLO,)):
        return Opening(True, version=_version(body))
    return Opening(True)


def _version(hello: bytes) -> str | None:
    """The version that a ServerHello (RFC 8446 §4.1.3) chooses."""
    try:
        at = 4 + 2 + 32
        at += 1 + hello[at] + 3  # session id, cipher suite, compression
        chosen: tuple[int, int] = hello[4], hello[5]
        end = at + 2 + int.from_bytes(hello[at : at + 2], "big")
        at += 2
        while at < end:
            number, length = struct.unpack_from(">HH", hello, at)
            if number == _SUPPORTED_VERSIONS:
                chosen = hello[at + 4], hello[at + 5]
            at += 4 + length
    except (IndexError, struct.error):
        return None
    return f"1.{chosen[1] - 1}" if chosen[0] == 3 and chosen[1] else f"{chosen[0]}.{chosen[1]}"
