"""The stages in words, and what helps where one failed."""

import pytest

from app.engine.stages import StageResult
from app.errors import (
    AlpnRefused,
    BadInput,
    CertificateExpired,
    CertificateSelfSigned,
    CertificateUnknownIssuer,
    CertificateWrongName,
    ClockWrong,
    ClosedSilently,
    EchFailed,
    EngineCrashed,
    Failure,
    HandshakeClosed,
    ListenFailed,
    NameNotResolved,
    NameRefused,
    NothingListens,
    NotTls,
    PageFailed,
    PasswordMissing,
    PinMismatch,
    StageTimedOut,
    TlsFailed,
)
from app.ui.widgets.stages import ASKED, Stage, breakable, help_for, masked_sentence, stage_text, stages

WITH_PAGE = (*ASKED, "page")


def done(*names: str) -> list[StageResult]:
    return [StageResult(name, True, 10.0) for name in names]


def looks(shown: list[Stage]) -> list[str]:
    return [f"{stage.name} {stage.look}" for stage in shown]


def test_the_first_one_without_a_result_is_under_way() -> None:
    assert looks(stages(done("tcp"), WITH_PAGE, running=True)) == [
        "tcp done",
        "tls running",
        "authentication waiting",
        "page waiting",
    ]


def test_nothing_is_under_way_where_nothing_runs() -> None:
    assert looks(stages([], ASKED, running=False)) == ["tcp waiting", "tls waiting", "authentication waiting"]


def test_nothing_follows_a_failed_stage() -> None:
    results = [*done("tcp"), StageResult("tls", False, 3.0)]
    assert looks(stages(results, ASKED, running=True)) == ["tcp done", "tls failed", "authentication waiting"]


def test_a_name_is_told_only_where_it_does_not_resolve() -> None:
    assert looks(stages(done("dns", "tcp"), ASKED, running=True))[0] == "tcp done"
    failed = [StageResult("dns", False, 3.0)]
    assert looks(stages(failed, ASKED, running=True))[:2] == ["dns failed", "tcp waiting"]


def test_a_stage_in_words() -> None:
    assert stage_text(Stage("page", "done", 41.0)) == "web page: works, 41 ms"
    assert stage_text(Stage("tcp", "failed")) == "TCP: failed"
    assert stage_text(Stage("tls", "running")) == "TLS: under way"
    assert stage_text(Stage("authentication", "waiting")) == "password: not yet"


@pytest.mark.parametrize(
    ("failure", "what"),
    [
        (NothingListens("a.example", 443), "retry"),
        (StageTimedOut("a.example", 443, "tcp", 5.0), "retry"),
        (EngineCrashed("x"), "retry"),
        (PageFailed("http://a.example/", "x"), "retry"),
        (NameNotResolved("a.example", 443), "edit"),
        (ClosedSilently("a.example", 443), "edit"),
        (StageTimedOut("a.example", 443, "authentication", 5.0), "edit"),
        (CertificateExpired("a.example", 443, "x"), "edit"),
        (CertificateExpired("a.example", 443, "x", certificate=b"x"), "certificate"),
        (PinMismatch("a.example", 443, "x", pinned="y", certificate=b"x"), "certificate"),
        (ClockWrong("a.example", 443, "3 days", certificate=b"x"), "retry"),
        (HandshakeClosed("a.example", 443, "it works without a fingerprint"), "edit"),
        (AlpnRefused("a.example", 443, "h2"), "edit"),
        (EchFailed("a.example", 443, "x"), "edit"),
        (NotTls("a.example", 443, "x"), "logs"),
        (PasswordMissing("Berlin"), "edit"),
        (BadInput("x"), "edit"),
        (TlsFailed("a.example", 443, "x"), "logs"),
        (ListenFailed("127.0.0.1", 1080, "x"), "settings"),
        (Failure(), "retry"),
    ],
)
def test_each_failure_has_one_thing_that_helps(failure: Failure, what: str) -> None:
    assert help_for(failure) == what


def test_a_masked_sentence_keeps_its_sense() -> None:
    assert masked_sentence(NothingListens("a.example", 443)) == "Nothing listens on ••• port 443."
    assert "b.example" not in masked_sentence(PageFailed("http://b.example/x", "refused"))


@pytest.mark.parametrize(
    "failure",
    [
        CertificateWrongName("a.example", 443, "b.example, c.example"),
        CertificateSelfSigned("a.example", 443, "b.example"),
        CertificateUnknownIssuer("a.example", 443, "b.example"),
        NameRefused("a.example", 443, "b.example"),
    ],
)
def test_names_that_are_the_reason_are_masked_too(failure: Failure) -> None:
    assert "example" not in masked_sentence(failure)


def test_a_reason_without_names_stays() -> None:
    assert "3 days" in masked_sentence(ClockWrong("a.example", 443, "3 days"))


def test_long_digits_may_be_broken() -> None:
    digits = bytes(32).hex()
    sentence = breakable(f"Pinned: {digits}; shown: {digits[:40]}.")
    assert sentence.replace("\u200b", "") == f"Pinned: {digits}; shown: {digits[:40]}."
    assert sentence.count("\u200b") == 7
