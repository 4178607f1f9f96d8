"""Emptiness has a picture, a title, a sentence and a way out, also where there is little room."""

from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.ui.base import button
from app.ui.theme import Theme
from app.ui.widgets.empty_state import EmptyState


def made(qtbot: QtBot, width: int) -> tuple[QWidget, EmptyState]:
    host = QWidget()
    qtbot.addWidget(host)
    one = EmptyState("link", button("primary", "clipboard", "Paste a link"), button("", "", "Try the demonstration"))
    one.say("No profile yet", "Paste a link anywhere in this window, or drop a file with links. " * 2)
    QVBoxLayout(host).addWidget(one)
    host.resize(width, 480)
    host.show()
    return host, one


def test_it_says_what_is_missing(qtbot: QtBot) -> None:
    _, one = made(qtbot, 600)
    texts = [label.text() for label in one.findChildren(QLabel) if label.text()]
    assert texts[0] == "No profile yet"
    assert texts[1].startswith("Paste a link")


def test_a_part_without_words_is_hidden(qtbot: QtBot) -> None:
    _, one = made(qtbot, 600)
    one.say("Nothing found", "")
    visible = [label.text() for label in one.findChildren(QLabel) if label.isVisible() and label.text()]
    assert visible == ["Nothing found"]


def test_buttons_go_below_each_other_in_a_narrow_window(qtbot: QtBot, qapp: QApplication) -> None:
    Theme().apply(qapp, "light")
    for width, lines in ((600, 1), (260, 2)):
        host, one = made(qtbot, width)
        buttons = [child for child in one.children() if child.property("kind") is not None]
        assert len(buttons) == 2
        tops = {child.geometry().top() for child in buttons if isinstance(child, QWidget)}
        assert len(tops) == lines
        assert host.width() == width
        assert all(one.rect().contains(child.geometry()) for child in buttons if isinstance(child, QWidget))
