"""Keys, menu and selection of the list of profiles."""

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from app.client.profiles import Entry
from app.ui.profile_model import ProfileModel
from app.ui.widgets.profile_delegate import ProfileDelegate
from app.ui.widgets.profile_list import ProfileList
from tests.fakes.desk import profile

Key, Mod = Qt.Key, Qt.KeyboardModifier
Asked = list[tuple[str, list[str]]]


def entry(name: str, group: str = "") -> Entry:
    return Entry(name, profile(name, f"{name.lower()}.example.org"), group)


@pytest.fixture
def view(qtbot: QtBot) -> ProfileList:
    model = ProfileModel()
    model.show([entry("A"), entry("B"), entry("C", "Work")])
    made = ProfileList(model)
    qtbot.addWidget(made, before_close_func=lambda _view: made.menu.hide())
    made.resize(700, 400)
    made.show()
    return made


@pytest.fixture
def asked(view: ProfileList) -> Asked:
    told: Asked = []
    view.asked.connect(lambda verb, ids: told.append((verb, ids)))
    return told


def view_option(view: ProfileList, row: int) -> QStyleOptionViewItem:
    option = QStyleOptionViewItem()
    view.initViewItemOption(option)
    option.rect = view.visualRect(view.profiles.index(row))
    return option


def delegate(view: ProfileList) -> ProfileDelegate:
    made = view.itemDelegate()
    assert isinstance(made, ProfileDelegate)
    return made


@pytest.mark.parametrize(
    ("key", "modifier", "verb"),
    [
        (Key.Key_Return, Mod.NoModifier, "switch"),
        (Key.Key_Enter, Mod.KeypadModifier, "switch"),
        (Key.Key_F2, Mod.NoModifier, "edit"),
        (Key.Key_D, Mod.ControlModifier, "duplicate"),
        (Key.Key_T, Mod.ControlModifier, "test"),
        (Key.Key_Delete, Mod.NoModifier, "delete"),
        (Key.Key_Up, Mod.AltModifier, "up"),
        (Key.Key_Down, Mod.AltModifier, "down"),
    ],
)
def test_each_verb_has_its_key(
    qtbot: QtBot, view: ProfileList, asked: Asked, key: Qt.Key, modifier: Qt.KeyboardModifier, verb: str
) -> None:
    view.choose(["B"])
    qtbot.keyClick(view, key, modifier)
    assert asked == [(verb, ["B"])]


def test_keys_do_nothing_without_a_selection(qtbot: QtBot, view: ProfileList, asked: Asked) -> None:
    qtbot.keyClick(view, Key.Key_Delete)
    assert asked == []


def test_several_are_tested_and_deleted_together_and_nothing_else(
    qtbot: QtBot, view: ProfileList, asked: Asked
) -> None:
    view.choose(["C", "A"])
    for key in (Key.Key_Return, Key.Key_F2, Key.Key_Delete):
        qtbot.keyClick(view, key)
    qtbot.keyClick(view, Key.Key_T, Mod.ControlModifier)
    assert asked == [("delete", ["A", "C"]), ("test", ["A", "C"])]


def test_arrows_skip_the_headings(qtbot: QtBot, view: ProfileList) -> None:
    view.choose(["B"])
    qtbot.keyClick(view, Key.Key_Down)
    assert view.chosen() == ["C"]
    qtbot.keyClick(view, Key.Key_Up)
    assert view.chosen() == ["B"]


def test_the_selection_outlives_a_new_order(view: ProfileList) -> None:
    view.choose(["A", "C"])
    view.profiles.show([entry("C"), entry("B"), entry("A"), entry("D")])
    assert view.chosen() == ["C", "A"]
    current = view.profiles.entry(view.currentIndex())
    assert current is not None
    assert current.id == "A"


def test_the_selection_forgets_who_is_gone(view: ProfileList) -> None:
    view.choose(["B"])
    view.profiles.show([entry("A")])
    assert view.chosen() == []
    view.go_to_first()
    assert view.chosen() == ["A"]
    view.profiles.show([])
    view.go_to_first()
    assert view.chosen() == []


def test_going_to_the_first_leaves_a_selection_alone(view: ProfileList) -> None:
    view.choose(["B", "nobody"])
    view.go_to_first()
    assert view.chosen() == ["B"]


def test_the_scroll_place_is_kept(view: ProfileList) -> None:
    many = [entry(f"N{number}") for number in range(200)]
    view.profiles.show(many)
    view.grab()
    view.verticalScrollBar().setValue(500)
    view.profiles.show(many[:-1])
    assert view.verticalScrollBar().value() == 500


def test_a_click_on_a_small_button_asks_for_its_line(qtbot: QtBot, view: ProfileList, asked: Asked) -> None:
    view.choose(["A"])
    index = view.profiles.index(1)
    row = view.profiles.line(index)
    assert row is not None
    assert row.card is not None
    option = view_option(view, 1)
    places = {key: place.center() for key, _, place in delegate(view).places(option, row.card, True).buttons}
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=places["duplicate"])
    assert asked == [("duplicate", ["B"])]


def test_a_double_click_switches(qtbot: QtBot, view: ProfileList, asked: Asked) -> None:
    place = view.visualRect(view.profiles.index(1)).topLeft() + QPoint(60, 20)
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)  # as a real one begins
    assert asked == []
    qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert asked == [("switch", ["B"])]


def test_more_opens_the_menu(view: ProfileList) -> None:
    delegate(view).pressed.emit("more", view.profiles.index(1))
    assert view.menu.isVisible()
    assert view.chosen() == ["B"]
    delegate(view).pressed.emit("edit", view.profiles.index(2))  # a heading has none


def menu_asked(view: ProfileList, at: QPoint, by_key: bool = False) -> None:
    reason = QContextMenuEvent.Reason.Keyboard if by_key else QContextMenuEvent.Reason.Mouse
    view.contextMenuEvent(QContextMenuEvent(reason, at, view.viewport().mapToGlobal(at)))


def enabled(view: ProfileList) -> list[str]:
    return [action.text() for action in view.menu.actions() if action.isEnabled() and not action.isSeparator()]


def test_the_menu_is_for_the_line_under_the_pointer(view: ProfileList, asked: Asked) -> None:
    view.choose(["A"])
    menu_asked(view, view.visualRect(view.profiles.index(1)).center())
    assert view.menu.isVisible()
    action = next(one for one in view.menu.actions() if one.text() == "Delete")
    action.trigger()
    assert asked == [("delete", ["B"])]


def test_the_menu_key_takes_the_current_line(view: ProfileList) -> None:
    view.choose(["B"])
    menu_asked(view, QPoint(0, 0), by_key=True)
    assert view.menu.isVisible()
    assert view.chosen() == ["B"]


def test_no_menu_beside_the_lines(view: ProfileList) -> None:
    menu_asked(view, QPoint(5, 395))
    assert not view.menu.isVisible()


def test_the_menu_offers_what_can_be_done(view: ProfileList) -> None:
    first = view.visualRect(view.profiles.index(0)).center()
    menu_asked(view, first)
    everything = ["Switch to it", "Test", "Edit…", "Duplicate", "Copy address", "Move up", "Move down", "Delete"]
    assert enabled(view) == everything
    view.menu.close()
    view.choose(["A", "B"])
    menu_asked(view, first)
    assert enabled(view) == ["Test", "Delete"]
    view.menu.close()
    view.profiles.set_filter("a")
    view.choose(["A"])
    menu_asked(view, view.visualRect(view.profiles.index(0)).center())
    assert "Move up" not in enabled(view)


def test_the_pointer_leaves_no_button_lit(qtbot: QtBot, view: ProfileList) -> None:
    option = view_option(view, 0)
    row = view.profiles.line(view.profiles.index(0))
    assert row is not None
    assert row.card is not None
    place = delegate(view).places(option, row.card, True).buttons[0][2].center()
    qtbot.mouseMove(view.viewport(), place)
    view.eventFilter(view.viewport(), QEvent(QEvent.Type.Leave))
    assert delegate(view)._pointer == QPoint(-1, -1)


def test_it_has_a_name_and_icons(view: ProfileList) -> None:
    view.retheme()
    assert view.accessibleName() == "Profiles"
    assert all(not action.icon().isNull() for action in view.menu.actions() if not action.isSeparator())
