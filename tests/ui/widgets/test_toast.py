"""Messages come, do what their button says, make room for newer ones, and go by themselves."""

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, Qt, QTimer
from PySide6.QtGui import QAccessible, QEnterEvent
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.ui.messages import Message
from app.ui.widgets import toast as module
from app.ui.widgets.toast import Toast, Toasts
from tests.fakes.waiting import until

LONG = "The certificate of berlin.example.org comes from an unknown issuer; pin it or name its CA file. " * 2


@pytest.fixture
def host(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.show()
    return made


@pytest.fixture
def toasts(host: QWidget) -> Toasts:
    return Toasts(host)


def texts(toasts: Toasts) -> list[str]:
    return [toast.message.text for toast in toasts.toasts]


async def test_shown_at_the_foot(host: QWidget, toasts: Toasts) -> None:
    assert not toasts.isVisible()
    toasts.show_message(Message("Copied.", "good"))
    assert toasts.isVisible()
    assert host.height() - toasts.geometry().bottom() <= 17
    assert abs(toasts.geometry().center().x() - host.rect().center().x()) <= 1


async def test_it_is_read_aloud(toasts: Toasts, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(QAccessible, "updateAccessibility", lambda event: said.append(event.message()))
    toasts.show_message(Message("Copied."))
    assert said == ["Copied."]


@pytest.mark.parametrize("width", [800, 300])
async def test_a_long_one_is_shown_whole(host: QWidget, toasts: Toasts, width: int) -> None:
    host.resize(width, 600)
    toasts.show_message(Message(LONG, "bad"))
    assert host.rect().contains(toasts.geometry())
    text = next(label for label in toasts.toasts[0].findChildren(QLabel) if label.text())
    await until(lambda: text.height() >= text.heightForWidth(text.width()))


async def test_it_follows_the_window(host: QWidget, toasts: Toasts) -> None:
    toasts.show_message(Message("Copied."))
    host.resize(360, 480)
    assert host.rect().contains(toasts.geometry())


async def test_it_goes_by_itself(toasts: Toasts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STAYS", 10)
    toasts.show_message(Message("Copied."))
    await until(lambda: not toasts.toasts)
    assert not toasts.isVisible()


async def test_bad_news_stays_longer(toasts: Toasts) -> None:
    for message in (Message("a"), Message("b", "bad"), Message("c", action="Undo")):
        toasts.show_message(message)
    stays = [toast.findChildren(QTimer)[0].interval() for toast in toasts.toasts]
    assert stays[0] < stays[1] == stays[2]


async def test_not_under_the_pointer(toasts: Toasts) -> None:
    toasts.show_message(Message("Copied."))
    one = toasts.toasts[0]
    time = one.findChildren(QTimer)[0]
    at = QPointF(5, 5)
    QCoreApplication.sendEvent(one, QEnterEvent(at, at, at))
    assert not time.isActive()
    QCoreApplication.sendEvent(one, QEvent(QEvent.Type.Leave))
    assert time.isActive()


async def test_the_same_again_is_shown_once(toasts: Toasts) -> None:
    toasts.show_message(Message("Copied."))
    toasts.show_message(Message("Copied."))
    toasts.show_message(Message("Nothing listens on a.", "bad", key="listen"))
    toasts.show_message(Message("Nothing listens on b.", "bad", key="listen"))
    assert texts(toasts) == ["Copied.", "Nothing listens on b."]


async def test_three_at_most(toasts: Toasts) -> None:
    for text in "abcde":
        toasts.show_message(Message(text))
    assert texts(toasts) == ["c", "d", "e"]


async def test_the_button_acts_once_and_the_message_goes(qtbot: QtBot, toasts: Toasts) -> None:
    done: list[str] = []
    toasts.show_message(Message("Berlin was deleted.", action="Undo", run=lambda: done.append("undo")))
    qtbot.mouseClick(toasts.toasts[0].action, Qt.MouseButton.LeftButton)
    assert done == ["undo"]
    assert not toasts.toasts


async def test_the_cross_closes(qtbot: QtBot, toasts: Toasts) -> None:
    toasts.show_message(Message("Copied."))
    cross = toasts.toasts[0].cross
    assert cross.accessibleName() == "Close this message"
    qtbot.mouseClick(cross, Qt.MouseButton.LeftButton)
    assert not toasts.toasts


@pytest.mark.parametrize("kind", ["info", "good", "warn", "bad", "unheard of"])
async def test_each_kind_has_a_picture(qtbot: QtBot, host: QWidget, kind: str) -> None:
    one = Toast(Message("Text.", kind), lambda _toast: None, host)
    assert any(not label.pixmap().isNull() for label in one.findChildren(QLabel))
    assert one.accessibleName() == "Text."
    one.leave()


@pytest.mark.parametrize(("text", "below"), [("Deleted Berlin.", False), (LONG, True)])
async def test_the_button_stands_beside_short_words_and_below_long_ones(toasts: Toasts, text: str, below: bool) -> None:
    toasts.show_message(Message(text, action="Undo"))
    toast = toasts.toasts[0]
    words = next(label for label in toast.findChildren(QLabel) if label.text())
    await until(lambda: toast.action.geometry().isValid() and words.width() > 50)
    assert (toast.action.y() >= words.geometry().bottom()) is below
