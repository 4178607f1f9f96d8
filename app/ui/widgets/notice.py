"""A message on the screen: its picture, its words, perhaps a button, and a cross to close it."""

from typing import Final

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from app.ui import icons
from app.ui.base import Retranslating, button, icon_button, label, name_it
from app.ui.messages import Message
from app.ui.tokens import ICON

_LOOKS: Final = {
    "info": ("info", "muted"),
    "good": ("check", "good"),
    "warn": ("warning", "warn"),
    "bad": ("error", "bad"),
}


class Notice(Retranslating, QFrame):
    """Makes the parts of `message`; subclasses lay them out and say what the button and the cross do."""

    def __init__(self, message: Message, role: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.message = message
        self.setProperty("role", role)
        self.setProperty("tone", message.kind)
        self.picture = QLabel()
        self.picture.setFixedSize(QSize(ICON, ICON))
        self.text = label(wrap=True, text=message.text, selectable=True)
        policy = self.text.sizePolicy()
        policy.setHorizontalPolicy(QSizePolicy.Policy.Expanding)
        self.text.setSizePolicy(policy)
        self.action = button("link", text=message.action)
        self.action.setVisible(bool(message.action))
        self.cross = icon_button("close")
        self.retranslate()
        self.retheme()

    def retranslate(self) -> None:
        """What the cross is called; the message itself stays as it was said."""
        name_it(self.cross, self.tr("Close this message"))

    def retheme(self) -> None:
        """The picture in the colours in force."""
        name, color = _LOOKS.get(self.message.kind, _LOOKS["info"])
        self.picture.setPixmap(icons.pixmap(name, ICON, color, self.devicePixelRatioF()))
