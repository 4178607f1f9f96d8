"""The window's sidebar: five pages by icon and word, by icon alone where room is short; the state at its foot."""

from functools import cache
from typing import Final

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeySequence, QPainter, QPixmap
from PySide6.QtWidgets import QButtonGroup, QFrame, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.client.state import State
from app.ui import icons, theme
from app.ui.base import Retranslating, label, row, set_role
from app.ui.tokens import GIANT, ICON, LARGE, MEDIUM, SMALL, TINY

PAGES: Final = ("home", "profiles", "connections", "logs", "settings")

WIDE: Final = 200  # pixels
NARROW: Final = 64
_GAP: Final = SMALL  # between icon and word, beyond the style's own

_ROLES: Final = {
    State.OFF: "muted",
    State.CONNECTING: "accent",
    State.ON: "good",
    State.DEGRADED: "warn",
    State.FAILED: "bad",
}


class Sidebar(Retranslating, QFrame):
    """`chosen` comes with the name of a page, `copy_asked` when the address is clicked."""

    chosen = Signal(str)
    copy_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "sidebar")
        self._narrow = False
        self._state = State.OFF
        self._address = ""
        self._group = QButtonGroup(self)
        self.buttons = {name: self._button() for name in PAGES}
        self._picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._word = label("muted")
        self.address = QPushButton()
        self.address.setProperty("kind", "link")
        self.address.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.address.setCursor(Qt.CursorShape.PointingHandCursor)
        self.address.clicked.connect(self.copy_asked)
        self._lay_out()
        self.select(PAGES[0])
        self.set_narrow(False)
        self.retranslate()
        self.retheme()

    def select(self, name: str) -> None:
        """Mark the page that is shown."""
        self.buttons[name].setChecked(True)
        for one in self.buttons.values():  # Qt moves Tab's stop for a person's choices only
            one.setFocusPolicy(Qt.FocusPolicy.TabFocus if one.isChecked() else Qt.FocusPolicy.NoFocus)

    def set_narrow(self, narrow: bool) -> None:
        """Show icons alone."""
        self._narrow = narrow
        self.setFixedWidth(NARROW if narrow else WIDE)
        self._word.setVisible(not narrow)
        self.address.setVisible(not narrow)
        self._foot.setAlignment(self._picture, Qt.AlignmentFlag.AlignHCenter if narrow else Qt.AlignmentFlag.AlignLeft)
        self.retranslate()
        self.retheme()

    @property
    def narrow(self) -> bool:
        """Whether icons stand alone."""
        return self._narrow

    def show_state(self, state: State, address: str) -> None:
        """What stands at the foot: the tunnel's state, and where apps reach it."""
        self._state, self._address = state, address
        self.retranslate()
        self.retheme()

    def retranslate(self) -> None:
        """The pages' names and the state's word."""
        names = {
            "home": self.tr("Home"),
            "profiles": self.tr("Profiles"),
            "connections": self.tr("Connections"),
            "logs": self.tr("Logs"),
            "settings": self.tr("Settings"),
        }
        for number, (name, text) in enumerate(names.items(), 1):
            one = self.buttons[name]
            one.setText("" if self._narrow else text)
            one.setAccessibleName(text)
            keys = QKeySequence(f"Ctrl+{number}").toString(QKeySequence.SequenceFormat.NativeText)
            one.setToolTip(f"{text} ({keys})")
            if one.property("iconOnly") != self._narrow:
                one.setProperty("iconOnly", self._narrow)
                one.style().polish(one)
        self._word.setText(self._state_word())
        self._picture.setToolTip(f"{self._state_word()}\n{theme.ltr(self._address)}")
        self._picture.setAccessibleName(self._state_word())
        self.address.setText(theme.ltr(self._address))
        self.address.setAccessibleName(self.tr("Copy the proxy address {address}").format(address=self._address))
        self.address.setToolTip(self.tr("Copy the proxy address"))

    def retheme(self) -> None:
        """Icons and the state in the colours in force."""
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        muted, accent = theme.tokens().muted, theme.tokens().accent
        for name, one in self.buttons.items():
            one.setIcon(_two_colored(name, muted, accent, not self._narrow, mirrored))
            one.setIconSize(QSize(ICON if self._narrow else ICON + _GAP, ICON))
        role = _ROLES[self._state]
        set_role(self._word, role)
        self._picture.setPixmap(
            icons.pixmap(f"tray-{self._state.value}", ICON, role, self.devicePixelRatioF()),
        )

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Another direction of reading puts the icons' gap on the other side."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self.retheme()

    def _state_word(self) -> str:
        return {
            State.OFF: self.tr("Off"),
            State.CONNECTING: self.tr("Connecting…"),
            State.ON: self.tr("On"),
            State.DEGRADED: self.tr("Degraded"),
            State.FAILED: self.tr("Failed"),
        }[self._state]

    def _button(self) -> QPushButton:
        one = QPushButton()
        one.setProperty("kind", "nav")
        one.setCheckable(True)
        one.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        one.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._group.addButton(one)
        one.clicked.connect(lambda: self.chosen.emit(self._name_of(one)))
        return one

    def _name_of(self, button: QPushButton) -> str:
        return next(name for name, one in self.buttons.items() if one is button)

    def _lay_out(self) -> None:
        inside = QVBoxLayout(self)
        inside.setContentsMargins(MEDIUM, LARGE, MEDIUM, MEDIUM)  # the foot is level with the line at Home's
        inside.setSpacing(TINY)
        for one in self.buttons.values():
            inside.addWidget(one)
        inside.addStretch(1)
        self._foot = row(self._picture, self._word, None, spacing=SMALL)
        self._foot.setContentsMargins(MEDIUM - 2, 0, 0, 0)
        inside.addLayout(self._foot)
        beside = row(self.address, None)
        beside.setContentsMargins(SMALL - 2, 0, 0, 0)
        inside.addLayout(beside)
        self.setMinimumHeight(len(PAGES) * GIANT)


@cache
def _two_colored(name: str, muted: str, accent: str, spaced: bool, mirrored: bool) -> QIcon:
    """Muted, and in the accent's colour while its page is shown; `spaced` from the word beside it."""
    made = QIcon()
    for state, color in ((QIcon.State.Off, muted), (QIcon.State.On, accent)):
        for ratio in (1.0, 2.0):
            picture = icons.pixmap(name, ICON, color, ratio)
            made.addPixmap(_spaced(picture, mirrored) if spaced else picture, QIcon.Mode.Normal, state)
    return made


def _spaced(picture: QPixmap, mirrored: bool) -> QPixmap:
    """The picture with a gap at the side where the word stands."""
    ratio = picture.devicePixelRatio()
    wide = QPixmap(round((ICON + _GAP) * ratio), picture.height())
    wide.setDevicePixelRatio(ratio)
    wide.fill(QColor(Qt.GlobalColor.transparent))
    painter = QPainter(wide)
    painter.drawPixmap(_GAP if mirrored else 0, 0, picture)
    painter.end()
    return wide
