"""What a session's machine reports: everything but payload, which goes straight to its sink."""

from dataclasses import dataclass

from app.protocols.padding import Scheme


@dataclass(frozen=True, slots=True)
class Opened:
    """Server: the client opened a stream; `attach` a sink or `fin` it before the next event."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class SettingsReceived:
    """Server: what the client says of itself."""

    client_name: str


@dataclass(frozen=True, slots=True)
class ServerSettingsReceived:
    """Client: the server speaks version 2 or later; `version` and `half_close` are set."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Client: the server reached the stream's target."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Client: the server could not reach the target; the stream is closed."""

    stream_id: int
    message: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The peer will send no more on this stream, but listens."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The stream is closed in both directions."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class SchemePushed:
    """Client: the server's padding scheme is in force from now on."""

    scheme: Scheme


@dataclass(frozen=True, slots=True)
class SchemeRejected:
    """Client: the server pushed a scheme that breaks the budget; the old one stays."""

    reason: str


@dataclass(frozen=True, slots=True)
class HeartResponded:
    """The peer answered `heartbeat`."""


@dataclass(frozen=True, slots=True)
class Alerted:
    """The peer ends the session and says why."""

    message: str


Event = (
    Opened | SettingsReceived | ServerSettingsReceived | Accepted | Refused | Ended | Closed
    | SchemePushed | SchemeRejected | HeartResponded | Alerted
)  # fmt: skip
