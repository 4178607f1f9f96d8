"""The traffic graph in its card: which stretch, which figures."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.widgets.traffic_card import MINUTES, TrafficCard
from tests.ui.widgets.samples import speeds


@pytest.fixture
def card(qtbot: QtBot) -> TrafficCard:
    made = TrafficCard()
    qtbot.addWidget(made)
    made.resize(800, 240)
    made.show()
    return made


def plain(text: str) -> str:
    return text.replace("\u2066", "").replace("\u2069", "")


def test_a_person_picks_a_stretch(card: TrafficCard, qtbot: QtBot) -> None:
    chosen: list[int] = []
    card.minutes_chosen.connect(chosen.append)
    qtbot.mouseClick(card.minutes._buttons[5], Qt.MouseButton.LeftButton)
    assert chosen == [5]
    assert card.graph.minutes == 5


def test_the_program_sets_one_silently(card: TrafficCard) -> None:
    chosen: list[int] = []
    card.minutes_chosen.connect(chosen.append)
    for minutes in MINUTES:
        card.set_minutes(minutes)
        assert card.minutes.value == card.graph.minutes == minutes
    assert chosen == []


def test_peak_and_mean_are_of_what_is_shown(card: TrafficCard) -> None:
    assert card.figures.text() == ""
    card.show_history(speeds(*([9e6] * 100 + [1e6] * 30 + [3e6] * 31)))
    assert plain(card.figures.text()) == "peak 3.0 MB/s  ·  mean 2.0 MB/s"
    card.set_minutes(5)
    assert plain(card.figures.text()).startswith("peak 9.0 MB/s")


def test_figures_take_a_line_of_their_own_where_there_is_little_room(card: TrafficCard) -> None:
    card.show_history(speeds(1e6, 2e6))
    assert card.figures_below.isHidden()
    card.resize(280, 240)
    QApplication.processEvents()
    assert card.figures.text() == ""
    assert plain(card.figures_below.text()).startswith("peak 2.0 MB/s")


def test_each_stretch_has_its_name(card: TrafficCard) -> None:
    assert card.minutes._buttons[10].text() == "10 min"
    card.resize(280, 240)
    QApplication.processEvents()
    assert card.minutes._buttons[10].text() == "10"
    assert "Minutes" in card.minutes._buttons[10].accessibleName()


def test_words_follow_the_language(card: TrafficCard) -> None:
    card._title.setText("")
    QApplication.sendEvent(card, QEvent(QEvent.Type.LanguageChange))
    assert card._title.text() == "Traffic"
