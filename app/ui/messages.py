"""Which sentence is shown for which failure, how loudly, and with which way out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from app.errors import BadInput, Failure
from app.ui.widgets.stages import breakable

Kind: TypeAlias = Literal["info", "good", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence for the person. `action` is the text of a button and `run` what it does.

    A message takes the place of a shown one with the same `key`.
    """

    text: str
    kind: str = "info"
    action: str = ""
    run: Callable[[], None] | None = None
    key: str = ""


def for_failure(failure: Failure) -> Message:
    """The message for a failure: what the person gave and can give anew is a warning, everything else is bad."""
    kind = "warn" if isinstance(failure, BadInput) else "bad"
    return Message(breakable(str(failure)), kind, key=type(failure).__name__)
