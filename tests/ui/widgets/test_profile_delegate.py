"""How cards are painted, where their buttons are, and that hundreds of them cost little."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QModelIndex, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QHelpEvent, QImage, QMouseEvent, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyleOptionViewItem, QToolTip
from pytestqt.qtbot import QtBot

from app.client.profiles import Entry
from app.ui import theme
from app.ui.profile_card import Card, card_of
from app.ui.profile_model import ROW, ProfileModel
from app.ui.widgets.profile_delegate import ACTIONS, MORE, ProfileDelegate
from tests.fakes.desk import profile

ENTRY = Entry("a", profile("Berlin", "berlin.example.org", verification="none"), "Work", latency_ms=41.0)
WIDE, NARROW = 800, 300


@pytest.fixture
def view(qtbot: QtBot) -> QListView:
    made = QListView()
    qtbot.addWidget(made, before_close_func=lambda _view: QToolTip.hideText())
    model = ProfileModel(made)
    model.show([ENTRY, replace(ENTRY, id="b", group="", problem="Nothing listens there.", latency_ms=None)], "a")
    made.setModel(model)
    made.setItemDelegate(ProfileDelegate(made))
    made.resize(WIDE, 400)
    made.show()
    return made


@pytest.fixture
def delegate(view: QListView) -> ProfileDelegate:
    made = view.itemDelegate()
    assert isinstance(made, ProfileDelegate)
    return made


def option_for(
    width: int = WIDE, state: QStyle.StateFlag = QStyle.StateFlag.State_Enabled, rtl: bool = False
) -> QStyleOptionViewItem:
    option = QStyleOptionViewItem()
    option.rect = QRect(0, 0, width, 64)
    option.state = state
    option.direction = Qt.LayoutDirection.RightToLeft if rtl else Qt.LayoutDirection.LeftToRight
    return option


def painted(delegate: ProfileDelegate, option: QStyleOptionViewItem, index: QModelIndex) -> QImage:
    image = QImage(option.rect.size(), QImage.Format.Format_RGB32)
    image.fill(theme.color("window"))
    painter = QPainter(image)
    delegate.paint(painter, option, index)
    painter.end()
    return image


def card() -> Card:
    return card_of(ENTRY, 1)


def column(image: QImage, x: int) -> set[str]:
    """The colours of one column of a picture."""
    return {image.pixelColor(x, y).name().upper() for y in range(image.height())}


@pytest.mark.parametrize("width", [NARROW, 360, 600, WIDE, 2000])
@pytest.mark.parametrize("rtl", [False, True])
@pytest.mark.parametrize("buttons", [False, True])
def test_no_part_lies_on_another_or_outside(delegate: ProfileDelegate, width: int, rtl: bool, buttons: bool) -> None:
    option = option_for(width, rtl=rtl)
    places = delegate.places(option, card(), buttons)
    parts = [places.name, places.address, places.pill, *(place for _, _, place in places.buttons)]
    assert all(places.card.contains(part) for part in parts)
    for at, part in enumerate(parts):
        assert not any(part.intersects(other) for other in parts[at + 1 :])


def test_where_there_is_little_room_one_button_stands_for_all(delegate: ProfileDelegate) -> None:
    def keys(width: int) -> list[str]:
        return [key for key, _, _ in delegate.places(option_for(width), card(), True).buttons]

    assert keys(WIDE) == [key for key, _ in ACTIONS]
    assert keys(NARROW) == [MORE[0]]


def test_right_to_left_mirrors_all_of_it(delegate: ProfileDelegate) -> None:
    ltr, rtl = (delegate.places(option_for(rtl=rtl), card(), True) for rtl in (False, True))
    assert ltr.name.left() - ltr.card.left() == rtl.card.right() - rtl.name.right()
    assert ltr.pill.left() > ltr.name.right()
    assert rtl.pill.right() < rtl.name.left()


def test_without_a_pill_the_text_has_its_room(delegate: ProfileDelegate) -> None:
    with_pill = delegate.places(option_for(), card(), False)
    without = delegate.places(option_for(), replace(card(), pill=None), False)
    assert without.name.width() > with_pill.name.width()
    assert without.pill.isNull()


@pytest.mark.parametrize("rtl", [False, True])
def test_the_active_card_has_an_accent_edge(view: QListView, delegate: ProfileDelegate, rtl: bool) -> None:
    model = view.model()
    accent = theme.tokens().accent.upper()
    active = painted(delegate, option_for(rtl=rtl), model.index(2, 0))
    other = painted(delegate, option_for(rtl=rtl), model.index(0, 0))
    edge, far = (WIDE - 3, 2) if rtl else (2, WIDE - 3)
    assert accent in column(active, edge)
    assert accent not in column(active, far)
    assert accent not in column(other, edge)


@pytest.mark.parametrize("rtl", [False, True])
def test_texts_begin_at_the_leading_edge(view: QListView, delegate: ProfileDelegate, rtl: bool) -> None:
    option, index = option_for(rtl=rtl), view.model().index(2, 0)
    image = painted(delegate, option, index)
    place = delegate.places(option, card(), False).name
    ink = theme.tokens().text.upper()
    inked = [x for x in range(place.left(), place.right()) if ink in column(image, x)]
    assert inked
    assert all(x > place.center().x() for x in inked) if rtl else all(x < place.center().x() for x in inked)


def test_state_is_seen(view: QListView, delegate: ProfileDelegate) -> None:
    index = view.model().index(0, 0)
    flags = QStyle.StateFlag
    states = (flags.State_Enabled, flags.State_MouseOver, flags.State_Selected, flags.State_HasFocus)
    pictures = [painted(delegate, option_for(state=state), index) for state in states]
    for at, picture in enumerate(pictures):
        assert all(picture != other for other in pictures[at + 1 :])


def test_headings_are_lower_than_cards(view: QListView, delegate: ProfileDelegate) -> None:
    model, option = view.model(), option_for()
    heading, first = delegate.sizeHint(option, model.index(1, 0)), delegate.sizeHint(option, model.index(0, 0))
    assert 0 < heading.height() < first.height()
    assert painted(delegate, option, model.index(1, 0)) != painted(delegate, option, QModelIndex())


def mouse(kind: QEvent.Type, at: QPoint, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> QMouseEvent:
    return QMouseEvent(kind, QPointF(at), QPointF(at), button, button, Qt.KeyboardModifier.NoModifier)


@pytest.mark.parametrize("number", range(len(ACTIONS)))
def test_each_button_is_pressed_where_it_is_painted(view: QListView, delegate: ProfileDelegate, number: int) -> None:
    pressed: list[tuple[str, int]] = []
    delegate.pressed.connect(lambda key, index: pressed.append((key, index.row())))
    option, index = option_for(), view.model().index(2, 0)
    key, _, place = delegate.places(option, card(), True).buttons[number]
    click = mouse(QEvent.Type.MouseButtonRelease, place.center())
    assert delegate.editorEvent(click, view.model(), option, index)
    assert pressed == [(key, 2)]


def test_a_double_click_beside_the_buttons_switches(view: QListView, delegate: ProfileDelegate) -> None:
    pressed: list[str] = []
    delegate.pressed.connect(lambda key, _index: pressed.append(key))
    option, index = option_for(), view.model().index(2, 0)
    name = delegate.places(option, card(), True).name.center()
    button = delegate.places(option, card(), True).buttons[0][2].center()
    double = QEvent.Type.MouseButtonDblClick
    delegate.editorEvent(mouse(double, button), view.model(), option, index)
    delegate.editorEvent(mouse(double, name, Qt.MouseButton.RightButton), view.model(), option, index)
    delegate.editorEvent(mouse(QEvent.Type.MouseButtonRelease, name), view.model(), option, index)
    delegate.editorEvent(QEvent(QEvent.Type.KeyPress), view.model(), option, index)
    assert pressed == []
    delegate.editorEvent(mouse(double, name), view.model(), option, index)
    assert pressed == ["switch"]


def test_a_heading_has_no_buttons(view: QListView, delegate: ProfileDelegate) -> None:
    place = delegate.places(option_for(), card(), True).buttons[0][2].center()
    assert delegate.button_at(option_for(), view.model().index(1, 0), place) == ""


def test_the_button_under_the_pointer_stands_out(view: QListView, delegate: ProfileDelegate) -> None:
    option, index = option_for(state=QStyle.StateFlag.State_MouseOver), view.model().index(0, 0)
    before = painted(delegate, option, index)
    row = view.model().index(0, 0).data(ROW)
    place = delegate.places(option, row.card, True).buttons[-1][2].center()
    none = Qt.MouseButton.NoButton
    assert not delegate.editorEvent(mouse(QEvent.Type.MouseMove, place, none), view.model(), option, index)
    assert painted(delegate, option, index) != before
    delegate.forget_pointer()
    assert painted(delegate, option, index) == before


def test_buttons_say_what_they_do(view: QListView, delegate: ProfileDelegate) -> None:
    delegate.words = {"edit": "Change it"}
    option, index = option_for(), view.model().index(0, 0)
    row = index.data(ROW)
    places = delegate.places(option, row.card, True)
    ask = QHelpEvent(QEvent.Type.ToolTip, places.buttons[0][2].center(), QPoint(10, 10))
    assert delegate.helpEvent(ask, view, option, index)
    assert QToolTip.text() == "Change it"
    ask = QHelpEvent(QEvent.Type.ToolTip, places.name.center(), QPoint(10, 10))
    delegate.helpEvent(ask, view, option, index)
    assert "Nothing listens there." in QToolTip.text()


def test_only_the_lines_in_sight_are_painted(qtbot: QtBot) -> None:
    """Five hundred profiles scroll as smoothly as ten: nothing is painted, and nothing made, for the rest."""
    asked: set[int] = set()

    class Counting(ProfileDelegate):
        def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: object) -> None:
            asked.add(index.row())  # type: ignore[attr-defined]  # Qt gives an index
            super().paint(painter, option, index)  # type: ignore[arg-type]  # as above

    view = QListView()
    qtbot.addWidget(view)
    model = ProfileModel(view)
    model.show([replace(ENTRY, id=str(number), group="") for number in range(500)])
    view.setModel(model)
    view.setItemDelegate(Counting(view))
    view.resize(600, 400)
    view.grab()
    assert 0 < len(asked) < 20
    assert len(view.viewport().children()) < 5


def test_chips_are_seen_on_a_selected_card(view: QListView, delegate: ProfileDelegate) -> None:
    index = view.model().index(0, 0)
    option = option_for()
    option.state |= QStyle.StateFlag.State_Selected
    image = painted(delegate, option, index)
    pill = delegate.places(option, card(), False).pill
    assert image.pixelColor(pill.left() + 4, pill.center().y()).name().upper() == theme.tokens().surface.upper()
