"""One link before it is added: what it would make, what is dangerous about it, and what of it was ignored."""

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from app.client.importing import Candidate
from app.storage.profiles import Profile
from app.ui import icons
from app.ui.base import Retranslating, column, label, row
from app.ui.form_fields import wrapped
from app.ui.theme import ltr
from app.ui.tokens import ICON, LARGE, MEDIUM, SMALL, TINY
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.pill import Pill

DOTS: Final = "••••••••"  # as many for every password: its length is nobody's business

_MOST_NOTES: Final = 12


class CandidateCard(Retranslating, QFrame):
    """`show_candidate` fills it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._candidate: Candidate | None = None
        self._sentences: list[str] = []
        self.name = ElidedLabel(role="title")
        self.pill = Pill()
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(LARGE)
        self._grid.setVerticalSpacing(TINY)
        self._grid.setColumnStretch(1, 1)
        self.values: dict[str, QLabel] = {}
        self.labels: dict[str, QLabel] = {}
        for at, key in enumerate(("server", "server_name", "password")):
            self.labels[key] = label("muted")
            self.values[key] = ElidedLabel(middle=key != "password")
            self._grid.addWidget(self.labels[key], at, 0)
            self._grid.addWidget(self.values[key], at, 1)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(TINY)
        inside = column(row(self.name, self.pill), self._grid, self._lines, spacing=MEDIUM)
        inside.setContentsMargins(LARGE, LARGE, LARGE, LARGE)
        self.setLayout(inside)
        self.retranslate()

    def retranslate(self) -> None:
        self.labels["server"].setText(self.tr("Server"))
        self.labels["server_name"].setText(self.tr("Server name (SNI)"))
        self.labels["password"].setText(self.tr("Password"))
        self._show()

    def show_candidate(self, candidate: Candidate | None) -> None:
        """Show this one; None empties the card."""
        self._candidate = candidate
        self._show()

    @property
    def sentences(self) -> list[str]:
        """The lines under the values, from top to bottom."""
        return list(self._sentences)

    def _show(self) -> None:
        while self._lines.count():
            item = self._lines.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._sentences = []
        one = self._candidate
        if one is None:
            return
        profile = one.profile
        self.name.setText(one.source if profile is None else profile.name)
        self.pill.show_text(self.tr("already there") if one.duplicate_of else "", "warn")
        for key in self.values:
            self.values[key].setVisible(profile is not None)
            self.labels[key].setVisible(profile is not None)
        if profile is not None:
            self._show_values(profile, one)
        self._show_lines(one)

    def _show_values(self, profile: Profile, one: Candidate) -> None:
        servers = ", ".join(str(server) for server in profile.servers)
        self.values["server"].setText(ltr(servers))
        names = {None: self.tr("the same as the host"), "": self.tr("none is sent")}
        name = profile.server_name
        self.values["server_name"].setText(ltr(name) if name else names[name])
        given = any(one.passwords)
        self.values["password"].setText(DOTS if given else self.tr("none; it is asked for when you connect"))
        self.values["password"].setAccessibleName(self.tr("given, not shown") if given else "")

    def _show_lines(self, one: Candidate) -> None:
        if one.problem:
            self._add_line(one.problem, "error", "bad")
        for danger in one.dangers:
            self._add_line(danger, "warning", "bad")
        if one.duplicate_of:
            text = self.tr("The profile “{name}” leads to the same server.")
            self._add_line(text.format(name=one.duplicate_of), "duplicate", "warn")
        dangers = set(one.dangers)
        notes = [note for note in one.notes if note not in dangers]
        for note in notes[:_MOST_NOTES]:
            self._add_line(note, "", "faint")
        if len(notes) > _MOST_NOTES:
            self._add_line(self.tr("Further remarks: {count}.").format(count=len(notes) - _MOST_NOTES), "", "faint")

    def _add_line(self, text: str, icon: str, role: str) -> None:
        line = QWidget()
        self._sentences.append(text)
        words = wrapped(role, text, selectable=True)
        picture = QLabel()
        picture.setFixedWidth(ICON if icon else 0)
        if icon:
            picture.setPixmap(icons.pixmap(icon, ICON - TINY, role, self.devicePixelRatioF()))
        inside = row(picture, words, spacing=SMALL if icon else 0)
        inside.setAlignment(picture, Qt.AlignmentFlag.AlignTop)
        inside.setStretch(1, 1)
        line.setLayout(inside)
        self._lines.addWidget(line)
