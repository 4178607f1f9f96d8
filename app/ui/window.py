"""The window: a sidebar, the pages, messages over them, and the ways in (paste, drop) that work on every page."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QKeySequence,
    QMoveEvent,
    QResizeEvent,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QWidget

from app.storage.settings import TOLD_NO_TRAY, WINDOW_GEOMETRY
from app.ui import icons
from app.ui.base import Page, Retranslating, column, row
from app.ui.bridge import Bridge
from app.ui.messages import Message
from app.ui.page_list import FACTORIES, FIRST_RUN
from app.ui.proxy_commands import local_address
from app.ui.sidebar import PAGES, Sidebar
from app.ui.widgets.banner import Banners
from app.ui.widgets.drop_hint import DropHint
from app.ui.widgets.toast import Toasts

SMALLEST: Final = QSize(360, 480)
_USUAL: Final = QSize(960, 680)

# Pixels of the window below which the sidebar shows icons alone.
_NARROW_BELOW: Final = 640

# Milliseconds after the last move or resize until the place is kept.
_SETTLED: Final = 500

_NO_TRAY: Final = "no tray"

Factory = Callable[[Bridge], QWidget]


class Window(Retranslating, QMainWindow):
    """Pages are made when they are first shown. With a tray, closing hides; without one it quits, after saying so.

    `hidden_to_tray` comes when closing has hidden the window.
    """

    hidden_to_tray = Signal()

    def __init__(self, bridge: Bridge, factories: Mapping[str, Factory] = FACTORIES) -> None:
        super().__init__()
        self.bridge = bridge
        self._factories = factories
        self._pages: dict[str, QWidget] = {}
        self._welcomed = False
        self.has_tray = False
        self.sidebar = Sidebar()
        self.stack = QStackedWidget()
        self.banners = Banners()
        self._content = QWidget()
        self._content.setLayout(column(self.banners, self.stack, spacing=0))
        self.toasts = Toasts(self._content)
        body = QWidget()
        body.setLayout(row(self.sidebar, self._content, spacing=0))
        body.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # or the first button had a ring before anybody pressed a key
        self.setCentralWidget(body)
        body.setFocus()
        self.drop_hint = DropHint(body)
        self._settling = QTimer(self, singleShot=True, interval=_SETTLED)
        self._settling.timeout.connect(self.keep_place)
        self.setMinimumSize(SMALLEST)
        self.setWindowIcon(icons.app_icon())
        self.setAcceptDrops(True)
        self._shortcuts = list(self._make_shortcuts())
        self._connect()
        self._restore_place()
        self.retranslate()
        self._show_state()

    # ---- pages

    @property
    def page_name(self) -> str:
        """The page that is shown; "first run" while that takes the place of "home"."""
        shown = self.stack.currentWidget()
        return next((name for name, page in self._pages.items() if page is shown), "")

    def page(self, name: str) -> QWidget:
        """The page, made if it was not shown before. Raises KeyError for a name that is not one of PAGES."""
        if name not in self._pages:
            made = self._pages[name] = self._factories[name](self.bridge)
            if name == FIRST_RUN:
                made.finished.connect(self._leave_first_run)  # type: ignore[attr-defined]  # the one page that ends
            self.stack.addWidget(made)
        return self._pages[name]

    def show_page(self, name: str) -> None:
        """Switch to a page. Raises KeyError for a name that is not one of PAGES."""
        wanted = FIRST_RUN if name == PAGES[0] and self._welcomes() else name
        self.stack.setCurrentWidget(self.page(wanted))
        self.sidebar.select(name)

    def bring_up(self, page: str = "") -> None:
        """Show the window in front of the others, at this page where one is named."""
        if page:
            self.show_page(page)
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def show_log(self, text: str) -> None:
        """Show the log, at the last line that holds this text."""
        from app.ui.pages.logs import LogsPage

        self.bring_up("logs")
        page = self.page("logs")
        if isinstance(page, LogsPage):
            page.show_last(text)

    # ---- messages

    def show_message(self, message: Message) -> None:
        """Show it over the pages for a while."""
        self.toasts.show_message(message)

    def show_banner(self, message: Message) -> None:
        """Show it on top of the pages until it is closed."""
        self.banners.show_message(message)

    def set_tray(self, there: bool) -> None:
        """Whether there is a tray to go on in. The first time there is none, a banner says what that means."""
        self.has_tray = there
        if there:
            self.banners.withdraw(_NO_TRAY)
        elif not self.bridge.control.settings.get(TOLD_NO_TRAY):
            self.bridge.control.settings.set(TOLD_NO_TRAY, True)
            self._tell_no_tray()

    def retranslate(self) -> None:
        """The title; pages, sidebar and messages see to themselves."""
        self.setWindowTitle(self.tr("AnyTLS Tray"))
        if self.banners.shows(_NO_TRAY):
            self._tell_no_tray()

    # ---- ways in

    def paste(self) -> None:
        """Look for links in the clipboard."""
        self.bridge.import_text(QGuiApplication.clipboard().text())

    def copy_address(self) -> None:
        """Put the local proxy's address on the clipboard."""
        QGuiApplication.clipboard().setText(str(local_address(self.bridge.control)))
        self.bridge.say(self.tr("The proxy address is on the clipboard."), "good", "copied")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 (Qt's name)
        """Links and files are welcome anywhere in the window."""
        if event.mimeData().hasUrls() or event.mimeData().hasText():
            event.acceptProposedAction()
            self.drop_hint.appear()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:  # noqa: N802 (Qt's name)
        """Never mind."""
        self.drop_hint.hide()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 (Qt's name)
        """Files are read; anything else is text that may hold links."""
        self.drop_hint.hide()
        event.acceptProposedAction()
        files = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if files:
            self.bridge.import_files(files)
        else:
            self.bridge.import_text(event.mimeData().text())

    # ---- the window's own life

    def keep_place(self) -> None:
        """Remember where the window stands."""
        place = bytes(self.saveGeometry().toBase64().data()).decode("ascii")
        self.bridge.control.settings.set(WINDOW_GEOMETRY, place)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """The first page is made now and not before: a start into the tray needs none."""
        if not self.stack.count():
            self.show_page(PAGES[0])
        super().showEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 (Qt's name)
        """With a tray the window hides, without one the program ends."""
        self._settling.stop()
        self.keep_place()
        event.ignore()
        if self.has_tray:
            self.hide()
            self.hidden_to_tray.emit()
        else:
            self.bridge.quit_asked.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Where there is little room the sidebar shows icons alone."""
        super().resizeEvent(event)
        narrow = self.width() < _NARROW_BELOW
        if narrow != self.sidebar.narrow:
            self.sidebar.set_narrow(narrow)
        self._moved()

    def moveEvent(self, event: QMoveEvent) -> None:  # noqa: N802 (Qt's name)
        """The place is kept a little later."""
        super().moveEvent(event)
        self._moved()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """A minimised window shows no page."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            page = self.stack.currentWidget()
            if isinstance(page, Page):
                page.set_on_screen(self.isVisible() and not self.isMinimized())

    # ---- inside

    def _connect(self) -> None:
        self.sidebar.chosen.connect(self.show_page)
        self.sidebar.copy_asked.connect(self.copy_address)
        self.bridge.message.connect(self.show_message)
        self.bridge.window_asked.connect(self.bring_up)
        self.bridge.log_asked.connect(self.show_log)
        self.bridge.import_asked.connect(self._preview)
        self.bridge.state_changed.connect(self._show_state)
        self.bridge.settings_changed.connect(self._show_state)
        self.bridge.profiles_changed.connect(self._profiles_changed)

    def _make_shortcuts(self) -> list[QShortcut]:
        made = [QShortcut(QKeySequence(QKeySequence.StandardKey.Paste), self, self.paste)]
        made.append(QShortcut(QKeySequence(QKeySequence.StandardKey.Quit), self, self.bridge.quit_asked.emit))
        made.append(QShortcut(QKeySequence(QKeySequence.StandardKey.Close), self, self.close))
        for number, name in enumerate(PAGES, 1):
            shortcut = QShortcut(QKeySequence(f"Ctrl+{number}"), self)
            shortcut.activated.connect(lambda name=name: self.show_page(name))
            made.append(shortcut)
        return made

    def _preview(self, found: list[Any]) -> None:
        from app.ui.import_dialog import show_preview

        self.bring_up()
        show_preview(self.bridge, found, self)

    def _show_state(self, _item: object = None) -> None:
        control = self.bridge.control
        self.sidebar.show_state(control.client.state, str(local_address(control)))

    def _welcomes(self) -> bool:
        return FIRST_RUN in self._factories and not self._welcomed and not self.bridge.control.profiles.entries

    def _leave_first_run(self) -> None:
        self._welcomed = True
        self.show_page(PAGES[0])

    def _profiles_changed(self) -> None:
        if self.page_name == PAGES[0] and self._welcomes():
            self.show_page(PAGES[0])

    def _moved(self) -> None:
        if self.isVisible():
            self._settling.start()

    def _restore_place(self) -> None:
        place = self.bridge.control.settings.get(WINDOW_GEOMETRY)
        if not place or not self.restoreGeometry(QByteArray.fromBase64(place.encode("ascii"))):
            self.resize(_USUAL)

    def _tell_no_tray(self) -> None:
        text = self.tr("This desktop has no tray. Closing this window ends the program; minimise it to stay connected.")
        self.show_banner(Message(text, "info", key=_NO_TRAY))
