"""The list of sessions: closing by pointer and by key, fading, and staying calm while nobody looks."""

import pytest
from PySide6.QtCore import QAbstractAnimation, QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.ui import theme
from app.ui.widgets.session_list import SessionHeader, SessionList
from tests.fakes.waiting import until
from tests.ui.widgets.samples import has_color, picture, point_to, session


@pytest.fixture
def rows(qtbot: QtBot) -> SessionList:
    made = SessionList()
    qtbot.addWidget(made)
    made.resize(800, 300)
    made.show()
    return made


@pytest.fixture
def moving(rows: SessionList, monkeypatch: pytest.MonkeyPatch) -> SessionList:
    """On a desktop that likes motion."""
    monkeypatch.setattr(theme, "reduced_motion", lambda: False)
    return rows


class PaintedPart(QObject):
    """Which part of a widget was painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.part = QRect()
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        if isinstance(event, QPaintEvent):
            self.part = self.part.united(event.rect())
        return False


def closed(rows: SessionList) -> list[int]:
    asked: list[int] = []
    rows.close_asked.connect(asked.append)
    return asked


def cross_of(rows: SessionList, row: int) -> QPoint:
    box = rows._delegate.close_box(rows.visualRect(rows.sessions.index(row)), mirrored=False)
    return box.center()


def numbers(rows: SessionList) -> list[int]:
    return [row.info.number for row in rows.sessions.rows]


def test_a_click_on_the_cross_closes_one_and_selects_none(rows: SessionList, qtbot: QtBot) -> None:
    rows.show_sessions([session(1), session(2)])
    asked = closed(rows)
    qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=cross_of(rows, 1))
    assert asked == [1]
    assert rows.chosen() == []


def test_a_click_elsewhere_selects(rows: SessionList, qtbot: QtBot) -> None:
    rows.show_sessions([session(1), session(2)])
    asked = closed(rows)
    qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(200, 10))
    qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(200, 290))
    assert asked == []


def test_delete_closes_what_is_selected(rows: SessionList, qtbot: QtBot) -> None:
    rows.show_sessions([session(1), session(2), session(3)])
    asked = closed(rows)
    qtbot.keyClick(rows, Qt.Key.Key_Delete)
    assert asked == []
    rows.selectAll()
    qtbot.keyClick(rows, Qt.Key.Key_Delete)
    assert sorted(asked) == [1, 2, 3]


def test_the_keys_go_from_row_to_row(rows: SessionList, qtbot: QtBot) -> None:
    rows.show_sessions([session(1), session(2), session(3)])
    for _ in range(2):
        qtbot.keyClick(rows, Qt.Key.Key_Down)
    assert rows.currentIndex().row() >= 1
    assert len(rows.chosen()) == 1


def test_the_cross_shows_where_the_pointer_is(rows: SessionList, qtbot: QtBot) -> None:
    rows.show_sessions([session(1), session(2)])
    point_to(rows.viewport(), cross_of(rows, 1))
    assert rows._delegate.hovered == 1
    assert rows.viewport().cursor().shape() == Qt.CursorShape.PointingHandCursor
    point_to(rows.viewport(), QPoint(100, 10))
    assert rows._delegate.hovered == 0
    assert rows.viewport().cursor().shape() == Qt.CursorShape.ArrowCursor
    QApplication.sendEvent(rows, QEvent(QEvent.Type.Leave))
    assert rows._delegate.hovered == -1


def test_selection_survives_the_next_look(rows: SessionList) -> None:
    rows.show_sessions([session(1), session(2)])
    rows.setCurrentIndex(rows.sessions.index(1))
    rows.show_sessions([session(1), session(2), session(3)])
    assert rows.chosen() == [1]


def test_without_motion_rows_come_and_go_at_once(rows: SessionList) -> None:
    rows.show_sessions([session(1), session(2)])
    rows.show_sessions([session(2)])
    assert numbers(rows) == [2]
    assert rows._motion.state() == QAbstractAnimation.State.Stopped


async def test_rows_fade_and_are_gone_then(moving: SessionList) -> None:
    moving.show_sessions([session(1), session(2)])
    await until(lambda: moving._motion.state() == QAbstractAnimation.State.Stopped)
    moving.show_sessions([session(2)])
    assert numbers(moving) == [2, 1]
    assert moving._motion.state() == QAbstractAnimation.State.Running
    await until(lambda: numbers(moving) == [2])
    assert moving._motion.state() == QAbstractAnimation.State.Stopped


def test_only_rows_that_change_are_painted_while_they_fade(moving: SessionList) -> None:
    moving.show_sessions([session(1), session(2)])
    moving._motion.stop()
    moving.show_sessions([session(1), session(2, served=9)])
    moving._motion.stop()
    for _ in range(5):
        QApplication.processEvents()
    painted = PaintedPart(moving.viewport())
    moving._moved(0.5)
    QApplication.processEvents()
    assert painted.part == moving.visualRect(moving.sessions.index(0))


def test_nothing_moves_where_nothing_changed(moving: SessionList) -> None:
    moving.show_sessions([session(1)])
    moving._motion.stop()
    moving.show_sessions([session(1, age=80.0)])
    assert moving._motion.state() == QAbstractAnimation.State.Stopped


def test_hiding_ends_every_fade(moving: SessionList) -> None:
    moving.show_sessions([session(1), session(2)])
    moving.show_sessions([session(2)])
    moving.hide()
    assert moving._motion.state() == QAbstractAnimation.State.Stopped
    assert numbers(moving) == [2]
    moving.show_sessions([session(5)])
    assert moving._motion.state() == QAbstractAnimation.State.Stopped


def test_a_row_that_goes_cannot_be_closed(moving: SessionList, qtbot: QtBot) -> None:
    moving.show_sessions([session(1)])
    moving.show_sessions([])
    asked = closed(moving)
    moving.selectAll()
    qtbot.mouseClick(moving.viewport(), Qt.MouseButton.LeftButton, pos=cross_of(moving, 0))
    qtbot.keyClick(moving, Qt.Key.Key_Delete)
    assert asked == []


def test_a_narrow_list_has_higher_rows(rows: SessionList) -> None:
    rows.show_sessions([session(1)])
    high = rows.visualRect(rows.sessions.index(0)).height()
    rows.resize(300, 300)
    rows.doItemsLayout()
    assert rows.visualRect(rows.sessions.index(0)).height() > high
    assert rows.minimumSizeHint().height() < rows.sizeHint().height()


def test_sixty_four_sessions_are_shown(rows: SessionList) -> None:
    rows.show_sessions([session(number, "active" if number % 2 else "idle") for number in range(1, 65)])
    assert rows.sessions.rowCount() == 64
    assert has_color(picture(rows), theme.color("accent"))


def test_the_header_names_the_columns(rows: SessionList) -> None:
    header = SessionHeader(rows)
    image = picture(header, 800, header.sizeHint().height())
    assert has_color(image, theme.color("faint"), near=60)
    rows.resize(300, 300)
    assert not has_color(picture(header, 300, 20), theme.color("faint"), near=60)


@pytest.mark.parametrize("width", [300, 800])
def test_it_is_mirrored_for_other_scripts(rows: SessionList, width: int) -> None:
    rows.resize(width, 300)
    rows.show_sessions([session(1, "active")])
    plain = picture(rows)
    rows.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert picture(rows) != plain
