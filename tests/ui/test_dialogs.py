"""Questions are asked without blocking, and answered, dismissed or taken back."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.ui.dialogs import Dialog, ask, bring_up
from tests.fakes.waiting import until

T = TypeVar("T")

BUTTONS = [("", "Cancel", "quiet"), ("no", "No", ""), ("yes", "Yes", "primary")]


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(600, 400)
    made.show()
    return made


def begin(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    return asyncio.create_task(work)


async def opened(window: QWidget) -> Dialog:
    """The dialog that is open on the window."""

    def find() -> list[Dialog]:
        return [dialog for dialog in window.findChildren(Dialog) if dialog.isVisible()]

    await until(find)
    return find()[0]


def press(qtbot: QtBot, dialog: Dialog, key: str) -> None:
    qtbot.mouseClick(dialog.buttons[key], Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("key", ["", "no", "yes"])
async def test_answers_the_key_of_the_button(window: QWidget, qtbot: QtBot, key: str) -> None:
    answer = begin(ask(window, "Really?", "It cannot be undone.", BUTTONS))
    dialog = await opened(window)
    assert (dialog.windowTitle(), dialog.title.text()) == ("Really?", "Really?")
    assert dialog.explanation.text() == "It cannot be undone."
    press(qtbot, dialog, key)
    assert await answer == key


async def test_escape_is_never_mind(window: QWidget, qtbot: QtBot) -> None:
    answer = begin(ask(window, "Really?", "", BUTTONS))
    dialog = await opened(window)
    assert dialog.explanation.isHidden()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert await answer == ""


async def test_enter_presses_the_primary_button(window: QWidget, qtbot: QtBot) -> None:
    answer = begin(ask(window, "Really?", "", BUTTONS))
    dialog = await opened(window)
    assert [button for button in dialog.buttons.values() if button.isDefault()] == [dialog.buttons["yes"]]
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert await answer == "yes"


async def test_the_loop_goes_on_while_a_question_is_open(window: QWidget, qtbot: QtBot) -> None:
    answer = begin(ask(window, "Really?", "", BUTTONS))
    dialog = await opened(window)
    assert dialog.windowModality() == Qt.WindowModality.WindowModal
    assert await begin(asyncio.sleep(0, "still running")) == "still running"
    press(qtbot, dialog, "no")
    await answer


async def test_an_asker_that_is_cancelled_takes_the_question_back(window: QWidget, qtbot: QtBot) -> None:
    answer = begin(ask(window, "Really?", "", BUTTONS))
    await opened(window)
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    await until(lambda: not window.findChildren(QDialog))


async def test_nothing_is_left_of_an_answered_question(window: QWidget, qtbot: QtBot) -> None:
    answer = begin(ask(window, "Really?", "", BUTTONS))
    press(qtbot, await opened(window), "yes")
    await answer
    await until(lambda: not window.findChildren(QDialog))


async def test_a_hidden_window_comes_up_for_its_question(window: QWidget, qtbot: QtBot) -> None:
    window.hide()
    answer = begin(ask(window, "Really?", "", BUTTONS))
    dialog = await opened(window)
    assert window.isVisible()
    press(qtbot, dialog, "")
    await answer


async def test_a_minimised_window_comes_up_too(window: QWidget, qtbot: QtBot) -> None:
    window.showMinimized()
    bring_up(window)
    assert not window.isMinimized()
    assert window.isVisible()


async def test_a_question_needs_no_window(qtbot: QtBot) -> None:
    answer = begin(ask(None, "Really?", "", BUTTONS))
    await until(lambda: [one for one in QApplication.topLevelWidgets() if isinstance(one, Dialog) and one.isVisible()])
    [dialog] = [one for one in QApplication.topLevelWidgets() if isinstance(one, Dialog) and one.isVisible()]
    press(qtbot, dialog, "yes")
    assert await answer == "yes"


async def test_it_is_as_high_as_its_words(window: QWidget, qtbot: QtBot) -> None:
    answer = begin(ask(window, "Really?", "word " * 200, BUTTONS))
    dialog = await opened(window)
    long = dialog.height()
    dialog.say("Really?", "Short.")
    await until(lambda: dialog.height() < long)
    needed = dialog.explanation.heightForWidth(dialog.explanation.width())
    assert dialog.explanation.height() >= needed
    press(qtbot, dialog, "")
    await answer


async def test_it_fits_into_the_narrowest_window(window: QWidget, qtbot: QtBot) -> None:
    window.resize(360, 480)
    answer = begin(ask(window, "Really?", "word " * 50, BUTTONS))
    dialog = await opened(window)
    assert dialog.width() <= 360
    for button in dialog.findChildren(QPushButton):
        assert dialog.rect().contains(button.geometry())
    press(qtbot, dialog, "")
    await answer


async def test_buttons_that_do_not_fit_stand_below_each_other(window: QWidget, qtbot: QtBot) -> None:
    window.resize(360, 480)
    choices = [("", "Cancel", "quiet"), ("a", "A button of many words", ""), ("b", "And one more of them", "primary")]
    answer = begin(ask(window, "Really?", "", choices))
    dialog = await opened(window)
    await until(lambda: dialog.buttons["b"].geometry().bottom() < dialog.buttons["a"].geometry().top())
    for button in dialog.buttons.values():
        assert button.width() >= button.sizeHint().width()
        assert dialog.rect().contains(button.geometry())
    press(qtbot, dialog, "a")
    assert await answer == "a"
