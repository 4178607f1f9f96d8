"""The stages of connecting as proof: each with its time; the one that failed as a sentence, and a button that helps."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.errors import Failure
from app.ui import icons, theme
from app.ui.base import Button, Retranslating, label, set_role
from app.ui.tokens import LARGE, SMALL, TINY
from app.ui.widgets.amounts import ms_text
from app.ui.widgets.stages import Help, Look, Stage, breakable, help_for, stage_text
from app.wording import stage_name

_ICON: Final = 16  # pixels
_LINE: Final = 24
_WIDEST: Final = "00 ms"
_BESIDE_FROM: Final = 480


class StageRow(Retranslating, QWidget):
    """`help_asked` comes with "retry", "edit", "logs", "settings" or "certificate" when the button is pressed."""

    help_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._help: Help = "retry"
        self.line = StageLine()
        self.sentence = label("bad", wrap=True, selectable=True)
        self.button = Button(text="…")
        self.button.clicked.connect(lambda: self.help_asked.emit(self._help))
        self.button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._trouble = QWidget()
        self._beside = QBoxLayout(QBoxLayout.Direction.LeftToRight, self._trouble)
        self._beside.setContentsMargins(0, 0, 0, 0)
        self._beside.setSpacing(LARGE)
        self._beside.addWidget(self.sentence, 1)
        self._beside.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SMALL)
        column.addWidget(self.line)
        column.addWidget(self._trouble)
        self._trouble.hide()
        self.retranslate()

    def retranslate(self) -> None:
        """The button by what it does."""
        self.button.setText(
            {
                "retry": self.tr("Try again"),
                "edit": self.tr("Edit profile"),
                "logs": self.tr("Open the log"),
                "settings": self.tr("Open settings"),
                "certificate": self.tr("Look at the certificate…"),
            }[self._help]
        )
        self.line.say()

    def show_stages(self, shown: Sequence[Stage]) -> None:
        """The row; none hides it."""
        self.line.show_stages(shown)

    def show_failure(self, failure: Failure | None, sentence: str = "", *, serious: bool = True) -> None:
        """Say what stands in the way, in `sentence` if given; a failure that is not `serious` is a warning."""
        self._trouble.setVisible(failure is not None)
        if failure is None:
            return
        self._help = help_for(failure)
        self.sentence.setText(breakable(sentence or str(failure)))
        set_role(self.sentence, "bad" if serious else "warn")
        self.retranslate()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """The button goes below the sentence where there is little room."""
        super().resizeEvent(event)
        wide = event.size().width() >= _BESIDE_FROM
        self._beside.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        self._beside.setSpacing(LARGE if wide else SMALL)

    @property
    def troubled(self) -> bool:
        """Whether a failure is shown."""
        return not self._trouble.isHidden()


class StageLine(QWidget):
    """The stages side by side, on as many lines as it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.stages: tuple[Stage, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_stages(self, shown: Sequence[Stage]) -> None:
        """Show these; none hides the line."""
        if tuple(shown) != self.stages:
            self.stages = tuple(shown)
            self.setVisible(bool(shown))
            self.say()
            self._fit()

    def say(self) -> None:
        """The same in words."""
        self.setAccessibleName("; ".join(map(stage_text, self.stages)))
        self.update()

    def lines(self) -> int:
        """How many lines it takes at the present width."""
        return self._places()[-1][1] + 1 if self.stages else 0

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """All stages on one line."""
        return QSize(int(sum(map(self._width, self.stages))), _LINE)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """One stage on a line."""
        return QSize(int(max(map(self._width, self.stages), default=0)), _LINE)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Another width may need another number of lines."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(_LINE * max(1, self.lines()))

    def _width(self, stage: Stage) -> float:
        """With the time's widest figures, so that nothing moves when it comes."""
        metrics = QFontMetricsF(theme.font("body"))
        time = metrics.horizontalAdvance(_WIDEST)
        if stage.look == "done":
            time = max(time, metrics.horizontalAdvance(ms_text(stage.ms)))
        return _ICON + TINY + metrics.horizontalAdvance(stage_name(stage.name)) + TINY + time + LARGE

    def _places(self) -> list[tuple[float, int]]:
        """Distance from the leading edge, and line, of each stage."""
        places: list[tuple[float, int]] = []
        x, line = 0.0, 0
        for stage in self.stages:
            wide = self._width(stage)
            if x and x + wide - LARGE > self.width():
                x, line = 0.0, line + 1
            places.append((x, line))
            x += wide
        return places

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """A mark, the stage's name, its time."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font("body"))
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        for stage, (x, line) in zip(self.stages, self._places(), strict=True):
            wide = self._width(stage) - LARGE
            left = self.width() - x - wide if mirrored else x
            self._paint_stage(painter, stage, QRectF(left, line * _LINE, wide, _LINE), mirrored)
        painter.end()

    def _paint_stage(self, painter: QPainter, stage: Stage, box: QRectF, mirrored: bool) -> None:
        side = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        flags = side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter
        mark = QPointF(box.right() - _ICON if mirrored else box.left(), box.center().y() - _ICON / 2)
        self._paint_mark(painter, stage.look, mark)
        inset = _ICON + TINY
        rest = box.adjusted(0, 0, -inset, 0) if mirrored else box.adjusted(inset, 0, 0, 0)
        name = stage_name(stage.name)
        painter.setPen(theme.color({"waiting": "faint", "failed": "bad"}.get(stage.look, "text")))
        painter.drawText(rest, flags, name)
        if stage.look == "done":
            used = QFontMetricsF(theme.font("body")).horizontalAdvance(name) + TINY
            painter.setPen(theme.color("muted"))
            time = rest.adjusted(0, 0, -used, 0) if mirrored else rest.adjusted(used, 0, 0, 0)
            painter.drawText(time, flags, theme.figure(ms_text(stage.ms)))

    def _paint_mark(self, painter: QPainter, look: Look, at: QPointF) -> None:
        if look in ("done", "failed"):
            name, token = ("check", "good") if look == "done" else ("close", "bad")
            painter.drawPixmap(at, icons.pixmap(name, _ICON, token, self.devicePixelRatioF()))
            return
        circle = QRectF(at.x() + 4, at.y() + 4, _ICON - 8, _ICON - 8)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("accent" if look == "running" else "faint"), 1.5))
        painter.drawEllipse(circle)
        if look == "running":
            painter.setBrush(theme.color("accent"))
            painter.drawPie(circle, -90 * 16, -180 * 16)
