"""The tray's menu: one menu for the whole run, whose items change. Nothing is put in or taken out while it is open."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from app.client.profiles import Entry
from app.client.state import State
from app.storage.settings import PRIVACY
from app.ui.base import Retranslating
from app.ui.bridge import Bridge
from app.ui.clipboard import put_secret
from app.ui.profile_card import shown_name
from app.ui.proxy_commands import SHELLS, command, local_address
from app.ui.theme import figure, ltr
from app.ui.widgets.amounts import ms_text

RECENT: Final = 15
"""Profiles in the menu; the switcher has them all."""

# Characters of a name and of a sentence; a menu is as wide as its longest line.
_NAME: Final = 40
_SENTENCE: Final = 64


class TrayMenu(Retranslating, QMenu):
    """`opened` asks for the window at a page, `more` for the switcher, `quit_asked` for the end."""

    opened = Signal(str)
    more = Signal()
    quit_asked = Signal()

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._shown: list[Entry] = []
        self._late = False
        self._fill()
        self.aboutToShow.connect(self.refresh)
        self.aboutToHide.connect(self._closed)
        bridge.state_changed.connect(self.refresh)
        bridge.profiles_changed.connect(self.refresh)
        bridge.settings_changed.connect(self.refresh)
        self.retranslate()

    def retranslate(self) -> None:
        """The texts that only the language changes, and then the others."""
        self.title_item.setText(self.tr("Profiles"))
        self.more_item.setText(self.tr("More…"))
        self.import_item.setText(self.tr("Import from clipboard"))
        self.copy_item.setText(self.tr("Copy proxy address"))
        self.commands.setTitle(self.tr("Copy terminal command"))
        for item, text in zip(self.command_items, ("sh", "PowerShell", "cmd"), strict=True):
            item.setText(text)
        self.open_item.setText(self.tr("Open"))
        self.quit_item.setText(self.tr("Quit"))
        self.refresh()

    def refresh(self, _item: object = None) -> None:
        """Bring state and profiles up to date; profiles that would move under the pointer wait until it closes."""
        self.verb.setText(escaped(self._verb_text()))
        self.status.setText(escaped(elided(self.status_text(), _SENTENCE)))
        if self.isVisible():
            self._late = True
            self._check()
        else:
            self._show_profiles()

    def status_text(self) -> str:
        """The state in a sentence."""
        client = self._bridge.control.client
        reason = f"{client.failure}" if client.failure else ""
        if self._bridge.control.settings.get(PRIVACY):
            reason = ""
        if client.state in (State.DEGRADED, State.FAILED) and reason:
            return reason
        words = {
            State.OFF: self.tr("Off"),
            State.CONNECTING: self.tr("Connecting…"),
            State.ON: self.tr("On"),
            State.DEGRADED: self.tr("On, but something is wrong"),
            State.FAILED: self.tr("Failed"),
        }
        where = f" · {ltr(str(client.address))}" if client.state is State.ON and client.address else ""
        return words[client.state] + where

    def name_of(self, entry: Entry) -> str:
        """The name as it is shown: masked in privacy mode, and never too long."""
        control = self._bridge.control
        number = control.profiles.entries.index(entry) + 1 if entry in control.profiles.entries else 0
        return elided(shown_name(entry, number, control.settings.get(PRIVACY)), _NAME)

    # ---- inside

    def _fill(self) -> None:
        self.verb = self._item(self._toggle)
        self.status = self._item(None)
        self.addSeparator()
        self.title_item = self._item(None)
        self._group = QActionGroup(self)
        self.profiles = [self._profile_item(place) for place in range(RECENT)]
        self.more_item = self._item(self.more.emit)
        self.addSeparator()
        self.import_item = self._item(self._import)
        self.copy_item = self._item(self._copy_address)
        self.commands = self.addMenu("")
        self.command_items = []
        for shell in SHELLS:
            one = self.commands.addAction("")
            one.triggered.connect(lambda _checked=False, shell=shell: self._copy_command(shell))
            self.command_items.append(one)
        self.addSeparator()
        self.open_item = self._item(lambda: self.opened.emit(""))
        self.quit_item = self._item(self.quit_asked.emit)

    def _item(self, act: Callable[[], None] | None) -> QAction:
        made = self.addAction("")
        if act is None:
            made.setEnabled(False)
        else:
            made.triggered.connect(lambda _checked=False: act())
        return made

    def _profile_item(self, place: int) -> QAction:
        made = self._item(lambda: self._choose(place))
        made.setCheckable(True)
        made.setVisible(False)
        self._group.addAction(made)
        return made

    def _verb_text(self) -> str:
        control = self._bridge.control
        if control.is_on:
            return self.tr("Disconnect")
        if control.busy:
            return self.tr("Cancel")
        if control.active is None:
            return self.tr("Add a profile…")
        return self.tr("Connect – {name}").format(name=self.name_of(control.active))

    def _show_profiles(self) -> None:
        self._late = False
        profiles = self._bridge.control.profiles
        self._shown = list(profiles.recent(RECENT))
        for place, item in enumerate(self.profiles):
            entry = self._shown[place] if place < len(self._shown) else None
            item.setVisible(entry is not None)
            if entry is not None:
                item.setText(escaped(self._profile_text(entry)))
        self.title_item.setVisible(bool(self._shown))
        self.more_item.setVisible(len(profiles.entries) > len(self._shown))
        self._check()

    def _profile_text(self, entry: Entry) -> str:
        name = self.name_of(entry)
        if entry.problem:
            return self.tr("{name} · failed").format(name=name)
        return name if entry.latency_ms is None else f"{name} · {figure(ms_text(entry.latency_ms))}"

    def _check(self) -> None:
        """Mark the active profile, whatever a click has marked."""
        active = self._bridge.control.active
        for place, entry in enumerate(self._shown[:RECENT]):
            self.profiles[place].setChecked(active is not None and entry.id == active.id)

    def _closed(self) -> None:
        if self._late:
            self._show_profiles()

    def _toggle(self) -> None:
        control = self._bridge.control
        if control.active is None and not control.is_on and not control.busy:
            self.opened.emit("profiles")
        else:
            self._bridge.run(control.toggle(), "toggle")

    def _choose(self, place: int) -> None:
        entry = self._shown[place]
        self._check()
        from app.ui.certificate_question import switch_to  # not needed for a start into the tray

        switch_to(self._bridge, entry.id, None)

    def _import(self) -> None:
        self._bridge.import_text(QGuiApplication.clipboard().text())

    def _copy_address(self) -> None:
        QGuiApplication.clipboard().setText(str(local_address(self._bridge.control)))

    def _copy_command(self, shell: str) -> None:
        self._bridge.run(self._put_command(shell), "copy a terminal command")

    async def _put_command(self, shell: str) -> None:
        control = self._bridge.control
        credentials = await control.local.credentials()
        put_secret(command(shell, local_address(control), credentials))


def elided(text: str, most: int) -> str:
    """At most so many characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def escaped(text: str) -> str:
    """A menu takes an ampersand for the mark of a key."""
    return text.replace("&", "&&")
