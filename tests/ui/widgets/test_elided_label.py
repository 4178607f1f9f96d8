"""What does not fit is left out where it hurts least; the tooltip and a screen reader have all of it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QColor, QTextDocument
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.widgets.elided_label import ElidedLabel

HOST = "a-very-long-host-name.with-many-labels.berlin.example.org"


def test_all_of_it_where_there_is_room(qtbot: QtBot) -> None:
    label = ElidedLabel(HOST)
    qtbot.addWidget(label)
    label.resize(label.sizeHint())
    assert label.shown_text() == HOST
    assert not label.toolTip()


def test_names_lose_their_end_and_hosts_their_middle(qtbot: QtBot) -> None:
    name, host = ElidedLabel(HOST), ElidedLabel(HOST, middle=True)
    for label in (name, host):
        qtbot.addWidget(label)
        label.show()
        label.resize(120, 20)
    assert name.shown_text().endswith("…")
    assert host.shown_text().startswith("a-ve")
    assert host.shown_text().endswith("e.org")
    assert host.text() == host.toolTip() == HOST
    interface = QAccessible.queryAccessibleInterface(host)
    assert interface.text(QAccessible.Text.Name) == HOST


def test_the_tooltip_goes_when_there_is_room_again(qtbot: QtBot) -> None:
    label = ElidedLabel(HOST)
    qtbot.addWidget(label)
    label.resize(100, 20)
    label.show()
    assert label.toolTip() == HOST
    label.resize(900, 20)
    assert not label.toolTip()
    label.resize(100, 20)
    label.setText("short")
    assert not label.toolTip()


def test_a_name_that_looks_like_html_is_no_html(qtbot: QtBot) -> None:
    name = "<h1>Verified</h1><img src='file:///etc/hostname'> & more, of a stranger's making"
    label = ElidedLabel(name)
    qtbot.addWidget(label)
    label.resize(100, 20)
    label.show()
    shown = QTextDocument()
    shown.setHtml(label.toolTip())
    assert label.toolTip() != name
    assert shown.toPlainText() == name


def test_it_gives_way(qtbot: QtBot) -> None:
    label = ElidedLabel(HOST)
    qtbot.addWidget(label)
    assert label.minimumSizeHint().width() < 60
    assert label.sizeHint().width() > 200


def test_it_is_painted_in_the_colour_of_its_role(qtbot: QtBot, qapp: QApplication) -> None:
    Theme().apply(qapp, "light")
    label = ElidedLabel("mmmm", "bad")
    qtbot.addWidget(label)
    label.resize(80, 20)
    image = label.grab().toImage()
    found = [QColor(image.pixel(x, y)) for x in range(image.width()) for y in range(image.height())]
    assert any(color.red() > color.green() + 100 for color in found)


def test_it_starts_at_the_other_side_in_languages_read_from_there(qtbot: QtBot, qapp: QApplication) -> None:
    Theme().apply(qapp, "light")
    label = ElidedLabel("m")
    qtbot.addWidget(label)
    label.resize(100, 20)

    def ink() -> list[int]:
        image = label.grab().toImage()
        ground = image.pixel(50, 1)
        return [x for x in range(100) for y in range(20) if image.pixel(x, y) != ground]

    assert max(ink()) < 50
    label.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert min(ink()) > 50
