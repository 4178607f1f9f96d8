"""The preview of an import. Nothing is added before somebody has seen it here and said so."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QScrollArea, QVBoxLayout, QWidget

from app.client.importing import Candidate
from app.errors import Failure, UnlockCancelled
from app.ui.base import Retranslating, button, column, h_line, label, row, set_role
from app.ui.bridge import Bridge
from app.ui.dialogs import bring_up
from app.ui.form_fields import room_for, scroll_area, wrapped
from app.ui.tokens import GIANT, HUGE, LARGE, MEDIUM
from app.ui.widgets.candidate_card import CandidateCard
from app.ui.widgets.candidate_list import CandidateList, CandidateModel

_WIDTH: Final = 18 * GIANT
_HEIGHT_OF_MANY: Final = 18 * GIANT
_GROUP_NAME: Final = 14  # characters in sight
_LEAST: Final = QSize(10 * GIANT, 8 * GIANT)


def show_preview(bridge: Bridge, candidates: Sequence[Candidate], parent: QWidget | None) -> "ImportDialog":
    """Open the preview over the window. It deletes itself when it is closed."""
    bring_up(parent)
    dialog = ImportDialog(bridge, candidates, parent)
    dialog.open()
    return dialog


class ImportDialog(Retranslating, QDialog):
    """One link as a card; several as a list with boxes, and the card of the one that is looked at."""

    def __init__(self, bridge: Bridge, candidates: Sequence[Candidate], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self._bridge = bridge
        self._candidates = list(candidates)
        self._usable = [one for one in candidates if one.profile is not None]
        self._busy = False
        self.headline = wrapped("headline")
        self.card = CandidateCard()
        self.model = CandidateModel(self._candidates, self)
        self.list = CandidateList(self.model)
        self.all = QCheckBox()
        self.group = QComboBox()
        self.group_label = label("muted")
        self.note = wrapped("faint")
        self.cancel, self.add, self.connect_ = button(text=" "), button(text=" "), button("primary", text=" ")
        self._lay_out()
        self._connect()
        self.retranslate()
        if not self.several:  # Enter adds at most: a link may have come from outside, while somebody typed
            (self.add if self._usable else self.cancel).setFocus()

    @property
    def several(self) -> bool:
        """Whether there is anything to choose from."""
        return len(self._candidates) > 1

    @property
    def chosen(self) -> list[Candidate]:
        """What would be added now."""
        return self.model.ticked if self.several else self._usable

    def _lay_out(self) -> None:
        holder = QWidget()
        holder.setLayout(column(self.card, None))
        area = scroll_area(holder)
        self.group.setEditable(True)
        self.group.setMinimumContentsLength(_GROUP_NAME)
        self.group_label.setBuddy(self.group)
        groups = dict.fromkeys(one.group for one in self._bridge.control.profiles.entries if one.group)
        self.group.addItems(["", *groups])
        tools = row(self.all, None, self.group_label, self.group)
        foot = row(self.note, self.cancel, self.add, self.connect_)
        foot.setStretch(0, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(HUGE, HUGE, HUGE, LARGE)
        outer.setSpacing(LARGE)
        outer.addWidget(self.headline)
        for part in (self.all, self.group_label, self.group, self.list):
            part.setVisible(self.several)
        outer.addLayout(tools)
        outer.addWidget(self.list, 3)
        outer.addWidget(area, 2)
        outer.addWidget(h_line())
        outer.addLayout(foot)
        self._size(area)

    def _size(self, area: QScrollArea) -> None:
        self.setMinimumWidth(_LEAST.width())
        window = room_for(self, QSize(_WIDTH, 2 * _HEIGHT_OF_MANY))
        width = max(_LEAST.width(), min(_WIDTH, window.width() - LARGE))
        if self.several:
            self.list.setCurrentIndex(self.model.index(0))
            self.list.setFocus()
            self.resize(width, max(_LEAST.height(), min(_HEIGHT_OF_MANY, window.height() - LARGE)))
            return
        self.card.show_candidate(self._candidates[0] if self._candidates else None)
        self.card.ensurePolished()
        wanted = self.card.heightForWidth(width - 2 * HUGE) + MEDIUM
        area.setMinimumHeight(max(_LEAST.height() // 2, min(wanted, window.height() - 7 * GIANT)))
        self.resize(width, self.sizeHint().height())

    def _connect(self) -> None:
        self.list.current_changed.connect(self.card.show_candidate)
        if self.several:
            self.card.show_candidate(self._candidates[0])
        self.model.ticked_changed.connect(self._show)
        self.all.clicked.connect(self.model.tick_all)
        self.cancel.clicked.connect(self.reject)
        self.add.clicked.connect(lambda: self._start(False))
        self.connect_.clicked.connect(lambda: self._start(True))

    def retranslate(self) -> None:
        self.setWindowTitle(self.tr("Import"))
        self.add.setText(self.tr("Add"))
        self.connect_.setText(self.tr("Add and connect"))
        self.all.setText(self.tr("All"))
        self.group_label.setText(self.tr("Into the group"))
        self.group.setAccessibleName(self.tr("Into the group"))
        self._show()

    # ---- inside

    def _show(self) -> None:
        chosen, usable = self.chosen, self._usable
        self.cancel.setText(self.tr("Cancel") if usable else self.tr("Close"))
        one = len(chosen) == 1
        self.add.setVisible(bool(usable))
        self.connect_.setVisible(one)
        self.add.set_kind("" if one else "primary")
        for part in (self.add, self.connect_):
            part.setEnabled(bool(chosen) and not self._busy)
        (self.connect_ if one else self.add).setDefault(True)
        self.all.setEnabled(bool(usable))
        self.all.setCheckState(
            Qt.CheckState.Checked
            if usable and len(chosen) == len(usable)
            else Qt.CheckState.PartiallyChecked
            if chosen
            else Qt.CheckState.Unchecked
        )
        self.headline.setText(self._title())
        self._say(self._count() if self.several else "", "faint")

    def _title(self) -> str:
        if not self._usable:
            return self.tr("Nothing here can be added")
        return self.tr("Add these profiles?") if self.several else self.tr("Add this profile?")

    def _count(self) -> str:
        failed = len(self._candidates) - len(self._usable)
        text = self.tr("Chosen: {chosen} of {usable}").format(chosen=len(self.chosen), usable=len(self._usable))
        return text + (" · " + self.tr("not usable: {failed}").format(failed=failed) if failed else "")

    def _say(self, text: str, role: str) -> None:
        self.note.setText(text)
        set_role(self.note, role)

    def _start(self, connect: bool) -> None:
        if self.chosen and not self._busy:
            self._bridge.run(self._add(self.chosen, connect), "import profiles")

    async def _add(self, chosen: list[Candidate], connect: bool) -> None:
        self._busy = True
        self._show()
        bridge = self._bridge
        try:
            entries = await bridge.control.add(chosen, self.group.currentText().strip() if self.several else "")
        except UnlockCancelled:
            self._free()
            return
        except Failure as failure:
            self._free()
            self._say(str(failure), "bad")
            return
        one = self.tr("Added {name}.").format(name=entries[0].profile.name)
        text = one if len(entries) == 1 else self.tr("Profiles added: {count}.").format(count=len(entries))
        bridge.say(text, "good", "import")
        if connect:
            bridge.run(bridge.control.connect(entries[0].id), "connect")
        self.accept()

    def _free(self) -> None:
        self._busy = False
        self._show()
