"""The session pool, live: how it went over time, and every open session."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from app.engine.snapshot import Snapshot
from app.traffic.pool_history import PoolCount
from app.ui.base import Button, Retranslating, row
from app.ui.tokens import LARGE, MEDIUM, SMALL
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.pool_graph import PoolGraph
from app.ui.widgets.session_delegate import WIDE_FROM
from app.ui.widgets.session_list import SessionHeader, SessionList
from app.ui.widgets.session_rows import RESTING, details, pool_text, reuse_text

_HEIGHT: Final = 88  # pixels of the graph alone


class SessionCard(Retranslating, QFrame):
    """`close_idle_asked` comes from the button, `close_asked` with the number of one session."""

    close_idle_asked = Signal()
    close_asked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._snapshot: Snapshot | None = None
        self._masked = False
        self._title = ElidedLabel(role="title")
        self.figures = ElidedLabel(role="muted")
        self.figures.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.figures_below = ElidedLabel(role="muted")
        self.close_idle = Button("quiet", text="…")
        self.graph = PoolGraph()
        self.graph.setFixedHeight(_HEIGHT)
        self.list = SessionList()
        self.header = SessionHeader(self.list)
        self.details = ElidedLabel(role="faint")
        self._lay_out()
        self.close_idle.clicked.connect(self.close_idle_asked)
        self.list.close_asked.connect(self.close_asked)
        self.list.selectionModel().currentChanged.connect(lambda *_: self._say_details())
        self.retranslate()

    def _lay_out(self) -> None:
        inside = QVBoxLayout(self)
        inside.setContentsMargins(LARGE, MEDIUM, LARGE, MEDIUM)
        inside.setSpacing(SMALL)
        inside.addLayout(row(self._title, self.figures, self.close_idle, spacing=MEDIUM))
        inside.addWidget(self.figures_below)
        inside.addWidget(self.graph)
        inside.addWidget(self.header)
        inside.addWidget(self.list, 1)
        inside.addWidget(self.details)

    def retranslate(self) -> None:
        """See `Retranslating`."""
        self._title.setText(self.tr("Sessions"))
        self.close_idle.setText(self.tr("Close idle"))
        self.close_idle.setToolTip(self.tr("Close every session that carries nothing now"))
        self._say()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Where there is little room, the figures take a line of their own and the columns need no names."""
        super().resizeEvent(event)
        self._say()

    @property
    def _is_wide(self) -> bool:
        return self.width() - 2 * LARGE >= WIDE_FROM

    def hide_names(self, masked: bool) -> None:
        """Hide host names, or show them again."""
        self._masked = masked
        self.list.hide_names(masked)
        self._say_details()

    def show_pool(self, snapshot: Snapshot | None, history: Sequence[PoolCount]) -> None:
        """The sessions now, and their counts, oldest first."""
        self._snapshot = snapshot
        self.graph.set_history(history)
        self.list.show_sessions(snapshot.sessions if snapshot else ())
        self._say()

    def _say(self) -> None:
        sessions = self._snapshot.sessions if self._snapshot else ()
        said, why = pool_text(self._snapshot), reuse_text(self._snapshot) if self._snapshot else ""
        for figures, shown in ((self.figures, self._is_wide), (self.figures_below, not self._is_wide)):
            figures.setText(said if shown else "")
            figures.setToolTip(why if shown else "")
        self.figures_below.setVisible(not self._is_wide and bool(said))
        self.close_idle.setEnabled(any(session.state in RESTING for session in sessions))
        rows = bool(self.list.sessions.rows)
        self.header.setVisible(rows and self._is_wide)
        self.list.setVisible(rows)
        high = QSizePolicy.Policy.Expanding if rows else QSizePolicy.Policy.Maximum
        self.setSizePolicy(QSizePolicy.Policy.Preferred, high)
        self._say_details()

    def _say_details(self) -> None:
        index = self.list.currentIndex()
        rows = self.list.sessions.rows
        row_ = rows[index.row()] if index.isValid() and index.row() < len(rows) else None
        text = details(row_.info, masked=self._masked).replace("\n", " · ") if row_ else ""
        self.details.setText(text)
        self.details.setVisible(bool(text))
