"""A table as the pages show one: whole rows, no grid, no wrapping; and what stands in its place while it is empty."""

from PySide6.QtCore import QAbstractItemModel
from PySide6.QtWidgets import QAbstractItemView, QBoxLayout, QHeaderView, QLayout, QStackedLayout, QTableView, QWidget

from app.ui.base import row
from app.ui.tokens import SMALL
from app.ui.widgets.empty_state import EmptyState


def plain_table(model: QAbstractItemModel, row_height: int, stretched: int) -> QTableView:
    """A table of whole rows of one height; the column `stretched` takes the room that the others leave."""
    table = QTableView()
    table.setModel(model)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setCornerButtonEnabled(False)
    table.setTabKeyNavigation(False)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.verticalHeader().hide()
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    table.verticalHeader().setDefaultSectionSize(row_height)
    table.horizontalHeader().setHighlightSections(False)
    table.horizontalHeader().setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
    return table


def selected_rows(table: QTableView) -> list[int]:
    """The rows that are selected, from the top."""
    return sorted(index.row() for index in table.selectionModel().selectedRows())


class Header(QBoxLayout):
    """The parts above a table: side by side with the first one stretched, or below each other.

    It begins narrow, so that a window may be opened as narrow as it can be.
    """

    def __init__(self, *parts: QLayout) -> None:
        super().__init__(QBoxLayout.Direction.TopToBottom)
        self.setSpacing(SMALL)
        for part in parts:
            self.addLayout(part)
        self.setStretch(0, 1)

    def set_narrow(self, narrow: bool) -> None:
        """Stand side by side no more, or again."""
        self.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)


class Shown(QStackedLayout):
    """The content, or why there is none: nothing at all, or nothing that matches the search."""

    def __init__(self, content: QWidget, nothing: EmptyState, no_match: EmptyState) -> None:
        super().__init__()
        self.addWidget(content)
        for state in (nothing, no_match):
            centred = QWidget()
            centred.setLayout(row(None, state, None))
            self.addWidget(centred)

    def show_for(self, shown: int, total: int) -> None:
        """Show what fits, `shown` of `total` rows being left by the search."""
        self.setCurrentIndex(0 if shown else 2 if total else 1)
