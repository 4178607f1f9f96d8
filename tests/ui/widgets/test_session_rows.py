"""What becomes of the rows from look to look, and what they say."""

import pytest

from app.ui.widgets.session_rows import (
    Row,
    details,
    headings,
    idle_text,
    masked_target,
    next_rows,
    pool_text,
    rest_text,
    reuse_ratio,
    reuse_text,
    settled,
    spoken,
    state_word,
    target_text,
    tls_name,
)
from tests.ui.widgets.samples import CIPHER, PADDING, SERVER, session, snapshot


def numbers(rows: list[Row]) -> list[int]:
    return [row.info.number for row in rows]


def test_the_newest_session_comes_first() -> None:
    assert numbers(next_rows([], [session(3), session(9), session(5)])) == [9, 5, 3]


def test_what_is_new_comes_and_what_ended_goes() -> None:
    first = settled(next_rows([], [session(1), session(2)]))
    after = next_rows(first, [session(2), session(3)])
    assert [(row.info.number, row.coming, row.going) for row in after] == [
        (3, True, False),
        (2, False, False),
        (1, False, True),
    ]
    assert [(row.info.number, row.coming, row.going) for row in settled(after)] == [
        (3, False, False),
        (2, False, False),
    ]


def test_what_went_is_not_taken_up_again() -> None:
    gone = next_rows(settled(next_rows([], [session(1)])), [])
    assert gone[0].going
    assert next_rows(gone, []) == []


def test_a_session_that_got_more_work_is_reused() -> None:
    before = settled(next_rows([], [session(1, served=3), session(2, served=0), session(3, served=4)]))
    after = next_rows(before, [session(1, served=5), session(2, served=1), session(3, served=4)])
    assert {row.info.number: row.reused for row in after} == {1: True, 2: False, 3: False}
    assert not any(row.reused for row in next_rows(after, [row.info for row in after]))


@pytest.mark.parametrize(
    ("state", "idle", "timeout", "share"),
    [
        ("idle", 12.0, 30.0, 0.4),
        ("warm", 0.0, 30.0, 0.0),
        ("idle", 45.0, 30.0, 1.0),
        ("idle", 1.0, 0.0, 1.0),
        ("active", 0.0, 30.0, None),
        ("draining", 0.0, 30.0, None),
    ],
)
def test_how_far_a_session_has_run_toward_its_end(state: str, idle: float, timeout: float, share: float | None) -> None:
    resting = Row(session(1, state, idle=idle, idle_timeout=timeout)).resting
    assert resting == (None if share is None else pytest.approx(share))


def test_states_in_a_word() -> None:
    words = [state_word(state) for state in ("active", "idle", "warm", "draining", "closed", "new")]
    assert words == ["busy", "idle", "ready", "draining", "closed", "new"]


def test_a_busy_session_says_where_it_leads() -> None:
    assert target_text(session(1, "active"), masked=False) == "example.org:443"
    assert target_text(session(1, "active", open_streams=3), masked=False) == "example.org:443 and 2 more"


def test_masking_leaves_the_port() -> None:
    assert target_text(session(1, "active"), masked=True) == "•••:443"
    assert target_text(session(1, "active", target=""), masked=True) == ""
    assert masked_target("no port here") == "•••"
    assert masked_target("[2001:db8::1]:443") == "•••:443"


def test_an_idle_session_says_how_long() -> None:
    assert idle_text(session(1)) == "12 s of 30 s"


def test_one_that_rests_longer_than_its_time_is_kept() -> None:
    assert idle_text(session(1, idle=38.0, idle_timeout=30.0)) == "38 s, kept open"


def test_a_row_in_words() -> None:
    text = spoken(Row(session(41)), masked=False)
    assert text == "Session 41, idle, 12 s of 30 s, age 1 min 15 s, down 18.0 MB, up 1.3 MB, streams 5"
    assert "example.org:443" in spoken(Row(session(7, "active")), masked=False)
    assert "example.org" not in spoken(Row(session(7, "active")), masked=True)


def test_details_have_all_that_a_row_leaves_out() -> None:
    text = details(session(41), masked=False)
    for part in ("#41", SERVER, "41 ms", "TLS 1.3", CIPHER, PADDING, "1 min 15 s"):
        assert part in text
    assert SERVER not in details(session(41), masked=True)
    assert tls_name("TLSv1.2") == "TLS 1.2"


def test_the_pool_in_a_line() -> None:
    assert pool_text(None) == ""
    shown = snapshot(session(1, "active"), session(2), session(3, "draining"))
    assert pool_text(shown) == "3 open · 2 busy · reuse 31×"
    assert pool_text(snapshot(made=0, reused=0)) == "0 open · 0 busy"
    assert "2 connecting" in pool_text(snapshot(warming=2))


@pytest.mark.parametrize(
    ("made", "reused", "text"), [(10, 4, "0.4"), (10, 99, "9.9"), (1000, 9_960, "10"), (10, 310, "31"), (0, 0, "0.0")]
)
def test_reuse_is_streams_for_each_session_made(made: int, reused: int, text: str) -> None:
    assert reuse_ratio(snapshot(made=made, reused=reused)) == text


def test_the_ratio_is_explained() -> None:
    assert reuse_text(snapshot()) == "Sessions made: 10. Streams that found one in use before: 310."


def test_every_column_has_a_heading() -> None:
    assert list(headings()) == ["number", "state", "age", "now", "down", "up", "streams"]
    assert all(headings().values())


def test_how_long_it_has_rested() -> None:
    assert rest_text(12.0, 30.0) == idle_text(session(1, idle=12.0, idle_timeout=30.0)) == "12 s of 30 s"
    assert rest_text(31.0, 30.0) != rest_text(29.0, 30.0)
