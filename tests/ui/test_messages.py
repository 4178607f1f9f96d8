"""What the person gave is a warning, what went wrong is bad; the sentence is the failure's own."""

from dataclasses import FrozenInstanceError

import pytest

from app.errors import BadInput, BadLink, NoProfile, NothingListens, PinMismatch
from app.ui.messages import Message, for_failure


def test_the_sentence_is_the_failures() -> None:
    message = for_failure(NothingListens("berlin.example.org", 443))
    assert message.text == "Nothing listens on berlin.example.org port 443."
    assert message.kind == "bad"
    assert not message.action


def test_long_digits_may_be_broken() -> None:
    digits = bytes(32).hex()
    message = for_failure(PinMismatch("berlin.example.org", 443, digits, pinned=digits))
    assert digits not in message.text
    assert message.text.replace("\u200b", "") == str(PinMismatch("berlin.example.org", 443, digits, pinned=digits))


@pytest.mark.parametrize("failure", [BadInput("it is empty"), BadLink("the port is missing")])
def test_what_was_given_can_be_given_anew(failure: BadInput) -> None:
    assert for_failure(failure).kind == "warn"


def test_one_failure_takes_the_place_of_another_of_its_kind() -> None:
    first, second = for_failure(NothingListens("a.example", 1)), for_failure(NothingListens("b.example", 2))
    assert first.key == second.key != for_failure(NoProfile()).key


def test_a_message_never_changes() -> None:
    message = Message("Done.", "good")
    assert (message.action, message.run, message.key) == ("", None, "")
    with pytest.raises(FrozenInstanceError):
        message.text = "Other."  # type: ignore[misc]  # what this test is about
