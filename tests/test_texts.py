"""Texts pass through the translator that was handed in, or stay as they are."""

from collections.abc import Iterator

import pytest

from app import texts


@pytest.fixture(autouse=True)
def no_translator() -> Iterator[None]:
    yield
    texts.use(None)


def test_without_a_translator_the_source_text_is_shown() -> None:
    assert texts.translate("status", "Connected") == "Connected"


def test_a_translator_gets_context_and_source_text() -> None:
    texts.use(lambda context, text: {("status", "Connected"): "Verbunden"}.get((context, text), text))
    assert texts.translate("status", "Connected") == "Verbunden"
    assert texts.translate("other", "Connected") == "Connected"


def test_the_source_text_comes_back_when_the_translator_goes() -> None:
    texts.use(lambda _context, _text: "?")
    texts.use(None)
    assert texts.translate("status", "Connected") == "Connected"


def test_marking_a_text_does_not_translate_it() -> None:
    texts.use(lambda _context, _text: "?")
    assert texts.QT_TRANSLATE_NOOP("status", "Connected") == "Connected"
