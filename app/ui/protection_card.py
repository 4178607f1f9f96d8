"""The card of settings that tells how passwords are protected, how the keyring is, and changes it."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFrame, QVBoxLayout
from shiboken6 import isValid

from app.errors import Failure, UnlockCancelled
from app.storage.passwords import KeyringState, Protection
from app.ui.base import Retranslating, button, h_line, label
from app.ui.dialogs import ask
from app.ui.tokens import LARGE, MEDIUM
from app.ui.widgets.setting_rows import ChoiceRow, SettingRow

if TYPE_CHECKING:
    from app.ui.bridge import Bridge


class ProtectionCard(Retranslating, QFrame):
    """One choice, and a way out for whoever has lost the key."""

    def __init__(self, bridge: "Bridge") -> None:
        super().__init__()
        self._bridge = bridge
        self._keyring: KeyringState | None = None
        self.setProperty("role", "card")
        self.title = label("title")
        self.choice = ChoiceRow(list(Protection))
        self.start_over = button("danger", text=" ")
        self._lost = SettingRow(self.start_over)
        self._line = h_line()
        inside = QVBoxLayout(self)
        inside.setContentsMargins(LARGE, LARGE, LARGE, LARGE)
        inside.setSpacing(MEDIUM)
        for one in (self.title, self.choice, self._line, self._lost):
            inside.addWidget(one)
        bridge.profiles_changed.connect(self._show)
        self.choice.edited.connect(lambda kind: bridge.run(self._protect(kind), "change the protection"))
        self.start_over.clicked.connect(lambda: bridge.run(self._start_over(), "start over with passwords"))
        self.retranslate()

    def look(self) -> None:
        """Ask how the keyring is; it answers later."""
        self._bridge.run(self._look(), "look at the keyring")

    async def _look(self) -> None:
        self._keyring = await self._bridge.control.vault.keyring_state()
        if isValid(self):  # it takes a while: the window may be gone by then
            self._show()

    async def _protect(self, kind: Protection) -> None:
        if await self._agreed(kind):
            await self._try(self._bridge.control.profiles.change_protection(kind))
        self._show()

    async def _agreed(self, kind: Protection) -> bool:
        """Whether kept passwords may be given up, where that is what it means."""
        if kind is not Protection.ASK or not self._any_kept():
            return True
        return await self._confirmed(
            self.tr("Keep no passwords?"),
            self.tr("The passwords kept now are forgotten when the program ends. You type them from then on."),
            self.tr("Keep none"),
        )

    async def _start_over(self) -> None:
        agreed = await self._confirmed(
            self.tr("Start over with passwords?"),
            self.tr(
                "Kept passwords that cannot be opened any more are given up, and a new key is made. Your profiles "
                "stay; type their passwords again, or import their links."
            ),
            self.tr("Start over"),
        )
        if agreed:
            await self._try(self._bridge.control.profiles.start_over())
        self._show()

    async def _confirmed(self, title: str, text: str, verb: str) -> bool:
        buttons = [("", self.tr("Cancel"), "quiet"), ("yes", verb, "danger")]
        return bool(await ask(self, title, text, buttons))

    async def _try(self, change: Coroutine[Any, Any, None]) -> None:
        self.choice.show_problem("")
        self.setEnabled(False)
        try:
            await change
        except UnlockCancelled:
            pass  # it stays as it was
        except Failure as failure:
            self.choice.show_problem(str(failure))
        finally:
            self.setEnabled(True)

    def _any_kept(self) -> bool:
        return any(entry.has_password for entry in self._bridge.control.profiles.entries)

    def retranslate(self) -> None:
        self.title.setText(self.tr("Passwords"))
        self.choice.set_choices([self.tr("System keyring"), self.tr("Master password"), self.tr("Ask each time")])
        self.start_over.setText(self.tr("Start over…"))
        self._lost.set_texts(
            self.tr("Key lost, or master password forgotten"),
            self.tr("Kept passwords cannot be opened then. Profiles stay, their passwords are entered anew."),
        )
        self._show()

    def _show(self) -> None:
        chosen = self._bridge.control.vault.protection
        meanings = {
            None: self.tr("It is chosen when the first password is kept."),
            Protection.KEYRING: self.tr("Passwords are encrypted with a key that lies in the system keyring."),
            Protection.MASTER: self.tr("Passwords are encrypted with your master password."),
            Protection.ASK: self.tr("Passwords are kept nowhere; you type one whenever you connect."),
        }
        states = {
            None: self.tr("Asking the system keyring…"),
            KeyringState.AVAILABLE: self.tr("The system keyring is there and open."),
            KeyringState.LOCKED: self.tr("The system keyring is locked; it is unlocked when a password is needed."),
            KeyringState.MISSING: self.tr("No system keyring answers on this computer."),
            KeyringState.DENIED: self.tr("The system keyring does not let this program in."),
        }
        self.choice.set_texts(self.tr("Protection"), f"{meanings[chosen]} {states[self._keyring]}")
        self.choice.show_value(chosen)
        for one in (self._line, self._lost):
            one.setVisible(chosen in (Protection.KEYRING, Protection.MASTER))
