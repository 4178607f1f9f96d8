"""The seven-byte AnyTLS header, and back: `command u8 | stream id u32be | payload length u16be` (PROTOCOL.md §1.2)."""

import struct
from typing import Final

HEADER: Final = struct.Struct(">BIH")
HEADER_SIZE: Final = HEADER.size
MAX_PAYLOAD: Final = 0xFFFF

WASTE: Final = 0
SYN: Final = 1
PSH: Final = 2
FIN: Final = 3
SETTINGS: Final = 4
ALERT: Final = 5
UPDATE_PADDING_SCHEME: Final = 6
SYNACK: Final = 7
HEART_REQUEST: Final = 8
HEART_RESPONSE: Final = 9
SERVER_SETTINGS: Final = 10

# Our own: "I shall send no more on this stream, but still listen". Sent only to a peer that named `half-close` in its
# settings; the number lies far from those that the specification counts up.
END: Final = 200

NAMES: Final = {
    WASTE: "waste",
    SYN: "syn",
    PSH: "psh",
    FIN: "fin",
    SETTINGS: "settings",
    ALERT: "alert",
    UPDATE_PADDING_SCHEME: "update-padding-scheme",
    SYNACK: "synack",
    HEART_REQUEST: "heart-request",
    HEART_RESPONSE: "heart-response",
    SERVER_SETTINGS: "server-settings",
    END: "end",
}


def pack(command: int, stream_id: int = 0, payload: bytes = b"") -> bytes:
    """One whole frame. Raises `struct.error` where the payload is longer than `MAX_PAYLOAD`."""
    return HEADER.pack(command, stream_id, len(payload)) + payload


def is_http2(command: int, stream_id: int, length: int) -> bool:
    """Whether a first header is the beginning of what an HTTP/2 server says first (RFC 9113 §3.4).

    Its SETTINGS look like padding of no length on an odd stream: three bytes of length, a multiple of six, then type 4
    and zeros. Chrome's hello asks for HTTP/2, so whoever answers in an AnyTLS server's place speaks it.
    """
    return command == WASTE and length == 0 and stream_id & 0xFF00FFFF == 0x0400 and (stream_id >> 16) % 6 == 0
