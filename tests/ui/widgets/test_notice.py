"""The parts of a message."""

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.ui.messages import Message
from app.ui.widgets.notice import Notice


def made(qtbot: QtBot, message: Message) -> Notice:
    notice = Notice(message, "banner")
    qtbot.addWidget(notice)
    return notice


def picture(notice: Notice) -> QImage:
    return notice.picture.pixmap().toImage()


def test_words_and_button(qtbot: QtBot) -> None:
    notice = made(qtbot, Message("It was deleted.", action="Undo"))
    assert (notice.text.text(), notice.action.text()) == ("It was deleted.", "Undo")
    assert not notice.action.isHidden()
    assert made(qtbot, Message("It was deleted.")).action.isHidden()


def test_the_cross_has_a_name_in_every_language(qtbot: QtBot) -> None:
    notice = made(qtbot, Message("It was deleted."))
    notice.cross.setAccessibleName("")
    QCoreApplication.sendEvent(notice, QEvent(QEvent.Type.LanguageChange))
    assert notice.cross.accessibleName() == "Close this message"


@pytest.mark.parametrize("kind", ["good", "warn", "bad"])
def test_each_kind_has_a_look_of_its_own(qtbot: QtBot, kind: str) -> None:
    notice = made(qtbot, Message("It is so.", kind))
    assert notice.property("tone") == kind
    assert picture(notice) != picture(made(qtbot, Message("It is so.")))


def test_a_kind_that_nobody_knows_is_news(qtbot: QtBot) -> None:
    assert picture(made(qtbot, Message("It is so.", "strange"))) == picture(made(qtbot, Message("It is so.")))
