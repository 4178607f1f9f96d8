"""Pages learn of language, look and being seen; the small parts are what they say."""

from typing import cast

import pytest
from PySide6 import QtGui
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QScrollArea, QStackedWidget, QWidget
from pytestqt.qtbot import QtBot

from app.ui import base
from app.ui.base import Page, Retranslating
from app.ui.bridge import Bridge
from app.ui.theme import Theme


class Told(Page):
    """Writes down what it is told."""

    def build(self) -> None:
        self.calls = ["build"]

    def retranslate(self) -> None:
        self.calls.append("retranslate")

    def retheme(self) -> None:
        self.calls.append("retheme")

    def shown(self) -> None:
        self.calls.append("shown")

    def hidden(self) -> None:
        self.calls.append("hidden")


@pytest.fixture
def page(qtbot: QtBot) -> Told:
    made = Told(cast(Bridge, None))
    qtbot.addWidget(made)
    return made


def test_a_page_is_built_and_then_given_its_texts(page: Told) -> None:
    assert page.calls == ["build", "retranslate", "retheme"]


def test_a_page_follows_the_language(page: Told) -> None:
    page.calls.clear()
    QCoreApplication.sendEvent(page, QEvent(QEvent.Type.LanguageChange))
    assert page.calls == ["retranslate"]


def test_a_page_follows_the_look(page: Told, qapp: QApplication) -> None:
    page.ensurePolished()
    page.calls.clear()
    look = Theme()
    try:
        look.apply(qapp, "dark")
        assert "retheme" in page.calls
    finally:
        look.apply(qapp, "light")


def test_a_page_knows_when_it_is_seen(page: Told) -> None:
    page.calls.clear()
    page.show()
    assert page.on_screen
    page.hide()
    assert not page.on_screen
    assert [call for call in page.calls if call in ("shown", "hidden")] == ["shown", "hidden"]


def test_one_page_of_a_stack_is_seen(qtbot: QtBot) -> None:
    stack = QStackedWidget()
    qtbot.addWidget(stack)
    first, second = Told(cast(Bridge, None)), Told(cast(Bridge, None))
    stack.addWidget(first)
    stack.addWidget(second)
    stack.show()
    assert (first.on_screen, second.on_screen) == (True, False)
    stack.setCurrentWidget(second)
    assert (first.on_screen, second.on_screen) == (False, True)


def test_being_told_twice_counts_once(page: Told) -> None:
    page.calls.clear()
    page.set_on_screen(True)
    page.set_on_screen(True)
    page.set_on_screen(False)
    assert page.calls == ["shown", "hidden"]


def test_any_widget_can_follow_the_language(qtbot: QtBot) -> None:
    class Card(Retranslating, QFrame):
        texts = 0

        def retranslate(self) -> None:
            self.texts += 1

    card = Card()
    qtbot.addWidget(card)
    QCoreApplication.sendEvent(card, QEvent(QEvent.Type.LanguageChange))
    assert card.texts == 1


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_each_key_that_presses_buttons_presses_one_outside_a_dialog(qtbot: QtBot, key: Qt.Key) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    made = base.button("primary", text="Test")
    page.setLayout(base.column(made))
    pressed: list[bool] = []
    made.clicked.connect(lambda: pressed.append(True))
    qtbot.keyClick(made, key)
    assert pressed == [True]


def test_a_sentence_takes_no_more_height_than_its_lines(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    sentence = base.label(text="a sentence with many words in it " * 3, wrap=True)
    page.setLayout(base.column(base.row(sentence, QLabel("beside"))))
    page.resize(800, 40)
    page.show()
    layout = page.layout()
    assert layout is not None
    assert layout.totalHeightForWidth(800) == sentence.heightForWidth(sentence.width())
    assert page.height() < 100


def test_labels(qtbot: QtBot) -> None:
    plain = base.label("muted", "<b>not bold</b>")
    qtbot.addWidget(plain)
    assert plain.textFormat() == Qt.TextFormat.PlainText
    assert plain.property("role") == "muted"
    selectable = base.label(selectable=True)
    qtbot.addWidget(selectable)
    assert selectable.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByKeyboard


def test_a_long_label_that_wraps_gives_way(qtbot: QtBot) -> None:
    made = base.label(text="a sentence with many words in it " * 5, wrap=True)
    qtbot.addWidget(made)
    assert made.minimumWidth() < 10
    assert made.heightForWidth(200) > made.heightForWidth(600)


def test_a_role_can_change(qtbot: QtBot, qapp: QApplication) -> None:
    Theme().apply(qapp, "light")
    made = base.label("good", "x")
    qtbot.addWidget(made)
    made.ensurePolished()
    before = made.palette().windowText().color()
    base.set_role(made, "bad")
    assert made.palette().windowText().color() != before


def test_buttons(qtbot: QtBot) -> None:
    made = base.button("primary", "power", "Connect")
    qtbot.addWidget(made)
    assert (made.property("kind"), made.property("iconOnly"), made.text()) == ("primary", False, "Connect")
    assert not made.icon().isNull()
    made.set_icon_name("close")
    made.set_kind("danger")
    assert made.property("kind") == "danger"


def test_a_button_without_words_has_a_name(qtbot: QtBot) -> None:
    made = base.icon_button("copy", "Copy the address")
    qtbot.addWidget(made)
    assert made.property("iconOnly")
    assert made.accessibleName() == made.toolTip() == "Copy the address"


def test_a_button_recolours_its_icon(qtbot: QtBot, qapp: QApplication) -> None:
    look = Theme()
    look.apply(qapp, "light")
    made = base.button("", "power", "Connect")
    qtbot.addWidget(made)
    made.ensurePolished()
    before = made.icon().cacheKey()
    try:
        look.apply(qapp, "dark")
        assert made.icon().cacheKey() != before
    finally:
        look.apply(qapp, "light")


def test_a_button_may_lose_its_icon(qtbot: QtBot) -> None:
    made = base.button("", "power", "Connect")
    qtbot.addWidget(made)
    made.set_icon_name("")
    assert made.icon().isNull()


def test_rows_and_columns(qtbot: QtBot) -> None:
    host, first, second = QWidget(), QLabel("1"), QLabel("2")
    qtbot.addWidget(host)
    line = base.row(first, 12, None, second, spacing=4)
    host.setLayout(base.column(line, base.h_line()))
    items = [line.itemAt(at) for at in range(line.count())]
    assert [item.widget() for item in items if item is not None and item.widget()] == [first, second]
    assert line.spacing() == 4
    assert line.contentsMargins().left() == 0


def test_a_card_has_a_column_inside(qtbot: QtBot) -> None:
    made = base.card()
    qtbot.addWidget(made)
    layout = made.layout()
    assert layout is not None
    assert made.property("role") == "card"
    assert layout.contentsMargins().left() == 16


def test_a_page_that_scrolls_never_scrolls_sideways(qtbot: QtBot) -> None:
    host = QWidget()
    qtbot.addWidget(host)
    column = base.scrolling(host)
    column.addWidget(base.label(text="a sentence with many words in it " * 20, wrap=True))
    host.resize(300, 400)
    host.show()
    area = host.findChild(QScrollArea)
    assert area is not None
    assert area.horizontalScrollBar().maximum() == 0
    assert area.verticalScrollBar().maximum() >= 0


@pytest.mark.parametrize(
    "text", ["Berlin", "<b>bold</b>", "a\n<i>b</i>\n  c", "<a href='x'>x</a>\nsecond  line", "x &lt; y", "a & b", ""]
)
def test_a_tooltip_shows_what_it_is_given(text: str) -> None:
    shown = QTextDocument()
    if QtGui.Qt.mightBeRichText(base.tip(text)):
        shown.setHtml(base.tip(text))
    else:
        shown.setPlainText(base.tip(text))
    assert shown.toPlainText() == text


def test_a_tooltip_has_an_end() -> None:
    assert len(base.tip("x" * 100_000)) == 1_000
    assert len(base.tip("<" * 100_000 + "b>")) < 10_000


def test_a_button_is_square_only_while_it_has_an_icon_and_no_words(qtbot: QtBot, qapp: QApplication) -> None:
    Theme().apply(qapp, "light")
    made = base.button()
    qtbot.addWidget(made)
    assert not made.property("iconOnly")
    made.set_icon_name("add")
    assert made.property("iconOnly")
    square = made.sizeHint()
    made.setText("Add")
    assert not made.property("iconOnly")
    assert made.sizeHint().width() > square.width()
    made.setText("")
    assert made.sizeHint() == square


def test_words_stand_apart_from_their_icon(qtbot: QtBot) -> None:
    made = base.button("", "add", "Add")
    qtbot.addWidget(made)
    assert made.iconSize().width() > made.iconSize().height()
    before = made.icon().cacheKey()
    made.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert made.icon().cacheKey() != before


@pytest.mark.parametrize(
    ("text", "marked"), [("TLS עובד", True), ("עובד", True), ("berlin.example.org", False), ("", False)]
)
def test_a_sentence_runs_as_the_window_does(qtbot: QtBot, qapp: QApplication, text: str, marked: bool) -> None:
    made = base.label(text=text)
    qtbot.addWidget(made)
    assert QLabel.text(made) == text
    qapp.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    made.setText(text)
    qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
    assert QLabel.text(made).startswith("\u200f") is marked
    assert made.text() == text
