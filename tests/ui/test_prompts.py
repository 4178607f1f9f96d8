"""The questions about passwords, as the vault asks them."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.storage.passwords import Protection
from app.storage.settings import ON_SWITCH, Settings
from app.ui.dialogs import Dialog
from app.ui.prompts import (
    MIN_MASTER,
    MasterPassword,
    NewMasterPassword,
    ProfilePassword,
    ProtectionQuestion,
    WindowQuestions,
    strength_bits,
)
from app.ui.questions import SwitchQuestion
from tests.fakes.waiting import settle, until

T = TypeVar("T")
D = TypeVar("D", bound=Dialog)

GOOD = "four unrelated words here"


@pytest.fixture
def settings() -> Settings:
    return Settings({}, lambda _stored: None)


@pytest.fixture
def questions(qtbot: QtBot, settings: Settings) -> WindowQuestions:
    made = WindowQuestions(settings)
    made.window = QWidget()
    qtbot.addWidget(made.window)
    return made


def begin(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    return asyncio.create_task(work)


async def opened(questions: WindowQuestions, kind: type[D]) -> D:
    window = questions.window
    assert window is not None

    def find() -> list[D]:
        return [dialog for dialog in window.findChildren(kind) if dialog.isVisible()]

    await until(find)
    return find()[0]


def press(qtbot: QtBot, dialog: Dialog, key: str) -> None:
    qtbot.mouseClick(dialog.buttons[key], Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("protection", [Protection.MASTER, Protection.ASK])
async def test_a_protection_is_chosen(questions: WindowQuestions, qtbot: QtBot, protection: Protection) -> None:
    answer = begin(questions.choose_protection())
    dialog = await opened(questions, ProtectionQuestion)
    assert all(radio.accessibleDescription() for radio in dialog.options.values())
    dialog.options[protection].setChecked(True)
    press(qtbot, dialog, "ok")
    assert await answer is protection


async def test_plain_text_is_no_choice(questions: WindowQuestions, qtbot: QtBot) -> None:
    answer = begin(questions.choose_protection())
    dialog = await opened(questions, ProtectionQuestion)
    assert set(dialog.options) == {Protection.MASTER, Protection.ASK}
    press(qtbot, dialog, "")
    assert await answer is None


async def test_the_window_comes_up_for_a_question(questions: WindowQuestions, qtbot: QtBot) -> None:
    assert questions.window is not None
    assert not questions.window.isVisible()
    answer = begin(questions.profile_password("Berlin"))
    dialog = await opened(questions, ProfilePassword)
    assert questions.window.isVisible()
    press(qtbot, dialog, "")
    assert await answer is None


async def test_the_password_of_a_profile(questions: WindowQuestions, qtbot: QtBot) -> None:
    answer = begin(questions.profile_password("Berlin"))
    dialog = await opened(questions, ProfilePassword)
    assert "Berlin" in dialog.title.text()
    assert not dialog.buttons["ok"].isEnabled()
    assert dialog.field.edit.echoMode() == QLineEdit.EchoMode.Password
    assert dialog.field.edit.accessibleName()
    qtbot.keyClicks(dialog.field.edit, "s3cret")
    qtbot.keyClick(dialog.field.edit, Qt.Key.Key_Return)
    assert await answer == "s3cret"


async def test_the_master_password(questions: WindowQuestions, qtbot: QtBot) -> None:
    answer = begin(questions.master_password(new=False, wrong=False))
    dialog = await opened(questions, MasterPassword)
    assert dialog.problem.isHidden()
    qtbot.keyClicks(dialog.field.edit, GOOD)
    press(qtbot, dialog, "ok")
    assert await answer == GOOD


async def test_a_wrong_master_password_is_told_until_one_types_again(questions: WindowQuestions, qtbot: QtBot) -> None:
    answer = begin(questions.master_password(new=False, wrong=True))
    dialog = await opened(questions, MasterPassword)
    assert dialog.problem.isVisible()
    assert "not the master password" in dialog.problem.text()
    qtbot.keyClicks(dialog.field.edit, "x")
    assert dialog.problem.isHidden()
    press(qtbot, dialog, "")
    assert await answer is None


async def test_a_new_master_password_is_typed_twice(questions: WindowQuestions, qtbot: QtBot) -> None:
    answer = begin(questions.master_password(new=True, wrong=False))
    dialog = await opened(questions, NewMasterPassword)
    qtbot.keyClicks(dialog.field.edit, GOOD)
    assert not dialog.buttons["ok"].isEnabled()
    qtbot.keyClicks(dialog.again.edit, GOOD[:-1])
    press(qtbot, dialog, "ok")
    await settle()
    assert not answer.done()
    assert "not the same" in dialog.problem.text()
    qtbot.keyClicks(dialog.again.edit, GOOD[-1])
    assert dialog.problem.isHidden()
    press(qtbot, dialog, "ok")
    assert await answer == GOOD


async def test_a_short_master_password_is_not_taken(questions: WindowQuestions, qtbot: QtBot) -> None:
    answer = begin(questions.master_password(new=True, wrong=False))
    dialog = await opened(questions, NewMasterPassword)
    short = "x" * (MIN_MASTER - 1)
    for field in (dialog.field, dialog.again):
        qtbot.keyClicks(field.edit, short)
    assert not dialog.buttons["ok"].isEnabled()
    qtbot.keyClick(dialog.again.edit, Qt.Key.Key_Return)
    await settle()
    assert not answer.done()
    press(qtbot, dialog, "")
    assert await answer is None


@pytest.mark.parametrize(
    ("password", "role"), [("x", "muted"), ("aaaaaaaaaa", "warn"), ("Correcthorse", "muted"), (GOOD, "good")]
)
async def test_the_strength_is_told_in_words(
    questions: WindowQuestions, qtbot: QtBot, password: str, role: str
) -> None:
    dialog = NewMasterPassword(questions.window)
    dialog.field.set_text(password)
    assert dialog.strength.property("role") == role
    assert dialog.strength.text()


def test_strength_grows_with_length_and_kinds_of_characters() -> None:
    ladder = ["", "aaaa", "abcd", "abcdefgh", "abcdEFGH", "abcdEF12", "abcdEF1!"]
    bits = [strength_bits(password) for password in ladder]
    assert bits == sorted(bits)
    assert len(set(bits)) == len(bits)
    assert strength_bits("正确的马电池订书钉") > strength_bits("abcdefgh")


async def test_one_question_at_a_time(questions: WindowQuestions, qtbot: QtBot) -> None:
    first = begin(questions.profile_password("Berlin"))
    second = begin(questions.profile_password("Oslo"))
    dialog = await opened(questions, ProfilePassword)
    await settle()
    assert questions.window is not None
    assert len(questions.window.findChildren(ProfilePassword)) == 1
    press(qtbot, dialog, "")
    assert await first is None
    await until(lambda: questions.window and questions.window.findChildren(ProfilePassword) != [dialog])
    dialog = await opened(questions, ProfilePassword)
    assert "Oslo" in dialog.title.text()
    press(qtbot, dialog, "")
    assert await second is None


async def test_a_question_that_is_not_wanted_any_more_lets_the_next_one_in(
    questions: WindowQuestions, qtbot: QtBot
) -> None:
    first = begin(questions.master_password(new=False, wrong=False))
    await opened(questions, MasterPassword)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    second = begin(questions.profile_password("Oslo"))
    press(qtbot, await opened(questions, ProfilePassword), "")
    assert await second is None


@pytest.mark.parametrize("choice", ["drain", "close"])
@pytest.mark.parametrize("remember", [True, False])
async def test_old_connections(
    questions: WindowQuestions, settings: Settings, qtbot: QtBot, choice: str, remember: bool
) -> None:
    answer = begin(questions.old_connections(12))
    dialog = await opened(questions, SwitchQuestion)
    assert "12" in dialog.explanation.text()
    dialog.remember.setChecked(remember)
    press(qtbot, dialog, choice)
    assert await answer == choice
    assert settings.get(ON_SWITCH) == (choice if remember else "ask")


async def test_never_mind_is_not_remembered(questions: WindowQuestions, settings: Settings, qtbot: QtBot) -> None:
    answer = begin(questions.old_connections(12))
    dialog = await opened(questions, SwitchQuestion)
    dialog.remember.setChecked(True)
    press(qtbot, dialog, "")
    assert await answer is None
    assert settings.get(ON_SWITCH) == "ask"


@pytest.mark.parametrize("new", [True, False])
async def test_another_language_reaches_an_open_question(questions: WindowQuestions, qtbot: QtBot, new: bool) -> None:
    answer = begin(questions.master_password(new=new, wrong=False))
    dialog = await opened(questions, NewMasterPassword if new else MasterPassword)
    dialog.buttons["ok"].setText("?")
    QApplication.sendEvent(dialog, QEvent(QEvent.Type.LanguageChange))
    assert dialog.buttons["ok"].text() != "?"
    press(qtbot, dialog, "")
    await answer
