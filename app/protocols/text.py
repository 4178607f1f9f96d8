"""Text that a peer wrote, made safe to show and to log; and what is wrong with what a peer or a person wrote."""

import unicodedata

MAX_SHOWN = 200  # characters; the longest error text seen from any server is under a hundred

_UNSHOWABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, bidi and invisible characters; line ends


class Flaw(ValueError):
    """What makes something unusable: half a sentence with places for `values`, so that it can be translated."""

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text.format(**values))
        self.text = text
        self.values = values


def printable(text: str | bytes, limit: int = MAX_SHOWN) -> str:
    """At most `limit` characters of `text`, everything that could forge a line or steer a terminal made a space."""
    if isinstance(text, bytes):
        text = text[: 4 * (limit + 1)].decode(errors="replace")
    shown = "".join(" " if unicodedata.category(char) in _UNSHOWABLE else char for char in text[: limit + 1])
    return shown.strip() if len(shown) <= limit else shown[:limit].strip() + "…"
