from dataclasses import FrozenInstanceError, is_dataclass
from typing import get_args

import pytest

from app.protocols.events import Accepted, Alerted, Event, HeartResponded, Refused


@pytest.mark.parametrize("kind", get_args(Event))
def test_an_event_is_a_value_without_a_dictionary_of_its_own(kind: type) -> None:
    assert is_dataclass(kind)
    assert "__dict__" not in dir(kind)


def test_events_are_compared_by_kind_and_fields() -> None:
    assert HeartResponded() == HeartResponded()
    assert Refused(1, "no") == Refused(1, "no") != Refused(2, "no")
    assert {Accepted(1), Accepted(1), Accepted(2)} == {Accepted(2), Accepted(1)}


def test_events_cannot_be_changed() -> None:
    event = Alerted("bye")
    with pytest.raises(FrozenInstanceError):
        event.message = "hello"  # type: ignore[misc]  # the point of the test
