"""Every failure is one plain sentence, with an exit code."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from app import errors, texts
from app.errors import BadFile, BadInput, BadLink, DialFailed, Failure, StageTimedOut, TlsFailed

SAMPLES: dict[str, Any] = {"message": "Nothing was done.", "port": 443, "seconds": 10.0}
STAGES = {"dns", "tcp", "tls", "authentication", "stream"}

ALL = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Failure)]
every_failure = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)


def sample(kind: type[Failure]) -> Failure:
    return kind(**{field.name: SAMPLES.get(field.name, f"<{field.name}>") for field in fields(kind)})


@pytest.fixture
def shouting() -> Iterator[None]:
    texts.use(lambda context, text: f"{context}: {text.upper()}".replace("{REASON}", "{reason}"))
    yield
    texts.use(None)


@every_failure
def test_it_reads_as_one_sentence_that_fills_all_its_places(kind: type[Failure]) -> None:
    text = str(sample(kind))
    assert re.fullmatch(r"[A-Z<][^\n{}]*[.?]", text)
    for field in fields(kind):
        if f"{{{field.name}" in kind.text:
            assert str(SAMPLES.get(field.name, f"<{field.name}>")).removesuffix(".0") in text


@every_failure
def test_its_text_names_only_its_fields(kind: type[Failure]) -> None:
    assert set(re.findall(r"\{(\w+)", kind.text)) <= {field.name for field in fields(kind)}


@every_failure
def test_it_can_be_raised_and_caught_as_a_failure(kind: type[Failure]) -> None:
    error = sample(kind)
    with pytest.raises(Failure) as caught:
        raise error
    assert caught.value is error


@every_failure
def test_only_bad_input_is_wrong_use(kind: type[Failure]) -> None:
    assert kind.exit_code == (2 if issubclass(kind, BadInput) else 1)


@every_failure
def test_a_dial_ends_at_a_known_stage(kind: type[Failure]) -> None:
    if issubclass(kind, DialFailed) and kind is not StageTimedOut:
        assert kind.stage in STAGES
    if issubclass(kind, TlsFailed):
        assert kind.stage == "tls"


def test_a_time_out_knows_its_stage() -> None:
    error = StageTimedOut("example.com", 443, "authentication", 10.0)
    assert error.stage == "authentication"
    assert str(error) == "example.com port 443 did not answer within 10 s at the stage “password”."


@every_failure
def test_the_tree_on_top_of_the_module_is_complete(kind: type[Failure]) -> None:
    assert re.search(rf"\b{kind.__name__}\b", inspect.getdoc(errors) or "")


def test_what_a_peer_wrote_is_never_taken_for_a_place() -> None:
    assert str(BadLink("{path} {0}")) == "This link cannot be used: {path} {0}."


def test_a_file_is_named() -> None:
    assert str(BadFile("it is a folder", "/etc")) == "The file /etc cannot be used: it is a folder."


def test_it_is_translated_when_it_is_shown(shouting: None) -> None:
    error = BadLink("empty")
    assert str(error) == "errors: THIS LINK CANNOT BE USED: empty."
    texts.use(None)
    assert str(error) == "This link cannot be used: empty."
