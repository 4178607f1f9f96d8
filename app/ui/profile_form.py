"""The form of one profile: a sheet over the window that saves only what can be used."""

import asyncio
from dataclasses import replace

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from app.client.form import ProfileDraft
from app.client.options import check_files
from app.client.profiles import Entry
from app.errors import Failure, UnlockCancelled
from app.storage.passwords import Protection
from app.ui.base import Retranslating, button, h_line, label, row, set_role
from app.ui.bridge import Bridge
from app.ui.dialogs import ask
from app.ui.form_fields import room_for, scroll_area, wrapped
from app.ui.messages import Message
from app.ui.profile_fields import ProfileFields
from app.ui.tokens import GIANT, HUGE, LARGE, MEDIUM

_SIZE = QSize(17 * GIANT, 21 * GIANT)
_LEAST = QSize(10 * GIANT, 12 * GIANT)


class ProfileForm(Retranslating, QDialog):
    """Adds a profile, or edits `entry`. `open` it; it is deleted when it has closed."""

    def __init__(self, bridge: Bridge, entry: Entry | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self._bridge, self._entry = bridge, entry
        self._busy = self._asking = False
        groups = dict.fromkeys(one.group for one in bridge.control.profiles.entries if one.group)
        self.fields = ProfileFields(list(groups))
        self.headline = label("headline")
        self.note = wrapped("faint")
        self.cancel = button(text=" ")
        self.save = button("primary", text=" ")
        self.save.setDefault(True)
        self._lay_out()
        self.fields.put(self._draft())
        self._saved = self.fields.draft()
        self.fields.edited.connect(self._check)
        self.fields.password_wanted.connect(lambda: bridge.run(self._reveal(), "show a password"))
        self.cancel.clicked.connect(self.reject)
        self.save.clicked.connect(lambda: bridge.run(self._save(), "save a profile"))
        self.retranslate()
        self.fields.name.setFocus()

    def _lay_out(self) -> None:
        inside = QWidget()
        padded = QVBoxLayout(inside)
        padded.setContentsMargins(HUGE, LARGE, HUGE, LARGE)
        padded.addWidget(self.fields)
        head, foot = row(self.headline), row(self.note, self.cancel, self.save)
        head.setContentsMargins(HUGE, HUGE, HUGE, MEDIUM)
        foot.setContentsMargins(HUGE, LARGE, HUGE, LARGE)
        foot.setStretch(0, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(head)
        outer.addWidget(scroll_area(inside), 1)
        outer.addWidget(h_line())
        outer.addLayout(foot)
        self.setMinimumSize(_LEAST)
        room = room_for(self, _SIZE)
        self.resize(_SIZE.boundedTo(room - QSize(LARGE, LARGE)).expandedTo(_LEAST))

    def retranslate(self) -> None:
        title = self.tr("New profile") if self._entry is None else self.tr("Edit profile")
        self.setWindowTitle(title)
        self.headline.setText(title)
        self.cancel.setText(self.tr("Cancel"))
        self.save.setText(self.tr("Save"))
        self._check()

    @property
    def changed(self) -> bool:
        """Whether there is anything that closing would lose."""
        return self.fields.draft() != self._saved

    def reject(self) -> None:
        """Close; where something would be lost, only after asking."""
        if not self.changed:
            super().reject()
        elif not self._asking:
            self._bridge.run(self._ask_first(), "ask before closing a form")

    # ---- inside

    def _draft(self) -> ProfileDraft:
        asks = self._bridge.control.vault.protection is Protection.ASK
        if self._entry is None:
            return ProfileDraft(asks_each_time=asks)
        return ProfileDraft.of(self._entry.profile, self._entry.group, asks)

    def _check(self) -> None:
        """Save can be pressed once everything is right; until then the foot says what is missing."""
        missing = next(iter(self.fields.draft().problems().values()), "")
        self.save.setEnabled(not missing and not self._busy)
        self._say(missing, "faint")

    def _say(self, text: str, role: str) -> None:
        self.note.setText(text)
        set_role(self.note, role)

    async def _save(self) -> None:
        self._busy = True
        self.save.setEnabled(False)
        try:
            await self._store(self.fields.draft())
        except UnlockCancelled:
            pass
        except Failure as failure:
            self._say(str(failure), "bad")
        else:
            self._saved = self.fields.draft()
            self.accept()
        finally:
            self._busy = False
            self.save.setEnabled(True)

    async def _store(self, draft: ProfileDraft) -> None:
        profile = draft.profile()
        await asyncio.to_thread(check_files, profile)
        profiles = self._bridge.control.profiles
        if self._entry is None:
            await profiles.add(profile, draft.passwords(), group=draft.group)
            return
        if draft.keeps_passwords():
            passwords = None
        elif draft.needs_stored():
            passwords = draft.passwords(await profiles.passwords(self._entry.id))
        else:
            passwords = draft.passwords()
        entry = await profiles.edit(self._entry.id, profile, passwords, draft.group)
        self._offer_reconnect(entry, replace(entry.profile, name="") != replace(self._entry.profile, name=""))

    def _offer_reconnect(self, entry: Entry, changed: bool) -> None:
        """The tunnel goes on with what it was started with until somebody says otherwise."""
        bridge = self._bridge
        active = bridge.control.active
        if not (changed and bridge.control.is_on and active is not None and active.id == entry.id):
            return
        text = self.tr("Saved. The tunnel still runs with what was there before.")
        again = self.tr("Reconnect")
        bridge.message.emit(
            Message(text, "info", again, lambda: bridge.run(bridge.control.connect(entry.id), "reconnect"), "saved")
        )

    async def _reveal(self) -> None:
        assert self._entry is not None
        before = self.changed
        try:
            self.fields.fill_passwords(await self._bridge.control.profiles.passwords(self._entry.id))
        except Failure as failure:
            self.fields.password.hide_text()
            if not isinstance(failure, UnlockCancelled):
                self._say(str(failure), "bad")
        else:
            if not before:
                self._saved = self.fields.draft()

    async def _ask_first(self) -> None:
        self._asking = True
        buttons = [
            ("discard", self.tr("Discard"), "danger"),
            ("keep", self.tr("Keep editing"), "primary"),
        ]
        title, text = self.tr("Discard the changes?"), self.tr("What you changed in this profile is not saved.")
        try:
            if await ask(self, title, text, buttons) == "discard":
                super().reject()
        finally:
            self._asking = False
