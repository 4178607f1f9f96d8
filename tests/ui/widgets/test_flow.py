"""Widgets go on in a new line where the room ends, from the side where reading starts."""

import pytest
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.widgets.flow import Flow


class Box(QWidget):
    """So wide, so high."""

    def __init__(self, width: int, height: int = 10) -> None:
        super().__init__()
        self._size = QSize(width, height)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return self._size


@pytest.fixture
def host(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


def places(boxes: list[Box]) -> list[tuple[int, int]]:
    return [(box.geometry().left(), box.geometry().top()) for box in boxes]


def shown(host: QWidget, width: int) -> None:
    host.resize(width, 200)
    host.show()
    layout = host.layout()
    assert layout is not None
    layout.setGeometry(QRect(0, 0, width, 200))


def test_side_by_side_while_there_is_room(host: QWidget) -> None:
    boxes = [Box(40), Box(40), Box(40)]
    flow = Flow(*boxes, spacing=10, parent=host)
    shown(host, 140)
    assert places(boxes) == [(0, 0), (50, 0), (100, 0)]
    assert flow.heightForWidth(140) == 10


def test_a_new_line_where_it_ends(host: QWidget) -> None:
    boxes = [Box(40), Box(40, 20), Box(40)]
    flow = Flow(*boxes, spacing=10, parent=host)
    shown(host, 139)
    assert places(boxes) == [(0, 5), (50, 0), (0, 30)]
    assert flow.heightForWidth(139) == 40
    assert flow.hasHeightForWidth()


def test_each_in_a_line_of_its_own_at_worst(host: QWidget) -> None:
    flow = Flow(Box(40), Box(90), spacing=10, parent=host)
    assert flow.minimumSize().width() == 90
    assert flow.heightForWidth(10) == 30
    assert flow.sizeHint() == QSize(140, 10)


def test_mirrored(host: QWidget) -> None:
    host.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    boxes = [Box(40), Box(30)]
    Flow(*boxes, spacing=10, parent=host)
    shown(host, 200)
    assert places(boxes) == [(160, 0), (120, 0)]


def test_centred(host: QWidget) -> None:
    boxes = [Box(40), Box(50)]
    Flow(*boxes, spacing=10, centered=True, parent=host)
    shown(host, 200)
    assert places(boxes) == [(50, 0), (100, 0)]


def test_what_is_hidden_takes_no_room(host: QWidget) -> None:
    boxes = [Box(40), Box(50), Box(40)]
    flow = Flow(*boxes, spacing=10, parent=host)
    host.show()
    boxes[1].hide()
    assert flow.sizeHint().width() == 90


def test_items_can_be_counted_and_taken(host: QWidget) -> None:
    flow = Flow(Box(10), Box(20), parent=host)
    assert flow.count() == 2
    assert flow.itemAt(2) is None
    item = flow.takeAt(0)
    assert item is not None
    assert flow.count() == 1
    assert flow.takeAt(5) is None
    assert flow.expandingDirections() == Qt.Orientation(0)
    widget = item.widget()
    assert widget is not None
    widget.deleteLater()


def test_nothing_at_all(host: QWidget) -> None:
    flow = Flow(parent=host)
    assert flow.heightForWidth(100) == 0
    assert flow.sizeHint() == flow.minimumSize() == QSize(0, 0)
