"""The open sessions, one row each: what they do, how long they may still rest, and a cross to close them."""

from collections.abc import Iterable

from PySide6.QtCore import QEasingCurve, QEvent, QPoint, QRectF, QSize, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QFontMetricsF, QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QSizePolicy, QWidget

from app.engine.snapshot import SessionInfo
from app.ui import theme
from app.ui.base import Retranslating
from app.ui.tokens import MOTION, TINY
from app.ui.widgets.session_delegate import Columns, SessionDelegate
from app.ui.widgets.session_model import SessionModel
from app.ui.widgets.session_rows import headings

_TRAILING = ("age", "down", "up", "streams")  # columns of figures

_FEWEST = 3  # rows that there is room for, however small the window


class SessionList(Retranslating, QListView):
    """`close_asked` comes with the number of a session whose cross was clicked, or that was selected for Delete."""

    close_asked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sessions = SessionModel(self)
        self._delegate = SessionDelegate(self)
        self._motion = QVariantAnimation(self)
        self._motion.setDuration(MOTION)
        self._motion.setStartValue(0.0)
        self._motion.setEndValue(1.0)
        self._motion.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._motion.valueChanged.connect(self._moved)
        self._motion.finished.connect(self._rest)
        self.setModel(self.sessions)
        self.setItemDelegate(self._delegate)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.retranslate()

    def retranslate(self) -> None:
        """What it is, to a screen reader; the rows' words are made anew when they are painted."""
        self.setAccessibleName(self.tr("Sessions"))
        self.retheme()

    def retheme(self) -> None:
        """Fonts and words may have other widths now."""
        self._delegate.measure_anew()
        self.scheduleDelayedItemsLayout()
        self.viewport().update()

    def columns(self) -> Columns:
        """Where the parts of the rows lie."""
        return self._delegate.columns()

    def show_sessions(self, sessions: Iterable[SessionInfo]) -> None:
        """These are the sessions now; what is new fades in, what is gone fades out."""
        self._motion.stop()
        changed = self.sessions.show(sessions)
        if changed and self.isVisible() and not theme.reduced_motion():
            self._delegate.progress = 0.0
            self._motion.start()
        else:
            self._rest()

    def hide_names(self, masked: bool) -> None:
        """Hide host names, or show them again."""
        self._delegate.masked = masked
        self.sessions.mask(masked)

    def chosen(self) -> list[int]:
        """The numbers of the selected sessions."""
        rows = [self.sessions.rows[index.row()] for index in self.selectionModel().selectedRows()]
        return [row.info.number for row in rows if not row.going]

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Room for a few rows."""
        return QSize(160, self.row_height() * _FEWEST)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Room for what there usually is."""
        return QSize(480, self.row_height() * (_FEWEST + 1))

    def row_height(self) -> int:
        """Of one row at the present width, in pixels."""
        return self._delegate.height()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Delete closes what is selected."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.chosen():
            for number in self.chosen():
                self.close_asked.emit(number)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """A click on a cross closes the session and selects nothing."""
        number = self._cross_at(event.position().toPoint())
        if number is not None and event.button() == Qt.MouseButton.LeftButton:
            self.close_asked.emit(number)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Show the cross of the row under the pointer."""
        super().mouseMoveEvent(event)
        place = event.position().toPoint()
        self._hover(self.indexAt(place).row())
        over = self._cross_at(place) is not None
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """No row is under the pointer any more."""
        super().leaveEvent(event)
        self._hover(-1)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        """Nothing moves while nobody looks."""
        super().hideEvent(event)
        self._motion.stop()
        self._rest()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """A narrow list has rows of two lines."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    def _hover(self, row: int) -> None:
        if row != self._delegate.hovered:
            self._delegate.hovered = row
            self.viewport().update()

    def _cross_at(self, place: QPoint) -> int | None:
        index = self.indexAt(place)
        if not index.isValid():
            return None
        row = self.sessions.rows[index.row()]
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        box = self._delegate.close_box(self.visualRect(index), mirrored=mirrored)
        return row.info.number if box.contains(place) and not row.going else None

    def _moved(self, progress: float) -> None:
        self._delegate.progress = progress
        for place, row in enumerate(self.sessions.rows):
            if row.coming or row.going or row.reused:
                self.viewport().update(self.visualRect(self.sessions.index(place)))

    def _rest(self) -> None:
        self._delegate.progress = 1.0
        self.sessions.settle()
        self.viewport().update()


class SessionHeader(Retranslating, QWidget):
    """The words above the columns; nothing where rows have two lines."""

    def __init__(self, sessions: SessionList) -> None:
        super().__init__(sessions)
        self._list = sessions
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.retranslate()

    def retranslate(self) -> None:
        """See `Retranslating`."""
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """One small line."""
        return QSize(160, int(QFontMetricsF(theme.font("small")).height()) + TINY)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """The words, where the columns are."""
        at = self._list.columns()
        if not at.wide:
            return
        painter = QPainter(self)
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("faint"))
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        for name, text in headings().items():
            start, wide = getattr(at, name)
            trailing = name in _TRAILING
            left = self.width() - start - wide if mirrored else start
            side = Qt.AlignmentFlag.AlignRight if trailing != mirrored else Qt.AlignmentFlag.AlignLeft
            flags = side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(wide) + 1)
            painter.drawText(QRectF(left, 0, wide, self.height()), int(flags), shown)
        painter.end()
