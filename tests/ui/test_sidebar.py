"""Five pages by icon and word, or by icon alone; the state at the foot."""

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.client.state import State
from app.ui.sidebar import NARROW, PAGES, WIDE, Sidebar
from app.ui.theme import Theme


@pytest.fixture
def bar(qtbot: QtBot, qapp: QApplication) -> Sidebar:
    Theme().apply(qapp, "light")
    made = Sidebar()
    qtbot.addWidget(made)
    made.resize(WIDE, 600)
    made.show()
    return made


def test_pages_in_their_order(bar: Sidebar) -> None:
    assert tuple(bar.buttons) == PAGES
    assert [one.text() for one in bar.buttons.values()] == ["Home", "Profiles", "Connections", "Logs", "Settings"]
    tops = [one.geometry().top() for one in bar.buttons.values()]
    assert tops == sorted(tops)


def test_a_click_chooses(qtbot: QtBot, bar: Sidebar) -> None:
    chosen: list[str] = []
    bar.chosen.connect(chosen.append)
    qtbot.mouseClick(bar.buttons["logs"], Qt.MouseButton.LeftButton)
    assert chosen == ["logs"]
    assert [name for name, one in bar.buttons.items() if one.isChecked()] == ["logs"]


def test_the_program_marks_silently(bar: Sidebar) -> None:
    chosen: list[str] = []
    bar.chosen.connect(chosen.append)
    bar.select("settings")
    assert bar.buttons["settings"].isChecked()
    assert not bar.buttons["home"].isChecked()
    assert [name for name, one in bar.buttons.items() if one.focusPolicy() == Qt.FocusPolicy.TabFocus] == ["settings"]
    assert not chosen


def test_icons_alone(bar: Sidebar) -> None:
    bar.set_narrow(True)
    assert bar.width() == NARROW
    for one in bar.buttons.values():
        assert one.text() == ""
        assert one.accessibleName()
        assert one.accessibleName() in one.toolTip()
        assert one.width() <= NARROW
    assert not bar.address.isVisible()
    bar.set_narrow(False)
    assert bar.width() == WIDE
    assert bar.buttons["home"].text() == "Home"
    assert bar.address.isVisible()


def test_icons_have_their_full_size(bar: Sidebar) -> None:
    for narrow in (True, False):
        bar.set_narrow(narrow)
        for one in bar.buttons.values():
            picture = one.icon().pixmap(one.iconSize(), 2.0).deviceIndependentSize().toSize()
            assert picture == one.iconSize()
            assert picture.height() == 20


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_word_and_a_shape(bar: Sidebar, state: State) -> None:
    bar.show_state(state, "127.0.0.1:1080")
    labels = bar.findChildren(QLabel)
    words = [label.text() for label in labels if label.text()]
    pictures = [label for label in labels if not label.pixmap().isNull()]
    assert len(words) == 1
    assert pictures[0].pixmap().deviceIndependentSize().toSize() == QSize(20, 20)
    assert pictures[0].accessibleName() == words[0]


def test_states_differ(bar: Sidebar) -> None:
    seen = set()
    for state in State:
        bar.show_state(state, "")
        seen.add(next(label.text() for label in bar.findChildren(QLabel) if label.text()))
    assert len(seen) == len(State)


def test_the_address_can_be_copied(qtbot: QtBot, bar: Sidebar) -> None:
    bar.show_state(State.ON, "127.0.0.1:1080")
    asked: list[bool] = []
    bar.copy_asked.connect(lambda: asked.append(True))
    assert "127.0.0.1:1080" in bar.address.text()
    assert "127.0.0.1:1080" in bar.address.accessibleName()
    qtbot.mouseClick(bar.address, Qt.MouseButton.LeftButton)
    assert asked == [True]


def test_icons_lie_at_the_side_where_reading_starts(bar: Sidebar) -> None:
    def ink() -> int:
        image = bar.buttons["logs"].icon().pixmap(bar.buttons["logs"].iconSize(), 1.0).toImage()
        drawn = [x for x in range(image.width()) for y in range(image.height()) if image.pixelColor(x, y).alpha()]
        return (min(drawn) + max(drawn)) // 2

    left = ink()
    bar.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert ink() > left
