"""The page of profiles: find, add, import, test, switch, arrange, and delete with a way back."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QStackedLayout, QWidget

from app.client.profiles import Entry
from app.errors import CertificateRejected
from app.storage.settings import PRIVACY, Item
from app.ui.base import Page, button, label, page_layout, row
from app.ui.certificate_question import offer_to_look, switch_to
from app.ui.messages import Message
from app.ui.profile_card import address, shown_name
from app.ui.profile_form import ProfileForm
from app.ui.profile_model import ProfileModel
from app.ui.profile_tests import ProfileTests
from app.ui.tokens import GIANT, SMALL, TINY
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.profile_list import ProfileList
from app.ui.widgets.search_field import SearchField

_NARROW: Final = 18 * GIANT  # pixels of the page; below it the search has a line of its own
_SEARCH: Final = 7 * GIANT


class ProfilesPage(Page):
    """A list of cards under a line of buttons."""

    def build(self) -> None:
        self.model = ProfileModel(self)
        self.list = ProfileList(self.model)
        self.tests = ProfileTests(self.bridge, self)
        self._bring_back: Callable[[], None] = _nothing
        self.headline = label("headline")
        self.search = SearchField()
        self.test_all, self.import_, self.add = (
            button("", "test", " "),
            button("", "import", " "),
            button("primary", "add", " "),
        )
        self.paste, self.demo = button("primary", "clipboard", " "), button(text=" ")
        self.empty = EmptyState("clipboard", self.paste, self.demo)
        self.no_match = EmptyState("search")
        self.menu = QMenu(self)
        self.from_clipboard, self.from_files = self.menu.addAction(""), self.menu.addAction("")
        self._verbs: dict[str, Callable[[list[str]], None]] = {
            "switch": self._switch,
            "edit": self._edit,
            "duplicate": self._duplicate,
            "copy": self._copy,
            "test": self.tests.start,
            "delete": self._delete,
            "up": lambda ids: self.model.step(ids[0], down=False),
            "down": lambda ids: self.model.step(ids[0], down=True),
        }
        self._lay_out()
        self._connect()
        self._show()

    def _lay_out(self) -> None:
        self._stack = QStackedLayout()
        for one in (self.list, _centred(self.empty), _centred(self.no_match)):
            self._stack.addWidget(one)
        self._head = row(self.headline, None, self.search, self.test_all, self.import_, self.add)
        self._below = QHBoxLayout()
        layout = page_layout(self)
        layout.addLayout(self._head)
        layout.addLayout(self._below)
        layout.addLayout(self._stack, 1)
        self.search.setMinimumWidth(3 * GIANT)
        self.search.setMaximumWidth(_SEARCH)

    def _connect(self) -> None:
        self.list.asked.connect(self._asked)
        self.model.moved.connect(self._move)
        self.tests.changed.connect(self._show)
        self.tests.rejected.connect(self._offer)
        self.search.searched.connect(self._search)
        self.search.left_downwards.connect(self._into_list)
        self.add.clicked.connect(self.add_profile)
        self.test_all.clicked.connect(self._test_all)
        self.import_.clicked.connect(
            lambda: self.menu.popup(self.import_.mapToGlobal(QPoint(0, self.import_.height() + TINY)))
        )
        self.from_clipboard.triggered.connect(self._paste)
        self.from_files.triggered.connect(self._choose_files)
        self.paste.clicked.connect(self._paste)
        self.demo.clicked.connect(self.bridge.try_demo)
        self.bridge.profiles_changed.connect(self._show)
        self.bridge.state_changed.connect(self._show)
        self.bridge.settings_changed.connect(self._setting_changed)
        for key, act in (
            (QKeySequence.StandardKey.Find, self.go_to_search),
            (QKeySequence.StandardKey.New, self.add_profile),
            (QKeySequence.StandardKey.Undo, self._undo),
        ):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    def retranslate(self) -> None:
        self.headline.setText(self.tr("Profiles"))
        self.search.setAccessibleName(self.tr("Search profiles"))
        self._name_buttons()
        keys = QKeySequence(QKeySequence.StandardKey.Paste).toString(QKeySequence.SequenceFormat.NativeText)
        self.paste.setText(self.tr("Paste"))
        self.demo.setText(self.tr("Try the demo"))
        text = self.tr("Copy an anytls:// link and press {keys}, or drop a link or a file on this window.")
        self.empty.say(self.tr("Paste a link"), text.format(keys=keys))
        self.from_clipboard.setText(self.tr("From the clipboard") + f"\t{keys}")
        self.from_files.setText(self.tr("From files…"))
        self.model.retranslate()
        self._show()

    def shown(self) -> None:
        """The list takes the keys."""
        self.list.go_to_first()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Give the search a line of its own where there is little room."""
        super().resizeEvent(event)
        place = self._below if self.width() < _NARROW else self._head
        if place.indexOf(self.search) < 0:
            (self._head if place is self._below else self._below).removeWidget(self.search)
            place.insertWidget(2 if place is self._head else 0, self.search)
            self.search.setMaximumWidth(_SEARCH if place is self._head else self.maximumWidth())
            self._name_buttons()

    def add_profile(self) -> None:
        """Open an empty form."""
        ProfileForm(self.bridge, None, self.window()).open()

    def go_to_search(self) -> None:
        """Go to the search."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    # ---- what is shown

    def _show(self) -> None:
        control = self.bridge.control
        active = control.active
        self.model.set_testing(self.tests.under_way)
        self.model.show(control.profiles.entries, active.id if active else "", control.settings.get(PRIVACY))
        some = bool(control.profiles.entries)
        self._stack.setCurrentIndex(0 if self.model.shown else 2 if some else 1)
        for part in (self.search, self.test_all):
            part.setVisible(some)
        self.test_all.setEnabled(not self.tests.under_way)
        text = self.tr("No name, group or host has “{text}” in it.").format(text=self.search.text().strip())
        self.no_match.say(self.tr("No profile matches"), text)

    def _name_buttons(self) -> None:
        narrow = self._below.indexOf(self.search) >= 0
        words = (
            (self.test_all, "test", self.tr("Test all")),
            (self.import_, "import", self.tr("Import")),
            (self.add, "add", self.tr("Add")),
        )
        for one, icon, text in words:
            one.setText("" if narrow else text)
            one.setAccessibleName(text)
            one.setToolTip(text if narrow else "")
            one.set_icon_name(icon)
            one.set_kind(one.property("kind"))

    def _search(self, text: str) -> None:
        self.model.set_filter(text)
        self._show()

    def _setting_changed(self, item: Item[Any]) -> None:
        if item is PRIVACY:
            self._show()

    def _into_list(self) -> None:
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)
        self.list.go_to_first()

    # ---- verbs

    def _asked(self, verb: str, ids: list[str]) -> None:
        self._verbs[verb](ids)

    def _switch(self, ids: list[str]) -> None:
        switch_to(self.bridge, ids[0], self.window())

    def _offer(self, entry_id: str, failure: CertificateRejected) -> None:
        offer_to_look(self.bridge, entry_id, failure, self.window(), lambda: self.tests.start([entry_id]))

    def _edit(self, ids: list[str]) -> None:
        ProfileForm(self.bridge, self._entry(ids[0]), self.window()).open()

    def _duplicate(self, ids: list[str]) -> None:
        async def work() -> None:
            self.list.choose([(await self.bridge.control.profiles.duplicate(ids[0])).id])

        self.bridge.run(work(), "duplicate a profile")

    def _copy(self, ids: list[str]) -> None:
        QGuiApplication.clipboard().setText(address(self._entry(ids[0]).profile))
        self.bridge.say(self.tr("Address copied."), "good", "copied")

    def _delete(self, ids: list[str]) -> None:
        self.bridge.run(self._remove(ids), "delete profiles")

    async def _remove(self, ids: list[str]) -> None:
        control = self.bridge.control
        names = [self._shown_name(one) for one in ids]
        next_one = self._neighbour(ids)
        cut_off = control.is_on and control.active is not None and control.active.id in ids
        if cut_off:
            await control.disconnect()
        undo = await control.profiles.remove(ids)
        self.list.choose([next_one] if next_one else [])
        one = self.tr("Deleted {name}.").format(name=names[0])
        text = one if len(names) == 1 else self.tr("Profiles deleted: {count}.").format(count=len(names))
        if cut_off:
            text += " " + self.tr("It was in use, so the tunnel is off now.")

        async def restore() -> None:
            await control.profiles.restore(undo)
            self.list.choose(ids)

        def bring_back() -> None:
            self._bring_back = _nothing
            self.bridge.run(restore(), "bring profiles back")

        self._bring_back = bring_back
        self.bridge.message.emit(Message(text, "info", self.tr("Undo"), bring_back, key="deleted"))

    def _undo(self) -> None:
        self._bring_back()

    def _move(self, ids: list[str], before: str, group: str) -> None:
        self.bridge.run(self._put(ids, before, group), "move profiles")

    async def _put(self, ids: Sequence[str], before: str, group: str) -> None:
        profiles = self.bridge.control.profiles
        for one in ids:
            entry = self._entry(one)
            if entry.group != group:
                await profiles.edit(one, entry.profile, None, group)
            order = [other.id for other in profiles.entries if other.id != one]
            await profiles.move(one, order.index(before) if before in order else len(order))
        self.list.choose(ids)

    def _test_all(self) -> None:
        self.tests.start([entry.id for entry in self.model.shown])

    def _paste(self) -> None:
        self.bridge.import_text(QGuiApplication.clipboard().text())

    def _choose_files(self) -> None:
        chooser = QFileDialog(self.window(), self.tr("Import from files"))
        chooser.setFileMode(QFileDialog.FileMode.ExistingFiles)
        chooser.filesSelected.connect(lambda files: self.bridge.import_files([Path(file) for file in files]))
        chooser.finished.connect(chooser.deleteLater)
        chooser.open()

    # ---- inside

    def _entry(self, entry_id: str) -> Entry:
        return self.bridge.control.profiles.get(entry_id)

    def _shown_name(self, entry_id: str) -> str:
        control = self.bridge.control
        number = [entry.id for entry in control.profiles.entries].index(entry_id) + 1
        return shown_name(self._entry(entry_id), number, control.settings.get(PRIVACY))

    def _neighbour(self, ids: list[str]) -> str:
        """What is selected once these are gone: the next one, else the one before."""
        order = [entry.id for entry in self.model.shown]
        at = max((order.index(one) for one in ids if one in order), default=-1)
        left = [one for one in order[at + 1 :] if one not in ids] or [
            one for one in reversed(order[:at]) if one not in ids
        ]
        return next(iter(left), "")


def _nothing() -> None:
    """Nothing was deleted that could come back."""


def _centred(*parts: QWidget) -> QWidget:
    made = QWidget()
    layout = page_layout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SMALL)
    layout.addStretch(1)
    for part in parts:
        layout.addLayout(row(None, part, None))
    layout.addStretch(2)
    return made
