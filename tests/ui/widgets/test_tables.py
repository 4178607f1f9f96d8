"""A table of whole rows, and what stands in its place."""

import pytest
from PySide6.QtCore import QStringListModel
from PySide6.QtWidgets import QAbstractItemView, QPushButton, QTableView, QWidget
from pytestqt.qtbot import QtBot

from app.ui import base
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.tables import Header, Shown, plain_table, selected_rows


@pytest.fixture
def table(qtbot: QtBot) -> QTableView:
    made = plain_table(QStringListModel(["one", "two", "three"]), 24, 0)
    qtbot.addWidget(made)
    made.resize(300, 200)
    made.show()
    return made


def test_rows_have_one_height_and_fill_the_width(table: QTableView) -> None:
    assert [table.rowHeight(row) for row in range(3)] == [24, 24, 24]
    assert table.columnWidth(0) == table.viewport().width()
    assert not table.verticalHeader().isVisible()


def test_tab_leaves_the_table(table: QTableView) -> None:
    assert not table.tabKeyNavigation()


def test_selected_rows_come_from_the_top(table: QTableView) -> None:
    table.setSelectionMode(QAbstractItemView.SelectionMode.MultiSelection)
    for row in (2, 0):
        table.selectRow(row)
    assert selected_rows(table) == [0, 2]


@pytest.mark.parametrize(("shown", "total", "visible"), [(3, 3, 0), (1, 3, 0), (0, 3, 2), (0, 0, 1)])
def test_shows_the_content_or_why_there_is_none(qtbot: QtBot, shown: int, total: int, visible: int) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    parts = (QWidget(), EmptyState("logs"), EmptyState("search"))
    layout = Shown(*parts)
    page.setLayout(layout)
    page.show()
    layout.show_for(shown, total)
    assert [part.isVisible() for part in parts] == [at == visible for at in range(3)]


def test_the_header_stands_side_by_side_where_there_is_room(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    title, tool = QPushButton("title"), QPushButton("tool")
    header = Header(base.row(title, None), base.row(tool))
    page.setLayout(header)
    page.resize(500, 200)
    page.show()
    assert title.geometry().bottom() < tool.geometry().top()
    header.set_narrow(False)
    qtbot.waitUntil(lambda: title.geometry().top() == tool.geometry().top())
    assert tool.geometry().right() > 450
    header.set_narrow(True)
    qtbot.waitUntil(lambda: title.geometry().bottom() < tool.geometry().top())
