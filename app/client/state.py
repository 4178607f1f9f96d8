"""What a person is told of the tunnel, and what leads from one state to the next."""

from enum import Enum
from typing import Final

from app.texts import translate


class State(Enum):
    """What a person is told of the tunnel."""

    OFF = "off"
    CONNECTING = "connecting"
    ON = "on"
    DEGRADED = "degraded"
    """Something failed, but traffic may still pass."""
    FAILED = "failed"


class Sign(Enum):
    """What may change the state."""

    STARTED = "started"
    PROVED = "proved"
    DOUBTED = "doubted"
    """A proof got as far as the server and not to the page: traffic may pass."""
    TROUBLE = "trouble"
    LOST = "lost"
    CRASHED = "crashed"
    STOPPED = "stopped"


_ANYWHERE: Final = {Sign.STARTED: State.CONNECTING, Sign.CRASHED: State.FAILED, Sign.STOPPED: State.OFF}

NEXT: Final[dict[State, dict[Sign, State]]] = {
    State.OFF: {Sign.STARTED: State.CONNECTING},
    State.CONNECTING: {Sign.PROVED: State.ON, Sign.DOUBTED: State.DEGRADED, Sign.LOST: State.FAILED, **_ANYWHERE},
    State.ON: {Sign.TROUBLE: State.DEGRADED, Sign.DOUBTED: State.DEGRADED, **_ANYWHERE},
    State.DEGRADED: {Sign.PROVED: State.ON, Sign.LOST: State.FAILED, **_ANYWHERE},
    State.FAILED: {Sign.PROVED: State.ON, **_ANYWHERE},
}
"""A sign that a state does not know leaves it as it is."""

WITH_FAILURE: Final = (State.DEGRADED, State.FAILED)
"""The states that have a reason to tell."""


def state_word(state: State) -> str:
    """A state in a word."""
    return {
        State.OFF: translate("state", "off"),
        State.CONNECTING: translate("state", "connecting"),
        State.ON: translate("state", "on"),
        State.DEGRADED: translate("state", "degraded"),
        State.FAILED: translate("state", "failed"),
    }[state]
