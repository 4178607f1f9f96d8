"""It covers the window while something is dragged over it, and takes no click."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.ui.widgets.drop_hint import DropHint


def test_it_covers_its_parent(qtbot: QtBot) -> None:
    host = QWidget()
    qtbot.addWidget(host)
    host.resize(500, 400)
    hint = DropHint(host)
    host.show()
    assert not hint.isVisible()
    host.resize(640, 480)
    hint.appear()
    assert hint.isVisible()
    assert hint.geometry() == host.rect()
    assert hint.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)


def test_it_says_what_to_do(qtbot: QtBot) -> None:
    host = QWidget()
    qtbot.addWidget(host)
    hint = DropHint(host)
    assert [label.text() for label in hint.findChildren(QLabel) if label.text()] == ["Drop links or files here"]
