import asyncio

import pytest

from app.engine.stages import STAGES, StageResult, timed, unheard
from app.errors import NothingListens, PageFailed, StageTimedOut


def test_a_stage_that_works_is_told_with_its_time() -> None:
    told: list[StageResult] = []
    with timed("tcp", told.append):
        assert not told
    (stage,) = told
    assert (stage.name, stage.ok, stage.error) == ("tcp", True, None)
    assert stage.ms >= 0


def test_a_stage_that_fails_is_told_with_its_reason() -> None:
    told: list[StageResult] = []
    failure = NothingListens("example.com", 443)
    with pytest.raises(NothingListens), timed("tcp", told.append):
        raise failure
    assert [(stage.name, stage.ok, stage.error) for stage in told] == [("tcp", False, failure)]


@pytest.mark.parametrize("error", [asyncio.CancelledError, LookupError])
def test_a_stage_that_is_broken_off_says_nothing(error: type[BaseException]) -> None:
    told: list[StageResult] = []
    with pytest.raises(error), timed("tcp", told.append):
        raise error
    assert not told


def test_nobody_has_to_listen() -> None:
    with timed("tcp", unheard):
        pass


def test_failures_name_the_stages() -> None:
    assert PageFailed("http://page.example/", "").stage in STAGES
    assert StageTimedOut("example.com", 443, "dns", 1.0).stage in STAGES
    assert NothingListens.stage in STAGES
