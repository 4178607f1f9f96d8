import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.text import MAX_SHOWN, Flaw, printable

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("dial tcp 127.0.0.1:9: connect: connection refused", "dial tcp 127.0.0.1:9: connect: connection refused"),
        ("连接被拒绝 🚫", "连接被拒绝 🚫"),
        ("a\nb\r\nc\x00d\x7fe", "a b  c d e"),
        ("a\x1b[31mred", "a [31mred"),
        ("moc.\u202eelgoog", "moc. elgoog"),  # right-to-left override
        ("a\u200bb\ufeffc\u2028d\u2029e\u0085f", "a b c d e f"),
        ("lone \ud800 surrogate, private \ue000, unassigned \U000e0080", "lone   surrogate, private  , unassigned"),
        ("  \n", ""),
        (b"bytes \xff\xfe", "bytes \ufffd\ufffd"),
    ],
)
def test_what_could_forge_a_line_or_steer_a_terminal_is_a_space(text: str | bytes, shown: str) -> None:
    assert printable(text) == shown


def test_long_text_is_cut_and_says_so() -> None:
    assert printable("x" * MAX_SHOWN) == "x" * MAX_SHOWN
    assert printable("x" * (MAX_SHOWN + 1)) == "x" * MAX_SHOWN + "…"
    assert printable(b"x" * 65535) == "x" * MAX_SHOWN + "…"
    assert printable("abc def", limit=4) == "abc…"


@given(TEXTS, st.integers(0, 20))
def test_bytes_are_shown_as_their_text_is(text: str, limit: int) -> None:
    assert printable(text.encode(), limit) == printable(text, limit)


@given(st.text(max_size=300) | st.binary(max_size=900))
def test_nothing_unshowable_and_nothing_long_is_left(text: str | bytes) -> None:
    shown = printable(text)
    assert len(shown) <= MAX_SHOWN + len("…")
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def test_a_flaw_reads_as_a_sentence_and_keeps_what_it_is_made_of() -> None:
    flaw = Flaw("it is longer than {limit} bytes", limit=10)
    assert str(flaw) == "it is longer than 10 bytes"
    assert flaw.text.format(**flaw.values) == str(flaw)
