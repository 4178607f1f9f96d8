"""Where apps find the local proxy: its address to copy, and the line for a terminal."""

from typing import Final

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QWidget

from app.ui import theme
from app.ui.base import Button, Retranslating, icon_button, label, name_it, row
from app.ui.tokens import CONTROL_HEIGHT, SMALL

_WORDS_FROM: Final = 460  # pixels

# By the names that proxy_commands knows them; these are names, and the same in every language.
_SHELLS: Final = {"sh": "sh", "powershell": "PowerShell", "cmd": "cmd"}


class LocalBar(Retranslating, QWidget):
    """`copy_asked` comes with the address's button, `command_asked` with "sh", "powershell" or "cmd"."""

    copy_asked = Signal()
    command_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._listening = False
        self.address = label("mono", selectable=True)
        self._kinds = label("muted")
        self.copy = icon_button("copy")
        self.command = Button("", "terminal", "…")
        self.menu = QMenu(self)
        for shell, name in _SHELLS.items():
            one = self.menu.addAction(name)
            one.triggered.connect(lambda _checked=False, shell=shell: self.command_asked.emit(shell))
        self.command.setMenu(self.menu)
        self.command.setProperty("menu", True)
        self.copy.clicked.connect(self.copy_asked)
        self.setLayout(row(self.address, self.copy, self._kinds, None, self.command, spacing=SMALL))
        self.retranslate()

    def retranslate(self) -> None:
        """See `Retranslating`."""
        name_it(self.copy, self.tr("Copy the proxy address"))
        wide = self.width() >= _WORDS_FROM
        self.command.setText(self.tr("Terminal command") if wide else "")
        self.command.setAccessibleName(self.tr("Copy a terminal command"))
        self.command.setToolTip(self.tr("Copy the line that sends what is started in a terminal through the proxy"))
        self._kinds.setText("SOCKS · HTTP" if self._listening else self.tr("SOCKS · HTTP, once it is on"))
        self.address.setAccessibleName(self.tr("Proxy address"))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Leave out the words where there is little room."""
        super().resizeEvent(event)
        self._kinds.setVisible(event.size().width() >= _WORDS_FROM)
        self.retranslate()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Without the words that may be left out."""
        narrow = self.address.sizeHint().width() + self.copy.sizeHint().width() + 3 * SMALL + CONTROL_HEIGHT
        return QSize(narrow, super().minimumSizeHint().height())

    def show_address(self, address: str, *, listening: bool) -> None:
        """Where the proxy listens, or would."""
        self._listening = listening
        self.address.setText(theme.ltr(address))
        self.retranslate()
