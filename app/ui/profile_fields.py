"""All fields of a profile below each other, and the draft that they show."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QWidget

from app.client.form import ProfileDraft, strong_password
from app.storage.profiles import MAX_NAME, Strategy
from app.ui.base import Retranslating, button, column, row
from app.ui.form_advanced import AdvancedFields
from app.ui.form_fields import Choice, Field, Folded, line_edit
from app.ui.form_servers import ServerRows
from app.ui.form_verification import VerificationFields
from app.ui.tokens import LARGE, MEDIUM
from app.ui.widgets.password_field import PasswordField

_STRATEGIES: Final[tuple[Strategy, ...]] = ("round-robin", "failover", "lowest-latency")

# Where one choice stands in the way of another this is said at once: an empty form has none of it.
_CHOICES: Final = frozenset(("verification", "ech", "max_tls"))


class ProfileFields(Retranslating, QWidget):
    """`put` shows a draft, `draft` is what is shown. `edited` follows every change."""

    edited = Signal()
    password_wanted = Signal()  # the eye was pressed on a password that is saved and not shown yet

    def __init__(self, groups: Sequence[str] = ()) -> None:
        super().__init__()
        self._start = ProfileDraft()
        self._touched: set[str] = set()
        self._filling = False
        self._make_parts(groups)
        self.folded = Folded(self.advanced)
        self._lay_out()
        self._connect()
        self.retranslate()

    def _make_parts(self, groups: Sequence[str]) -> None:
        self.name = line_edit(longest=MAX_NAME)
        self.group = QComboBox()
        self.group.setEditable(True)
        self.group.addItems(["", *groups])
        self.group.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.servers = ServerRows()
        self.strategy: Choice[Strategy] = Choice(_STRATEGIES)
        self.own_passwords = QCheckBox()
        self.password = PasswordField()
        self.dice = button("link", "dice", " ")
        self.server_name = line_edit(ltr=True)
        self.verification = VerificationFields()
        self.advanced = AdvancedFields()

    def _lay_out(self) -> None:
        holder = QWidget()
        holder.setLayout(row(self.dice, None))
        self.name_field, self.group_field = Field(self.name), Field(self.group)
        self.strategy_field = Field(self.strategy)
        self.password_field = Field(self.password, holder, focus=self.password.edit)
        self.server_name_field = Field(self.server_name)
        names = row(self.name_field, self.group_field, spacing=MEDIUM)
        names.setStretch(0, 3)
        names.setStretch(1, 2)
        layout = column(
            names, self.servers, self.strategy_field, self.own_passwords, self.password_field, spacing=LARGE
        )
        for part in (self.server_name_field, self.verification, self.folded):
            layout.addWidget(part)
        layout.addStretch(1)
        self.setLayout(layout)

    def _connect(self) -> None:
        self.name.textChanged.connect(self._changed)
        self.group.editTextChanged.connect(self._changed)
        self.servers.edited.connect(self._changed)
        self.strategy.chosen.connect(self._changed)
        self.own_passwords.toggled.connect(self._changed)
        self.password.changed.connect(lambda _text: self._typed("password"))
        self.server_name.textChanged.connect(lambda _text: self._typed("server_name"))
        self.verification.edited.connect(self._typed)
        self.advanced.edited.connect(self._typed)
        self.dice.clicked.connect(self._generate)
        self.password.eye.toggled.connect(self._revealed)

    def retranslate(self) -> None:
        self.name_field.set_title(self.tr("Name"))
        self.group_field.set_title(self.tr("Group"))
        self.strategy_field.set_title(self.tr("Which server is used"))
        self.strategy.set_words(
            (
                self.tr("each in turn"),
                self.tr("the first that works (failover)"),
                self.tr("the one with the lowest latency"),
            )
        )
        self.own_passwords.setText(self.tr("Each server has a password of its own"))
        self.password_field.set_title(self.tr("Password"))
        self.dice.setText(self.tr("Generate strong"))
        self.dice.setToolTip(self.tr("For a server of your own: it has to be given the same password"))
        self.server_name_field.set_title(self.tr("Server name (SNI)"))
        self.folded.set_title(self.tr("Advanced"))
        self._hints()

    def put(self, draft: ProfileDraft) -> None:
        """Show a draft; nothing counts as typed yet."""
        self._start, self._filling = draft, True
        self.name.setText(draft.name)
        self.group.setEditText(draft.group)
        self.servers.set_values(draft.servers)
        self.strategy.set_value(draft.strategy)
        self.own_passwords.setChecked(draft.own_passwords)
        self.password.set_text(draft.password)
        self.server_name.setText(draft.server_name)
        self.verification.put(draft)
        self.advanced.put(draft)
        self._filling = False
        self._touched.clear()
        self._changed()

    def draft(self) -> ProfileDraft:
        """What is shown."""
        return self.verification.take(
            self.advanced.take(
                ProfileDraft(
                    name=self.name.text(),
                    group=self.group.currentText().strip(),
                    servers=self.servers.values(),
                    strategy=self.strategy.value(),
                    password=self.password.text(),
                    own_passwords=self.own_passwords.isChecked(),
                    asks_each_time=self._start.asks_each_time,
                    server_name=self.server_name.text(),
                    base=self._start.base,
                )
            )
        )

    def fill_passwords(self, passwords: tuple[str, ...]) -> None:
        """Show the saved passwords: one for all, or one in each row where they differ."""
        if len(set(passwords)) > 1:
            self.own_passwords.setChecked(True)
            self.servers.fill_passwords(passwords)
        elif passwords and not self.password.text():
            self.password.set_text(passwords[0])

    # ---- inside

    def _typed(self, name: str) -> None:
        if name and not self._filling:
            self._touched.add(name)
        self._changed()

    def _changed(self) -> None:
        if self._filling:
            return
        draft = self.draft()
        several = len(draft.servers) > 1
        self.strategy_field.setVisible(several)
        self.own_passwords.setVisible(several)
        self.servers.set_own_passwords(not draft.shared_password)
        self.password_field.setVisible(draft.shared_password)
        self.server_name.setEnabled(not draft.no_server_name)
        self._hints()
        self._show_problems(draft.problems())
        self.edited.emit()

    def _show_problems(self, problems: dict[str, str]) -> None:
        self.servers.show_problems(problems)
        seen = {name: text for name, text in problems.items() if name in self._touched or name in _CHOICES}
        self.password_field.set_problem(seen.get("password", ""))
        self.server_name_field.set_problem(seen.get("server_name", ""))
        self.verification.show_problems(seen)
        self.advanced.show_problems(seen)

    def _hints(self) -> None:
        draft = self.draft()
        host = draft.servers[0].host.strip() if draft.servers else ""
        self.name.setPlaceholderText(draft.shown_name if host else self.tr("for example Berlin"))
        no_name = self.tr("none is sent")
        self.server_name.setPlaceholderText(
            no_name if draft.no_server_name else host or self.tr("the same as the host")
        )
        saved = self._start.base is not None and not draft.asks_each_time
        self.password.edit.setPlaceholderText(self.tr("saved; type to change it") if saved else "")
        asked = self.tr("Passwords are not saved here; you are asked for it when you connect.")
        self.password_field.set_hint(asked if draft.asks_each_time else "")

    def _generate(self) -> None:
        self.password.set_text(strong_password())
        self.password.eye.setChecked(True)
        self.password.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _revealed(self, shown: bool) -> None:
        if shown and not self.password.text() and self._start.base is not None:
            self.password_wanted.emit()
