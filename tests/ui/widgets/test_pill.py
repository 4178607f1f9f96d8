"""A pill shows a word in its tone, and nothing when it has none."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.tokens import LIGHT
from app.ui.widgets.pill import Pill


def test_an_empty_pill_takes_no_room(qtbot: QtBot) -> None:
    host = QWidget()
    qtbot.addWidget(host)
    pill = Pill(parent=host)
    assert pill.isHidden()
    pill.show_text("41 ms", "good")
    assert not pill.isHidden()
    assert pill.text() == "41 ms"
    pill.show_text("")
    assert pill.isHidden()


def test_its_tone_colours_it(qtbot: QtBot, qapp: QApplication) -> None:
    Theme().apply(qapp, "light")
    pill = Pill("41 ms", "good")
    qtbot.addWidget(pill)
    pill.ensurePolished()
    assert pill.palette().windowText().color().name().upper() == LIGHT.good
    pill.show_text("no answer", "bad")
    assert pill.palette().windowText().color().name().upper() == LIGHT.bad


def test_it_is_as_small_as_its_word(qtbot: QtBot, qapp: QApplication) -> None:
    Theme().apply(qapp, "light")
    short, long = Pill("1 ms"), Pill("not verified")
    for pill in (short, long):
        qtbot.addWidget(pill)
        pill.ensurePolished()
    assert short.sizeHint().width() < long.sizeHint().width()
    assert short.sizeHint().height() == long.sizeHint().height()


def test_its_word_is_never_html(qtbot: QtBot) -> None:
    pill = Pill("<b>41 ms</b>")
    qtbot.addWidget(pill)
    assert pill.textFormat() == Qt.TextFormat.PlainText
