"""The pool in its card: figures, graph, rows, and the buttons that close."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.widgets.session_card import SessionCard
from tests.ui.widgets.samples import CIPHER, SERVER, counts, session, snapshot


@pytest.fixture
def card(qtbot: QtBot) -> SessionCard:
    made = SessionCard()
    qtbot.addWidget(made)
    made.resize(800, 400)
    made.show()
    return made


def test_it_shows_figures_graph_and_rows(card: SessionCard) -> None:
    card.show_pool(snapshot(session(1, "active"), session(2)), counts((1, 1, 0)))
    assert card.figures.text() == "2 open · 1 busy · reuse 31×"
    assert "310" in card.figures.toolTip()
    assert len(card.graph.counts) == 1
    assert card.list.sessions.rowCount() == 2
    assert card.list.isVisible()
    assert card.header.isVisible()


def test_while_it_is_off_there_is_nothing_but_a_calm_line(card: SessionCard) -> None:
    card.show_pool(snapshot(session(1)), counts((0, 1, 0)))
    card.show_pool(None, [])
    assert card.figures.text() == ""
    assert card.figures.toolTip() == ""
    assert not card.list.isVisible()
    assert not card.header.isVisible()
    assert not card.close_idle.isEnabled()


def test_idle_ones_are_closed_by_a_button_where_there_are_any(card: SessionCard, qtbot: QtBot) -> None:
    asked: list[bool] = []
    card.close_idle_asked.connect(lambda: asked.append(True))
    card.show_pool(snapshot(session(1, "active")), [])
    assert not card.close_idle.isEnabled()
    card.show_pool(snapshot(session(1, "active"), session(2, "warm")), [])
    qtbot.mouseClick(card.close_idle, Qt.MouseButton.LeftButton)
    assert asked == [True]


def test_one_is_closed_from_its_row(card: SessionCard, qtbot: QtBot) -> None:
    asked: list[int] = []
    card.close_asked.connect(asked.append)
    card.show_pool(snapshot(session(1), session(2)), [])
    card.list.setCurrentIndex(card.list.sessions.index(0))
    qtbot.keyClick(card.list, Qt.Key.Key_Delete)
    assert asked == [2]


def test_the_chosen_session_is_described(card: SessionCard) -> None:
    card.show_pool(snapshot(session(1), session(2)), [])
    assert card.details.isHidden()
    card.list.setCurrentIndex(card.list.sessions.index(1))
    assert card.details.text().startswith("Session: #1")
    assert CIPHER in card.details.text()
    card.show_pool(None, [])
    assert card.details.isHidden()


def test_masking_reaches_every_part(card: SessionCard) -> None:
    card.show_pool(snapshot(session(1, "active")), [])
    card.list.setCurrentIndex(card.list.sessions.index(0))
    assert SERVER in card.details.text()
    card.hide_names(True)
    assert SERVER not in card.details.text()
    assert "example.org" not in card.list.sessions.data(card.list.sessions.index(0))


def test_it_needs_less_height_without_rows(card: SessionCard) -> None:
    card.show_pool(None, [])
    assert card.sizePolicy().verticalPolicy() == card.sizePolicy().Policy.Maximum
    card.show_pool(snapshot(session(1)), [])
    assert card.sizePolicy().verticalPolicy() == card.sizePolicy().Policy.Expanding


def test_little_room_moves_the_figures_below(card: SessionCard) -> None:
    card.show_pool(snapshot(session(1, "active"), session(2)), counts((1, 1, 0)))
    assert card.figures_below.isHidden()
    card.resize(280, 400)
    QApplication.processEvents()
    assert card.figures.text() == ""
    assert card.figures_below.text() == "2 open · 1 busy · reuse 31×"
    assert card.header.isHidden()
    card.show_pool(None, [])
    assert card.figures_below.isHidden()


def test_words_follow_the_language(card: SessionCard) -> None:
    card.close_idle.setText("")
    QApplication.sendEvent(card, QEvent(QEvent.Type.LanguageChange))
    assert card.close_idle.text() == "Close idle"
