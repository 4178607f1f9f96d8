"""The list of servers in the form: one row each, added and taken away."""

from collections.abc import Mapping
from contextlib import suppress

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from app.client.form import ServerDraft, split_address
from app.ui.base import Retranslating, button, column, icon_button, label, name_it, row
from app.ui.form_fields import line_edit, mark_invalid, wrapped
from app.ui.tokens import GIANT, SMALL, TINY
from app.ui.widgets.password_field import PasswordField

_PORT_WIDTH = 2 * GIANT + SMALL * 2


class ServerRow(Retranslating, QWidget):
    """Host, port, and a password of its own where servers have different ones."""

    edited = Signal()
    removed = Signal()

    def __init__(self, draft: ServerDraft) -> None:
        super().__init__()
        self._stored = draft.stored
        self._touched: set[str] = set()
        self.host = line_edit(ltr=True)
        self.port = line_edit(ltr=True, longest=8)
        self.port.setFixedWidth(_PORT_WIDTH)
        self.password = PasswordField()
        self.password.hide()
        self.remove = icon_button("close")
        self.problem = wrapped("bad")
        self.problem.hide()
        first = row(self.host, self.port, self.remove)
        self.setLayout(column(first, self.password, self.problem, spacing=TINY))
        self.host.setText(draft.host)
        self.port.setText(draft.port)
        self.password.set_text(draft.password)
        self._connect()
        self.retranslate()

    def _connect(self) -> None:
        fields: dict[str, QLineEdit] = {"host": self.host, "port": self.port, "password": self.password.edit}
        for name, field in fields.items():
            field.textEdited.connect(lambda _text, name=name: self._touch(name))
            field.textChanged.connect(self.edited)
        self.host.editingFinished.connect(self._take_apart)
        self.remove.clicked.connect(self.removed)

    def retranslate(self) -> None:
        self.host.setAccessibleName(self.tr("Host"))
        self.host.setPlaceholderText(self.tr("host name or IP address"))
        self.port.setAccessibleName(self.tr("Port"))
        self.port.setPlaceholderText(self.tr("port"))
        self.password.edit.setAccessibleName(self.tr("Password of this server"))
        kept = self._stored is not None
        hint = self.tr("saved; type to change it") if kept else self.tr("password of this server")
        self.password.edit.setPlaceholderText(hint)
        name_it(self.remove, self.tr("Take this server away"))

    def value(self) -> ServerDraft:
        """What stands in the row."""
        return ServerDraft(self.host.text(), self.port.text(), self.password.text(), self._stored)

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Say what is wrong, of what has been touched."""
        seen = {name: text for name, text in problems.items() if name in self._touched}
        self.problem.setText("\n".join(seen.values()))
        self.problem.setVisible(bool(seen))
        for name, field in (("host", self.host), ("port", self.port), ("password", self.password.edit)):
            mark_invalid(field, name in seen)
            field.setAccessibleDescription(seen.get(name, ""))

    def _touch(self, name: str) -> None:
        self._touched.add(name)

    def _take_apart(self) -> None:
        """A pasted "host:port" goes into both fields."""
        parts = split_address(self.host.text())
        if parts is not None:
            self.host.setText(parts[0])
            self.port.setText(parts[1])


class ServerRows(Retranslating, QWidget):
    """All rows. `edited` follows every change."""

    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[ServerRow] = []
        self._own_passwords = False
        self._box = QVBoxLayout()
        self._box.setSpacing(SMALL)
        self.title = label("muted")
        self.add = button("link", "add", " ")
        self.add.clicked.connect(self._add_empty)
        self.problem = wrapped("bad")
        self.problem.hide()
        self.setLayout(column(self.title, self._box, self.problem, row(self.add, None), spacing=TINY))
        self.retranslate()

    def retranslate(self) -> None:
        self.title.setText(self.tr("Servers") if len(self.rows) > 1 else self.tr("Server"))
        self.add.setText(self.tr("Another server"))

    def set_values(self, drafts: tuple[ServerDraft, ...]) -> None:
        """Show these rows."""
        for old in self.rows:
            old.hide()
            old.deleteLater()
        self.rows = []
        for draft in drafts:
            self._append(draft)
        self._changed()

    def values(self) -> tuple[ServerDraft, ...]:
        """What stands in the rows."""
        return tuple(one.value() for one in self.rows)

    def set_own_passwords(self, own: bool) -> None:
        """Whether each row has a password field."""
        self._own_passwords = own
        for one in self.rows:
            one.password.setVisible(own)

    def fill_passwords(self, passwords: tuple[str, ...]) -> None:
        """Put saved passwords where they belong."""
        for one in self.rows:
            stored = one.value().stored
            if stored is not None and not one.password.text():
                with suppress(IndexError):
                    one.password.set_text(passwords[stored])

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Say what is wrong in each row."""
        for at, one in enumerate(self.rows):
            start = f"servers.{at}."
            one.show_problems(
                {key.removeprefix(start): text for key, text in problems.items() if key.startswith(start)}
            )
        self.problem.setText(problems.get("servers", ""))
        self.problem.setVisible("servers" in problems)

    def _add_empty(self) -> None:
        self._append(ServerDraft())
        self._changed()
        self.rows[-1].host.setFocus()

    def _append(self, draft: ServerDraft) -> None:
        made = ServerRow(draft)
        made.password.setVisible(self._own_passwords)
        made.edited.connect(self.edited)
        made.removed.connect(lambda: self._take_away(made))
        self.rows.append(made)
        self._box.addWidget(made)

    def _take_away(self, one: ServerRow) -> None:
        self.rows.remove(one)
        one.hide()
        one.deleteLater()
        self._changed()
        self.rows[0].host.setFocus()

    def _changed(self) -> None:
        for one in self.rows:
            one.remove.setVisible(len(self.rows) > 1)
        self.retranslate()
        self.edited.emit()
