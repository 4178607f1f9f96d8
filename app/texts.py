"""The one way a visible sentence reaches a person: through `translate`, so that every language can have it.

Nothing here knows Qt. The window hands in Qt's translator with `use`; without one the English source text is shown.
The names `translate` and `QT_TRANSLATE_NOOP` are those that lupdate looks for when it collects the texts.
"""

from collections.abc import Callable

_translator: Callable[[str, str], str] | None = None


def use(translator: Callable[[str, str], str] | None) -> None:
    """Show texts through `translator(context, source_text)` from now on; None shows the source text."""
    global _translator
    _translator = translator


def translate(context: str, text: str) -> str:
    """The text in the person's language."""
    return text if _translator is None else _translator(context, text)


def QT_TRANSLATE_NOOP(_context: str, text: str) -> str:  # noqa: N802 (the name lupdate looks for)
    """Mark a text for collection that is translated where it is shown."""
    return text
