"""The questions about passwords, asked in the window: `WindowQuestions` is what the vault and the verbs ask through."""

import asyncio
import math
from typing import Literal

from PySide6.QtWidgets import QLabel, QRadioButton, QVBoxLayout, QWidget

from app.storage.passwords import Protection
from app.storage.settings import ON_SWITCH, Settings
from app.ui.base import column, label, set_role
from app.ui.dialogs import Dialog
from app.ui.questions import ask_switch
from app.ui.tokens import MEDIUM, TINY
from app.ui.widgets.password_field import PasswordField

MIN_MASTER = 8  # characters; Argon2id makes each guess slow, length makes guesses many

_INSET = 2 * MEDIUM + 6  # pixels: as far in as the words of a choice, behind its ring

_FAIR_BITS, _STRONG_BITS = 45, 70


class ProtectionQuestion(Dialog):
    """How passwords are protected where there is no keyring."""

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent, [("", "quiet"), ("ok", "primary")])
        self.options: dict[Protection, QRadioButton] = {}
        self._meanings: dict[Protection, QLabel] = {}
        for protection in (Protection.MASTER, Protection.ASK):
            self.content.addLayout(self._option(protection))
        self.options[Protection.MASTER].setChecked(True)
        self.options[Protection.MASTER].setFocus()
        self.retranslate()

    def _option(self, protection: Protection) -> QVBoxLayout:
        radio, meaning = QRadioButton(), label("muted", wrap=True)
        meaning.setContentsMargins(_INSET, 0, 0, 0)
        self.options[protection], self._meanings[protection] = radio, meaning
        return column(radio, meaning, spacing=TINY)

    @property
    def chosen(self) -> Protection:
        """The option that is marked."""
        return next(protection for protection, radio in self.options.items() if radio.isChecked())

    def retranslate(self) -> None:
        self.buttons[""].setText(self.tr("Cancel"))
        self.buttons["ok"].setText(self.tr("Continue"))
        texts = {
            Protection.MASTER: (
                self.tr("Master password"),
                self.tr("Passwords are kept encrypted. You type one master password, once after each start."),
            ),
            Protection.ASK: (
                self.tr("Ask each time"),
                self.tr("Nothing is kept on this computer. You type a profile's password when you connect."),
            ),
        }
        for protection, (name, meaning) in texts.items():
            self.options[protection].setText(name)
            self.options[protection].setAccessibleDescription(meaning)
            self._meanings[protection].setText(meaning)
        text = self.tr("The keyring of this system cannot be used. Settings can change the choice later.")
        self.say(self.tr("How should passwords be protected?"), text)


class PasswordQuestion(Dialog):
    """Asks for one password. `problem` stands under the field."""

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent, [("", "quiet"), ("ok", "primary")])
        self.name = label("muted")
        self.field = PasswordField()
        self.name.setBuddy(self.field)
        self.problem = label("bad", wrap=True)
        self.problem.hide()
        self.content.addLayout(column(self.name, self.field, self.problem, spacing=TINY))
        self.field.changed.connect(self._edited)
        self.field.setFocus()
        self.buttons["ok"].setEnabled(False)

    def show_problem(self, text: str) -> None:
        """Say what is wrong, or nothing with ""."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def _edited(self) -> None:
        self.show_problem("")
        self.buttons["ok"].setEnabled(bool(self.field.text()))

    async def password(self) -> str | None:
        """Ask; None if the question was dismissed."""
        return self.field.text() if await self.answer() else None


class ProfilePassword(PasswordQuestion):
    """The password of a profile that is kept nowhere."""

    def __init__(self, parent: QWidget | None, profile: str) -> None:
        super().__init__(parent)
        self._profile = profile
        self.retranslate()

    def retranslate(self) -> None:
        self.buttons[""].setText(self.tr("Cancel"))
        self.buttons["ok"].setText(self.tr("Connect"))
        self.name.setText(self.tr("Password"))
        self.field.edit.setAccessibleName(self.tr("Password"))
        text = self.tr("It is used for this connection and kept nowhere.")
        self.say(self.tr("Password of “{profile}”").format(profile=self._profile), text)


class MasterPassword(PasswordQuestion):
    """The master password, to unlock."""

    def __init__(self, parent: QWidget | None, wrong: bool) -> None:
        super().__init__(parent)
        self._wrong = wrong
        self.retranslate()

    def retranslate(self) -> None:
        self.buttons[""].setText(self.tr("Cancel"))
        self.buttons["ok"].setText(self.tr("Unlock"))
        self.name.setText(self.tr("Master password"))
        self.field.edit.setAccessibleName(self.tr("Master password"))
        if self._wrong and not self.field.text():
            self.show_problem(self.tr("That is not the master password. Try again."))
        self.say(self.tr("Unlock your passwords"), self.tr("The passwords of your profiles are encrypted with it."))


class NewMasterPassword(PasswordQuestion):
    """A master password to be, typed twice."""

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.again_name = label("muted")
        self.again = PasswordField()
        self.again_name.setBuddy(self.again)
        self.strength = label("muted", wrap=True)
        self.content.addWidget(self.strength)
        self.content.addLayout(column(self.again_name, self.again, spacing=TINY))
        self.again.changed.connect(self._edited)
        self.retranslate()

    def retranslate(self) -> None:
        self.buttons[""].setText(self.tr("Cancel"))
        self.buttons["ok"].setText(self.tr("Set the password"))
        self.name.setText(self.tr("Master password"))
        self.field.edit.setAccessibleName(self.tr("Master password"))
        self.again_name.setText(self.tr("The same once more"))
        self.again.edit.setAccessibleName(self.tr("The same once more"))
        text = self.tr("It encrypts the passwords of your profiles. It is kept nowhere: nobody can recover it.")
        self.say(self.tr("Choose a master password"), text)
        self._edited()

    def finish(self, key: str) -> None:
        """Close, but not with two different passwords."""
        if key and self.field.text() != self.again.text():
            self.show_problem(self.tr("The two are not the same."))
        else:
            super().finish(key)

    def _edited(self) -> None:
        self.show_problem("")
        length, bits = len(self.field.text()), strength_bits(self.field.text())
        self.buttons["ok"].setEnabled(length >= MIN_MASTER and bool(self.again.text()))
        if length < MIN_MASTER:
            role, text = "muted", self.tr("At least {count} characters. Four or five unrelated words are easy to keep.")
            text = text.format(count=MIN_MASTER)
        elif bits < _FAIR_BITS:
            role, text = "warn", self.tr("Weak: somebody with this computer's files could guess it.")
        elif bits < _STRONG_BITS:
            role, text = "muted", self.tr("Fair. A few more characters make it strong.")
        else:
            role, text = "good", self.tr("Strong.")
        set_role(self.strength, role)
        self.strength.setText(text)


def strength_bits(password: str) -> float:
    """A rough count of the guesses a password asks for, as a power of two; repeated characters count little."""
    pools = (
        (str.islower, 26),
        (str.isupper, 26),
        (str.isdigit, 10),
        (lambda char: not char.isalnum(), 32),
        (lambda char: char.isalpha() and char.lower() == char.upper(), 100),  # scripts without capitals
    )
    alphabet = sum(size for belongs, size in pools if any(map(belongs, password)))
    different = len(set(password))
    return math.log2(alphabet) * (different + (len(password) - different) / 2) if alphabet else 0.0


class WindowQuestions:
    """Asks in the window, one question at a time; a hidden window comes up first. None is always "never mind"."""

    def __init__(self, settings: Settings) -> None:
        self.window: QWidget | None = None
        self._settings = settings
        self._turn = asyncio.Lock()

    async def choose_protection(self) -> Protection | None:
        """How to protect passwords without a keyring."""
        async with self._turn:
            question = ProtectionQuestion(self.window)
            return question.chosen if await question.answer() else None

    async def master_password(self, new: bool, wrong: bool) -> str | None:
        """The master password: a new one typed twice, or the one in force; `wrong` says that the last try was."""
        async with self._turn:
            return await (NewMasterPassword(self.window) if new else MasterPassword(self.window, wrong)).password()

    async def profile_password(self, name: str) -> str | None:
        """The password of the profile `name`."""
        async with self._turn:
            return await ProfilePassword(self.window, name).password()

    async def old_connections(self, count: int) -> Literal["drain", "close"] | None:
        """What becomes of the connections over the profile that is left. Keeps the answer where that is wished."""
        async with self._turn:
            answer, remember = await ask_switch(self.window, count)
            if remember:
                self._settings.set(ON_SWITCH, answer)
            return answer or None
