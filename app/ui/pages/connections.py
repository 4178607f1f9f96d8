"""The page of connections: what apps have open through the tunnel now, and what ended lately."""

from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QMenu, QTableView

from app.storage.settings import PRIVACY, Item
from app.ui.base import Page, button, label, page_layout, row
from app.ui.connection_model import Column, ConnectionModel, is_over
from app.ui.dialogs import ask
from app.ui.tokens import CONTROL_HEIGHT, GIANT, HUGE, LARGE, MEDIUM
from app.ui.widgets.amounts import duration_text
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.search_field import SearchField
from app.ui.widgets.tables import Header, Shown, plain_table, selected_rows

if TYPE_CHECKING:
    from app.ui.bridge import Sample

_NARROW: Final = 640  # pixels of the window; below it the sidebar is icons alone, and the table says the least it can

_NARROWEST: Final = 10 * GIANT  # pixels of the page; below it hosts need all the room

_TARGET: Final = 7 * GIANT  # pixels: what the target needs before others have room

# What goes first where there is not that much.
_SPARED: Final = (Column.SESSION, Column.UP, Column.PROTOCOL, Column.DURATION)

# The widest that each column is meant to show without cutting; the target takes what is left.
_WIDEST: Final = {
    Column.PROTOCOL: "HTTP CONNECT",
    Column.SESSION: "#99999",
    Column.DOWN: "999.9 MB",
    Column.UP: "999.9 MB",
}


class ConnectionsPage(Page):
    """A live table, a filter, and ways to close one connection or all."""

    def build(self) -> None:
        self._narrow = False
        self._widths: dict[Column, int] = {}
        self.model = ConnectionModel(self)
        self.headline = label("headline")
        self.headline.setMinimumHeight(CONTROL_HEIGHT)  # with or without the search beside it
        self.count = label("muted")
        self.search = SearchField()
        self.close_all = button("danger", "close", " ")
        self.table = _table(self.model)
        self.empty = EmptyState("connections")
        self.no_match = EmptyState("search")
        self._shown = Shown(self.table, self.empty, self.no_match)
        layout = page_layout(self)
        self._header = Header(row(self.headline, self.count, None, spacing=MEDIUM), row(self.search, self.close_all))
        layout.addLayout(self._header)
        layout.addLayout(self._shown, 1)
        self._actions()
        self._connect()

    def _actions(self) -> None:
        self.close_action = QAction(self.table)
        self.close_action.setShortcut(QKeySequence.StandardKey.Delete)
        self.copy_action = QAction(self.table)
        self.copy_action.setShortcut(QKeySequence.StandardKey.Copy)
        for action in (self.close_action, self.copy_action):
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            self.table.addAction(action)
        self.menu = QMenu(self.table)
        self.menu.addActions([self.close_action, self.copy_action])
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def _connect(self) -> None:
        self.bridge.sampled.connect(self._sampled)
        self.bridge.settings_changed.connect(self._setting_changed)
        self.search.searched.connect(self._filter)
        self.search.left_downwards.connect(self.table.setFocus)
        self.close_all.clicked.connect(lambda: self.bridge.run(self._close_all(), "close all connections"))
        self.close_action.triggered.connect(self._close_selected)
        self.copy_action.triggered.connect(self._copy_selected)
        self.table.customContextMenuRequested.connect(self._open_menu)
        self.table.selectionModel().selectionChanged.connect(self._show_what_can_be_done)
        self.model.mask(self.bridge.control.settings.get(PRIVACY))

    def retranslate(self) -> None:
        self.headline.setText(self.tr("Connections"))
        self.close_all.setText(self.tr("Close all"))
        self.close_action.setText(self.tr("Close"))
        self.copy_action.setText(self.tr("Copy the target"))
        self.table.setAccessibleName(self.tr("Connections"))
        self.empty.say(
            self.tr("No connections"),
            self.tr("What apps open through the local proxy is listed here while it lasts, and for a while after."),
        )
        self.no_match.say(self.tr("Nothing matches the filter"), "")
        self.model.retranslate()
        self._fit_columns()
        self._show()

    def shown(self) -> None:
        """Catch up with the tunnel."""
        self._sampled(self.bridge.sample)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Show fewer columns where there is little room."""
        super().resizeEvent(event)
        self._narrow = self.window().width() < _NARROW
        self._choose_columns()
        self._header.set_narrow(self._narrow)
        self._show()

    def _sampled(self, sample: "Sample") -> None:
        if self.on_screen:
            self.model.update(sample.snapshot.connections if sample.snapshot else ())
            self._show()

    def _setting_changed(self, item: Item[Any]) -> None:
        if item is PRIVACY:
            self.model.mask(self.bridge.control.settings.get(PRIVACY))

    def _filter(self, text: str) -> None:
        self.model.filter(text)
        self._show()

    def _show(self) -> None:
        open_now = self.model.open
        self.count.setText(
            self.tr("open: {open} · ended: {ended}").format(open=open_now, ended=self.model.total - open_now)
        )
        for one in (self.search, self.close_all):
            one.setVisible(self.model.total > 0)
        self.count.setVisible(self.model.total > 0 and not self._narrow)
        self.close_all.setEnabled(open_now > 0)
        self._shown.show_for(self.model.rowCount(), self.model.total)
        self._show_what_can_be_done()

    def _show_what_can_be_done(self) -> None:
        rows = selected_rows(self.table)
        self.close_action.setEnabled(any(not is_over(self.model.at(at)) for at in rows))
        self.copy_action.setEnabled(bool(rows))

    def _open_menu(self, place: QPoint) -> None:
        if self.table.indexAt(place).isValid():
            self.menu.popup(self.table.viewport().mapToGlobal(place))

    def _close_selected(self) -> None:
        numbers = [self.model.at(at).number for at in selected_rows(self.table) if not is_over(self.model.at(at))]
        self.bridge.run(self._close(numbers), "close connections")

    async def _close(self, numbers: list[int]) -> None:
        for number in numbers:
            await self.bridge.control.client.close_connection(number)

    async def _close_all(self) -> None:
        text = self.tr("Open connections: {count}. Downloads end; most apps connect anew by themselves.")
        answer = await ask(
            self,
            self.tr("Close all connections?"),
            text.format(count=self.model.open),
            [("", self.tr("Cancel"), "quiet"), ("close", self.tr("Close all"), "primary")],
        )
        if answer:
            await self.bridge.control.client.close_connections()

    def _copy_selected(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self.model.shown_target(at) for at in selected_rows(self.table)))

    def _fit_columns(self) -> None:
        words = {Column.STATE: max(self.model.state_words().values(), key=len)} | _WIDEST
        words[Column.DURATION] = duration_text(59 * 60 + 59)
        metrics = self.table.fontMetrics()
        for column, widest in words.items():
            title = str(self.model.headerData(column, Qt.Orientation.Horizontal))
            width = max(metrics.horizontalAdvance(widest), metrics.horizontalAdvance(title) + LARGE)
            self._widths[column] = width + HUGE
            self.table.setColumnWidth(column, width + HUGE)
        self._choose_columns()

    def _choose_columns(self) -> None:
        taken = sum(self._widths.values())
        room = self.width() - 2 * HUGE - _TARGET
        for column in _SPARED:
            gone = taken > room
            self.table.setColumnHidden(column, gone)
            taken -= self._widths[column] if gone else 0
        self.table.setColumnHidden(Column.DOWN, self.width() < _NARROWEST)


def _table(model: ConnectionModel) -> QTableView:
    table = plain_table(model, GIANT, Column.TARGET)
    table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    header = table.horizontalHeader()
    header.setSortIndicatorClearable(True)
    header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
    table.setSortingEnabled(True)
    return table
