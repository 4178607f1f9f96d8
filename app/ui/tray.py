"""The tray icon: the state by its shape, a tooltip with what goes on, a menu, and notes while the window is hidden."""

import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QSettings, Qt, QTimer, Signal
from PySide6.QtWidgets import QSystemTrayIcon

from app.client.state import State
from app.storage.settings import LEFT_CLICK, PRIVACY, TOLD_STAYS_IN_TRAY
from app.traffic.rates import format_rate
from app.ui import icons, theme
from app.ui.bridge import Bridge
from app.ui.messages import Message
from app.ui.tray_menu import TrayMenu
from app.ui.window import Window

if TYPE_CHECKING:
    from app.ui.switcher import Switcher

# Milliseconds. Panels redraw slowly, some flicker: an icon changes at most this often.
_ICON_EVERY: Final = 200
_FRAME: Final = 500  # of the rising fill while connecting

# A panel may come up later than we do: looked for often at first, then now and then.
_LOOK_EVERY: Final = 1_000
_LOOKS_UNTIL_TOLD: Final = 5
_EAGER_LOOKS: Final = 30
_LOOK_LATER_EVERY: Final = 10_000

_NOTE_EVERY: Final = 5_000  # between two notes of the desktop
_NOTE_STAYS: Final = 6_000

# Desktops whose panel is dark whatever the colours of the windows are.
_DARK_PANELS: Final = ("GNOME", "UNITY", "CINNAMON")

_KINDS: Final = {
    "warn": QSystemTrayIcon.MessageIcon.Warning,
    "bad": QSystemTrayIcon.MessageIcon.Critical,
}


class Tray(QObject):
    """Shows itself as soon as the desktop has a tray, and tells the window so. `available_changed` comes then too."""

    available_changed = Signal(bool)

    def __init__(self, bridge: Bridge, window: Window) -> None:
        super().__init__()
        self._bridge = bridge
        self._window = window
        self._icon = QSystemTrayIcon(self)
        self._icon.activated.connect(self._activated)
        self.menu = TrayMenu(bridge)
        self._icon.setContextMenu(self.menu)
        self._looks = 0
        self._frame = 0
        self._stale = False
        self._closed = False
        self._look = QTimer(self, interval=_LOOK_EVERY)
        self._look.timeout.connect(self.look)
        self._pause = QTimer(self, interval=_ICON_EVERY, singleShot=True)
        self._pause.timeout.connect(self._pause_over)
        self._frames = QTimer(self, interval=_FRAME)
        self._frames.timeout.connect(self._next_frame)
        self._quiet = QTimer(self, interval=_NOTE_EVERY, singleShot=True)
        self._connect()
        self._update()

    @cached_property
    def switcher(self) -> "Switcher":
        """The popup behind "More…", made when it is first asked for."""
        from app.ui.switcher import Switcher

        return Switcher(self._bridge)

    @property
    def available(self) -> bool:
        """Whether the icon is in a tray."""
        return self._icon.isVisible()

    def start(self) -> None:
        """Look for a tray now, and go on looking while there is none."""
        self.look()
        if not self.available:
            self._look.start()

    def look(self) -> None:
        """Show the icon if there is a tray by now; the window is told, also of none for some seconds."""
        there = QSystemTrayIcon.isSystemTrayAvailable()
        self._looks += 1
        if there and not self.available:
            self._look.stop()
            self._icon.show()
            self._announce(True)
        elif not there and self._looks == _LOOKS_UNTIL_TOLD:
            self._announce(False)
        elif not there and self._looks == _EAGER_LOOKS:
            self._look.setInterval(_LOOK_LATER_EVERY)

    def close(self) -> None:
        """Take the icon away, for good. Nothing happens the second time."""
        if self._closed:
            return
        self._closed = True
        for timer in (self._look, self._pause, self._frames, self._quiet):
            timer.stop()
        self._icon.hide()
        self._icon.setContextMenu(None)  # type: ignore[arg-type]  # Qt takes nullptr, the stubs do not say so
        self.menu.deleteLater()
        if "switcher" in vars(self):
            self.switcher.close()
            self.switcher.deleteLater()

    def tooltip(self) -> str:
        """State, profile and speeds; names are masked in privacy mode."""
        control = self._bridge.control
        lines = [f"{self.tr('AnyTLS Tray')} · {self.menu.status_text()}"]
        if control.is_on and control.active is not None:
            lines.append(self.menu.name_of(control.active))
        if control.client.state in (State.ON, State.DEGRADED):
            sample = self._bridge.sample
            lines.append(theme.ltr(f"↓ {format_rate(sample.down)}   ↑ {format_rate(sample.up)}"))
        return "\n".join(lines)

    def note(self, message: Message) -> None:
        """Let the desktop say what the hidden window cannot: troubles only, and not one after the other."""
        seen = self._window.isVisible() and not self._window.isMinimized()
        if message.kind not in _KINDS or seen or not self.available or self._quiet.isActive():
            return
        text = message.text
        if self._bridge.control.settings.get(PRIVACY):
            text = self.tr("Something needs your attention.")
        self._quiet.start()
        self._icon.showMessage(self.tr("AnyTLS Tray"), unmarked(text), _KINDS[message.kind], _NOTE_STAYS)

    # ---- inside

    def _connect(self) -> None:
        bridge = self._bridge
        bridge.state_changed.connect(self._changed)
        # Queued: by then a new language is in force.
        bridge.settings_changed.connect(self._changed, Qt.ConnectionType.QueuedConnection)
        bridge.sampled.connect(self._show_tooltip)
        bridge.message.connect(self.note)
        self.menu.opened.connect(self._window.bring_up)
        self.menu.more.connect(self._search)
        self.menu.quit_asked.connect(bridge.quit_asked)
        self._icon.messageClicked.connect(self._window.bring_up)
        self._window.hidden_to_tray.connect(self._tell_stays)

    def _search(self) -> None:
        self.switcher.bring_up()

    def _announce(self, there: bool) -> None:
        self._window.set_tray(there)
        self.available_changed.emit(there)

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        """A click. A double click has been taken for one click already; the menu is the panel's own business."""
        if reason != QSystemTrayIcon.ActivationReason.Trigger:
            return
        control = self._bridge.control
        if control.settings.get(LEFT_CLICK) == "toggle" and (control.active is not None or control.is_on):
            self._bridge.run(control.toggle(), "toggle")
        elif self._window.isActiveWindow():
            self._window.close()
        else:
            self._window.bring_up()

    def _changed(self, _item: object = None) -> None:
        connecting = self._bridge.control.client.state is State.CONNECTING
        if not connecting or theme.reduced_motion():
            self._frames.stop()
            self._frame = 0
        elif not self._frames.isActive():
            self._frames.start()
        self._update()

    def _next_frame(self) -> None:
        self._frame = 1 - self._frame
        self._update()

    def _update(self) -> None:
        """Show state and tooltip now, or once the pause is over."""
        self._stale = self._pause.isActive()
        if self._stale:
            return
        state = self._bridge.control.client.state
        name = "connecting-2" if state is State.CONNECTING and self._frame else state.value
        self._icon.setIcon(icons.tray_icon(name, dark_panel()))
        self._show_tooltip()
        self._pause.start()

    def _pause_over(self) -> None:
        if self._stale:
            self._update()

    def _show_tooltip(self, _sample: object = None) -> None:
        text = unmarked(self.tooltip())
        if text != self._icon.toolTip():
            self._icon.setToolTip(text)

    def _tell_stays(self) -> None:
        """Once in a lifetime: closing the window has not ended the program."""
        settings = self._bridge.control.settings
        if not settings.get(TOLD_STAYS_IN_TRAY):
            settings.set(TOLD_STAYS_IN_TRAY, True)
            text = self.tr("The window is closed, the program goes on here. “Quit” in this menu ends it.")
            self._icon.showMessage(self.tr("AnyTLS Tray"), text, self._icon.icon(), _NOTE_STAYS)


def unmarked(text: str) -> str:
    """`text` for a panel, of which some read HTML and others show it: in neither may a stranger's name be markup."""
    return text.replace("<", "‹").replace(">", "›")


def dark_panel() -> bool:
    """Whether the desktop's panel is dark, as far as can be guessed."""
    if sys.platform == "win32":
        key = r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
        return QSettings(key, QSettings.Format.NativeFormat).value("SystemUsesLightTheme", 0) != 1
    desktop = os.environ.get("XDG_CURRENT_DESKTOP", "").upper()
    return any(name in desktop for name in _DARK_PANELS) or theme.desktop_is_dark()
