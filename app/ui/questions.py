"""The questions of the tunnel: a port that is taken, connections that are left open, a defect of the program."""

import asyncio
from typing import TYPE_CHECKING, Literal, cast

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QCheckBox, QPlainTextEdit, QWidget

from app.errors import ListenFailed
from app.system.port_owner import PortOwner, owner_of
from app.ui import theme
from app.ui.dialogs import Dialog
from app.ui.tokens import GIANT

if TYPE_CHECKING:
    from app.ui.crash import Crash

PortAnswer = Literal["next", "again", "settings", ""]
SwitchAnswer = Literal["drain", "close", ""]


class PortQuestion(Dialog):
    """Somebody else listens on the port."""

    def __init__(self, parent: QWidget | None, failure: ListenFailed, owner: PortOwner | None) -> None:
        super().__init__(parent, [("settings", "quiet"), ("again", ""), ("next", "primary")])
        self._failure, self._owner = failure, owner
        self.retranslate()

    def retranslate(self) -> None:
        port = self._failure.port
        self.buttons["settings"].setText(self.tr("Settings…"))
        self.buttons["again"].setText(self.tr("Try again"))
        self.buttons["next"].setText(self.tr("Use the next free port"))
        if self._owner is None:
            title, who = self.tr("Port {port} cannot be used"), str(self._failure)
        else:
            title = self.tr("Port {port} is in use")
            who = self.tr("The program “{name}” (process {pid}) listens on it.").format(
                name=self._owner.name, pid=self._owner.pid
            )
        what = self.tr("Close that program and try again, or let AnyTLS Tray take the next free port.")
        after = self.tr("Apps that are set to port {port} have to be told the new one.").format(port=port)
        self.say(title.format(port=port), f"{who} {what} {after}")


async def ask_port(parent: QWidget | None, failure: ListenFailed) -> PortAnswer:
    """Tell who has the port, where the system tells, and ask what to do; "" for nothing."""
    owner = await asyncio.to_thread(owner_of, failure.port, failure.host)
    return cast(PortAnswer, await PortQuestion(parent, failure, owner).answer())


class SwitchQuestion(Dialog):
    """What becomes of the connections over the profile that is left."""

    def __init__(self, parent: QWidget | None, count: int) -> None:
        super().__init__(parent, [("", "quiet"), ("close", ""), ("drain", "primary")])
        self._count = count
        self.remember = QCheckBox()
        self.content.addWidget(self.remember)
        self.retranslate()

    def retranslate(self) -> None:
        self.buttons[""].setText(self.tr("Do not switch"))
        self.buttons["close"].setText(self.tr("Close them"))
        self.buttons["drain"].setText(self.tr("Let them finish"))
        self.remember.setText(self.tr("Do the same from now on (Settings can change it)"))
        text = self.tr(
            "Connections still open: {count}. New ones take the new profile as soon as it has proved itself; "
            "these can finish over the old one, or be closed so that apps connect anew."
        )
        self.say(self.tr("What about the open connections?"), text.format(count=self._count))


async def ask_switch(parent: QWidget | None, count: int) -> tuple[SwitchAnswer, bool]:
    """Ask what becomes of `count` open connections; and whether that shall hold from now on."""
    question = SwitchQuestion(parent, count)
    answer = cast(SwitchAnswer, await question.answer())
    return answer, bool(answer) and question.remember.isChecked()


class CrashReport(Dialog):
    """What went wrong inside the program, to read and to copy."""

    def __init__(self, parent: QWidget | None, crash: "Crash") -> None:
        super().__init__(parent, [("log", "quiet"), ("copy", ""), ("", "primary")])
        self._crash = crash
        self.report = QPlainTextEdit(crash.report)
        self.report.setReadOnly(True)
        self.report.setFont(theme.font("mono"))
        self.report.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.report.setMinimumHeight(6 * GIANT)
        self.content.addWidget(self.report)
        self.retranslate()

    def retranslate(self) -> None:
        self.buttons["log"].setText(self.tr("Show in the log"))
        self.buttons["copy"].setText(self.tr("Copy the report"))
        self.buttons[""].setText(self.tr("Close"))
        self.report.setAccessibleName(self.tr("Report"))
        text = self.tr("The program goes on. The report below names no password and no link; it is in the log as well.")
        self.say(self.tr("Something went wrong inside the program"), f"{self._crash.text} {text}")

    def finish(self, key: str) -> None:
        """Close; but copying leaves the report open."""
        if key == "copy":
            QGuiApplication.clipboard().setText(self._crash.report)
            self.buttons["copy"].setText(self.tr("Copied"))
        else:
            super().finish(key)


async def show_crash(parent: QWidget | None, crash: "Crash") -> bool:
    """Show a report; whether its line in the log is wanted."""
    return await CrashReport(parent, crash).answer() == "log"
