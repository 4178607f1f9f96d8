"""A row on top of the pages for what goes on for a while: no tray on this desktop, a file that was restored."""

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.ui.base import repolish
from app.ui.messages import Message
from app.ui.tokens import MEDIUM, SMALL
from app.ui.widgets.notice import Notice


class Banner(Notice):
    """One message that stays until it is closed."""

    def __init__(self, message: Message, gone: Callable[["Banner"], None], parent: QWidget | None = None) -> None:
        super().__init__(message, "banner", parent)
        if message.run is not None:
            self.action.clicked.connect(message.run)
        self.cross.clicked.connect(lambda: gone(self))
        inside = QHBoxLayout(self)
        inside.setContentsMargins(MEDIUM, SMALL // 2, SMALL // 2, SMALL // 2)
        inside.setSpacing(MEDIUM)
        for part in (self.picture, self.text, self.action, self.cross):
            inside.addWidget(part)
        inside.setStretch(1, 1)


class Banners(QWidget):
    """The banners in force, one row each; takes no room without any."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(MEDIUM, MEDIUM, MEDIUM, 0)
        self._column.setSpacing(SMALL)
        self.banners: list[Banner] = []
        self.hide()

    def show_message(self, message: Message) -> None:
        """Show it, in place of one with the same key."""
        for old in [one for one in self.banners if message.key and one.message.key == message.key]:
            self._remove(old)
        banner = Banner(message, self._remove, self)
        self.banners.append(banner)
        self._column.addWidget(banner)
        repolish(banner)
        self.show()

    def shows(self, key: str) -> bool:
        """Whether the banner with this key is there."""
        return any(one.message.key == key for one in self.banners)

    def withdraw(self, key: str) -> None:
        """Take away the banner with this key; nothing happens if there is none."""
        for old in [one for one in self.banners if one.message.key == key]:
            self._remove(old)

    def _remove(self, banner: Banner) -> None:
        self.banners.remove(banner)
        self._column.removeWidget(banner)
        banner.hide()
        banner.deleteLater()
        self.setVisible(bool(self.banners))
