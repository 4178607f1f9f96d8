"""Messages at the foot of the window: one sentence each, perhaps with a button, gone by themselves."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.ui.messages import Message
from app.ui.tokens import ICON, LARGE, MEDIUM, SMALL, TINY
from app.ui.widgets.notice import Notice

# How long a message stays, in ms: long enough to read it twice. One with a button or bad news stays longer.
_STAYS: Final = 5_000
_STAYS_LONGER: Final = 12_000

_MOST: Final = 3
_WIDTH: Final = 440  # pixels


class Toast(Notice):
    """One message. It goes when its time is over (not while the pointer is on it) or when it is closed."""

    def __init__(self, message: Message, gone: Callable[["Toast"], None], parent: QWidget) -> None:
        super().__init__(message, "toast", parent)
        self._gone = gone
        self.setAccessibleName(message.text)
        self.text.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.action.clicked.connect(self._act)
        self.cross.clicked.connect(self.leave)
        inside = QHBoxLayout(self)
        inside.setContentsMargins(LARGE, SMALL, SMALL, SMALL)
        inside.setSpacing(MEDIUM)
        self._words = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._words.addWidget(self.text, 1)
        self._words.addWidget(self.action, 0, Qt.AlignmentFlag.AlignLeading)
        inside.addWidget(self.picture)
        inside.addLayout(self._words, 1)
        inside.addWidget(self.cross)
        longer = message.action or message.kind in ("warn", "bad")
        self._time = QTimer(self, singleShot=True, interval=_STAYS_LONGER if longer else _STAYS)
        self._time.timeout.connect(self.leave)
        self._time.start()

    def fit(self, width: int) -> None:
        """Put the button beside words of one line, and below longer ones."""
        others = self.action.sizeHint().width() + self.cross.sizeHint().width() + ICON + LARGE + SMALL + 3 * MEDIUM
        below = self.text.fontMetrics().horizontalAdvance(self.text.text()) + others > width
        self._words.setDirection(QBoxLayout.Direction.TopToBottom if below else QBoxLayout.Direction.LeftToRight)
        self._words.setSpacing(TINY if below else MEDIUM)

    def leave(self) -> None:
        """Go away now."""
        self._time.stop()
        self._gone(self)

    def event(self, event: QEvent) -> bool:
        """Time stands still under the pointer."""
        if event.type() == QEvent.Type.Enter:
            self._time.stop()
        elif event.type() == QEvent.Type.Leave and self.isVisible():
            self._time.start()
        return super().event(event)

    def _act(self) -> None:
        run = self.message.run
        self.leave()
        if run is not None:
            run()


class Toasts(QWidget):
    """The messages shown over `host`, the newest lowest, at most three."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self._host = host
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SMALL)
        self.toasts: list[Toast] = []
        host.installEventFilter(self)
        self.hide()

    def show_message(self, message: Message) -> None:
        """Show it, in place of one with the same key or the same words."""
        for old in self.toasts:
            if (message.key and old.message.key == message.key) or old.message.text == message.text:
                self._remove(old)
                break
        if len(self.toasts) == _MOST:
            self._remove(self.toasts[0])
        toast = Toast(message, self._remove, self)
        self.toasts.append(toast)
        self._column.addWidget(toast)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(toast, message.text))
        toast.show()  # a layout leaves out what has never been shown
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Stay at the foot of the host."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _remove(self, toast: Toast) -> None:
        if toast in self.toasts:
            self.toasts.remove(toast)
            self._column.removeWidget(toast)
            toast.hide()
            toast.deleteLater()
            self._place()

    def _place(self) -> None:
        if not self.toasts:
            self.hide()
            return
        width = min(_WIDTH, self._host.width() - 2 * LARGE)
        for toast in self.toasts:
            toast.fit(width)
        size = QSize(width, self._height(width))
        left = (self._host.width() - width) // 2
        self.setGeometry(left, self._host.height() - size.height() - LARGE, size.width(), size.height())
        self.show()
        self.raise_()

    def _height(self, width: int) -> int:
        layout = self._column
        layout.invalidate()
        if layout.hasHeightForWidth():
            return layout.totalHeightForWidth(width)
        return layout.sizeHint().height()
