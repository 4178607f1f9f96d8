"""Where the parts of a row lie, and what they look like."""

from itertools import pairwise

import pytest
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter
from pytestqt.qtbot import QtBot

from app.traffic.rates import format_bytes
from app.ui import theme
from app.ui.widgets.session_delegate import WIDE_FROM, Columns, columns, paint_state
from app.ui.widgets.session_list import SessionList
from tests.ui.widgets.samples import has_color, picture, session


@pytest.fixture
def rows(qtbot: QtBot) -> SessionList:
    made = SessionList()
    qtbot.addWidget(made)
    made.resize(800, 200)
    return made


def spans(at: Columns) -> list[tuple[float, float]]:
    return [at.number, at.state, at.age, at.now, at.down, at.up, at.streams, at.close]


@pytest.mark.parametrize("width", [WIDE_FROM, 800, 1200])
def test_columns_do_not_overlap(qtbot: QtBot, width: int) -> None:
    at = columns(width)
    assert at.wide
    ends = 0.0
    for start, wide in spans(at):
        assert start >= ends
        ends = start + wide
    assert ends <= width


@pytest.mark.parametrize("width", [220, 296, 400, WIDE_FROM - 1])
def test_little_room_makes_two_lines(qtbot: QtBot, width: int) -> None:
    at = columns(width)
    assert not at.wide
    first = [at.number, at.state, at.age, at.down, at.close]
    for (start, wide), (following, _) in pairwise(first):
        assert start + wide <= following or not wide
    assert at.now[0] + at.now[1] <= at.up[0]


def test_every_amount_has_room(qtbot: QtBot) -> None:
    metrics = QFontMetricsF(theme.font("body"))
    at = columns(800)
    for amount in (0, 999, 999_949, 888_800_000, 999.9e9):
        assert metrics.horizontalAdvance(f"↓ {format_bytes(amount)}") <= at.down[1] + 1


def test_two_lines_are_higher_than_one(rows: SessionList) -> None:
    high = rows.row_height()
    rows.resize(300, 200)
    rows.show()
    assert rows.row_height() > high


def test_the_cross_is_at_the_trailing_edge(rows: SessionList) -> None:
    delegate = rows._delegate
    row = QRect(0, 0, rows.viewport().width(), 30)
    cross, mirrored = delegate.close_box(row, mirrored=False), delegate.close_box(row, mirrored=True)
    assert cross.right() > row.right() - 16
    assert mirrored.left() < 16
    assert cross.width() == mirrored.width() >= 16


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("width", [296, 800])
def test_an_idle_bar_runs_toward_the_timeout(rows: SessionList, width: int, mirrored: bool) -> None:
    rows.setLayoutDirection(Qt.LayoutDirection.RightToLeft if mirrored else Qt.LayoutDirection.LeftToRight)
    rows.resize(width, 100)

    def filled(idle: float) -> int:
        rows.show_sessions([session(1, idle=idle)])
        image = picture(rows)
        return sum(
            image.pixelColor(x, y) == theme.color("accent") for x in range(image.width()) for y in range(image.height())
        )

    early, middle, late = filled(3), filled(15), filled(30)
    assert 0 < early < middle < late


def test_a_busy_row_says_where_it_leads_and_has_no_bar(rows: SessionList) -> None:
    rows.show_sessions([session(1, "active", target="")])
    silent = picture(rows)
    rows.show_sessions([session(1, "active", target="example.org:443")])
    assert picture(rows) != silent


def test_masking_changes_what_is_painted(rows: SessionList) -> None:
    rows.show_sessions([session(1, "active")])
    plain = picture(rows)
    rows.hide_names(True)
    assert picture(rows) != plain


def test_a_reused_row_has_an_edge_until_the_next_look(rows: SessionList) -> None:
    rows.show_sessions([session(1, "active", served=3)])
    assert picture(rows).pixelColor(1, 14) != theme.color("accent")
    rows.show_sessions([session(1, "active", served=4)])
    assert picture(rows).pixelColor(1, 14) == theme.color("accent")
    rows.show_sessions([session(1, "active", served=4)])
    assert picture(rows).pixelColor(1, 14) != theme.color("accent")


def test_a_reused_row_is_washed_while_it_flashes(rows: SessionList) -> None:
    rows.show_sessions([session(1, served=3)])
    rows.show_sessions([session(1, served=4)])
    rows._delegate.progress = 0.0
    flash = picture(rows).pixelColor(400, 3)
    rows._delegate.progress = 1.0
    assert flash != picture(rows).pixelColor(400, 3)


def test_a_row_that_comes_is_pale_at_first(rows: SessionList) -> None:
    rows.sessions.show([session(1, "active")])
    rows._delegate.progress = 0.0
    assert not has_color(picture(rows), theme.color("accent"), near=20)
    rows._delegate.progress = 1.0
    assert has_color(picture(rows), theme.color("accent"), near=20)


def test_a_row_that_goes_is_pale_at_last(rows: SessionList) -> None:
    rows.show_sessions([session(1, "active")])
    rows.sessions.show([])
    rows._delegate.progress = 0.0
    assert has_color(picture(rows), theme.color("accent"), near=20)
    rows._delegate.progress = 1.0
    assert not has_color(picture(rows), theme.color("accent"), near=20)


def test_new_fonts_and_words_are_measured_anew(rows: SessionList) -> None:
    before = rows.columns()
    assert rows.columns() is before
    rows.retranslate()
    assert rows.columns() is not before


def test_states_differ_in_shape(qtbot: QtBot) -> None:
    images = []
    for state in ("active", "idle", "warm", "draining", "closed"):
        image = QImage(12, 12, QImage.Format.Format_Grayscale8)
        image.fill(Qt.GlobalColor.white)
        painter = QPainter(image)
        paint_state(painter, state, QRectF(2, 2, 8, 8))
        painter.end()
        images.append(image)
    assert all(one != other for place, one in enumerate(images) for other in images[place + 1 :])
