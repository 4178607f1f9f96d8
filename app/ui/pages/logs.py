"""The page of the log: the newest lines as they come, filtered, paused, copied."""

import logging
from typing import Any, Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QPlainTextEdit,
    QTableView,
    QWidget,
)

from app.storage.settings import PRIVACY, Item
from app.ui import theme
from app.ui.base import Page, column, icon_button, label, name_it, page_layout, row
from app.ui.log_model import Column, LogModel
from app.ui.tokens import GIANT, HUGE, MEDIUM
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.search_field import SearchField
from app.ui.widgets.tables import Header, Shown, plain_table, selected_rows

_EVERY: Final = 250  # ms between two looks at the log: lines seem to come at once, a flood of them costs little

_LEVELS: Final = (logging.NOTSET, logging.INFO, logging.WARNING, logging.ERROR)

# Characters of a level's name that have room; what is cut is whole in the list that opens.
_LEVEL_WIDE: Final = 14
_LEVEL_NARROW: Final = 5

_MOST_DETAILS: Final = 8  # lines of the selected line's text in sight

_NARROW: Final = 640  # pixels of the window; below it the time goes


class LogsPage(Page):
    """A table of lines above the whole text of the selected one."""

    def build(self) -> None:
        self.model = LogModel(self)
        self.headline = label("headline")
        self.level = QComboBox()
        self.level.addItems([""] * len(_LEVELS))
        self.search = SearchField()
        self.pause = icon_button("pause")
        self.pause.setCheckable(True)
        self.copy = icon_button("copy")
        self.clear = icon_button("trash")
        self.table = _table(self.model)
        self.details = _details()
        self.empty = EmptyState("logs")
        self.no_match = EmptyState("search")
        lines = QWidget()
        lines.setLayout(column(self.table, self.details, spacing=MEDIUM))
        self._shown = Shown(lines, self.empty, self.no_match)
        self.level.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.level.setMinimumContentsLength(_LEVEL_NARROW)
        tools = row(self.level, self.pause, self.copy, self.clear)
        tools.setStretch(0, 1)
        self._header = Header(row(self.headline, None), row(self.search), tools)
        layout = page_layout(self)
        layout.addLayout(self._header)
        layout.addLayout(self._shown, 1)
        self._connect()

    def _connect(self) -> None:
        self._timer = QTimer(self, interval=_EVERY)
        self._timer.timeout.connect(self._look)
        self.level.currentIndexChanged.connect(self._filter)
        self.search.searched.connect(self._filter)
        self.search.left_downwards.connect(self.table.setFocus)
        self.pause.toggled.connect(self._paused)
        self.copy.clicked.connect(self._copy)
        self.clear.clicked.connect(self._clear)
        self.table.selectionModel().selectionChanged.connect(self._show_details)
        self.bridge.settings_changed.connect(self._setting_changed)
        self.model.mask(self.bridge.control.settings.get(PRIVACY))
        copy = QAction(self.table)
        copy.setShortcut(QKeySequence.StandardKey.Copy)
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.triggered.connect(self._copy)
        self.table.addAction(copy)

    def retranslate(self) -> None:
        self.headline.setText(self.tr("Logs"))
        names = (self.tr("All lines"), self.tr("Info and worse"), self.tr("Warnings and errors"), self.tr("Errors"))
        for at, name in enumerate(names):
            self.level.setItemText(at, name)
        self.level.setAccessibleName(self.tr("Which lines"))
        self._name_pause()
        name_it(self.copy, self.tr("Copy the selected lines, or all that are shown"))
        name_it(self.clear, self.tr("Clear this view"))
        self.table.setAccessibleName(self.tr("Log"))
        self.details.setAccessibleName(self.tr("The whole line"))
        self.empty.say(self.tr("Nothing logged yet"), self.tr("What the program does is told here, line by line."))
        self.no_match.say(self.tr("No line matches"), self.tr("Choose another level or search for something else."))
        self.model.retranslate()
        self._fit_columns()
        self._show()

    def shown(self) -> None:
        """Catch up, and follow the log from now on."""
        self._look()
        if not self.pause.isChecked():
            self._timer.start()

    def hidden(self) -> None:
        """Let the log go on alone."""
        self._timer.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Show less where there is little room."""
        super().resizeEvent(event)
        narrow = self.window().width() < _NARROW
        self.table.setColumnHidden(Column.TIME, narrow)
        self._header.set_narrow(narrow)
        self.level.setMinimumContentsLength(_LEVEL_NARROW if narrow else _LEVEL_WIDE)
        self._fit_details()

    def show_line(self, number: int) -> None:
        """Select the line with this number, whatever the filter says; nothing where it is gone."""
        self.model.extend(self.bridge.logs.lines)
        if self.model.row_of(number) is None:
            self.search.clear()
            self.level.setCurrentIndex(0)
        at = self.model.row_of(number)
        if at is None:
            return
        self._show()
        self.table.clearSelection()  # or a key that is held down would add to it
        self.table.selectRow(at)
        self.table.scrollTo(self.model.index(at, Column.TEXT), QAbstractItemView.ScrollHint.PositionAtCenter)
        self.table.setFocus()

    def show_last(self, text: str = "") -> None:
        """Select the newest error that tells `text`; where there is none, the newest error."""
        errors = [line for line in self.bridge.logs.lines if line.error]
        telling = [line for line in errors if text in line.text]
        if found := telling or errors:
            self.show_line(found[-1].number)

    def _look(self) -> None:
        if self.pause.isChecked():
            return
        bar = self.table.verticalScrollBar()
        follow = bar.value() >= bar.maximum()
        before = self.model.rowCount()
        self.model.extend(self.bridge.logs.lines)
        if follow:
            self.table.scrollToBottom()
        if before != self.model.rowCount():
            self._show()

    def _setting_changed(self, item: Item[Any]) -> None:
        if item is PRIVACY:
            self.model.mask(self.bridge.control.settings.get(PRIVACY))

    def _filter(self) -> None:
        self.model.filter(_LEVELS[max(0, self.level.currentIndex())], self.search.text())
        self.table.scrollToBottom()
        self._show()

    def _paused(self, paused: bool) -> None:
        self._name_pause()
        if paused:
            self._timer.stop()
        elif self.on_screen:
            self.shown()

    def _name_pause(self) -> None:
        paused = self.pause.isChecked()
        self.pause.set_icon_name("play" if paused else "pause")
        name_it(self.pause, self.tr("Follow the log again") if paused else self.tr("Pause"))

    def _copy(self) -> None:
        rows = selected_rows(self.table) or range(self.model.rowCount())
        QGuiApplication.clipboard().setText("\n".join(self.model.text(at) for at in rows))
        self.bridge.say(self.tr("Lines copied: {count}").format(count=len(rows)), "good", "copied")

    def _clear(self) -> None:
        self.model.extend(self.bridge.logs.lines)
        self.model.clear()
        self._show()

    def _show(self) -> None:
        self._shown.show_for(self.model.rowCount(), self.model.total)
        self.copy.setEnabled(self.model.rowCount() > 0)
        self.clear.setEnabled(self.model.total > 0)
        self._show_details()

    def _show_details(self) -> None:
        rows = selected_rows(self.table)
        shown = len(rows) == 1
        self.details.setVisible(shown)
        text = self.model.text(rows[0]) if shown else ""
        if self.details.toPlainText() != text:
            self.details.setPlainText(text)
            self._fit_details()

    def _fit_details(self) -> None:
        lines = min(_MOST_DETAILS, max(1, round(self.details.document().size().height())))
        self.details.setFixedHeight(lines * self.details.fontMetrics().lineSpacing() + HUGE)

    def _fit_columns(self) -> None:
        metrics = self.table.fontMetrics()
        self.table.setColumnWidth(Column.TIME, metrics.horizontalAdvance("00:00:00") + GIANT)
        words = max((metrics.horizontalAdvance(word) for word in self.model.level_words().values()), default=0)
        self.table.setColumnWidth(Column.LEVEL, words + HUGE)


def _table(model: LogModel) -> QTableView:
    table = plain_table(model, HUGE, Column.TEXT)
    table.setFont(theme.font("mono"))
    table.horizontalHeader().hide()
    return table


def _details() -> QPlainTextEdit:
    made = QPlainTextEdit()
    made.setReadOnly(True)
    made.setFont(theme.font("mono"))
    made.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
    made.hide()
    return made
