"""The big button: round, told apart by shape, filling stage by stage."""

import pytest
from PySide6.QtCore import QAbstractAnimation, QPoint, Qt
from pytestqt.qtbot import QtBot

from app.client.state import State
from app.ui import theme
from app.ui.widgets.power_switch import DIAMETER, PowerSwitch
from tests.fakes.waiting import until
from tests.ui.widgets.samples import focus, has_color, picture


@pytest.fixture
def power(qtbot: QtBot) -> PowerSwitch:
    made = PowerSwitch()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def moving(power: PowerSwitch, monkeypatch: pytest.MonkeyPatch) -> PowerSwitch:
    """On a desktop that likes motion."""
    monkeypatch.setattr(theme, "reduced_motion", lambda: False)
    power.show()
    return power


def clicks(power: PowerSwitch) -> list[bool]:
    heard: list[bool] = []
    power.clicked.connect(lambda: heard.append(True))
    return heard


def test_it_is_clicked_in_its_circle_only(power: PowerSwitch, qtbot: QtBot) -> None:
    heard = clicks(power)
    qtbot.mouseClick(power, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert heard == []
    qtbot.mouseClick(power, Qt.MouseButton.LeftButton, pos=power.rect().center())
    assert len(heard) == 1


def test_it_is_pressed_by_key(power: PowerSwitch, qtbot: QtBot) -> None:
    heard = clicks(power)
    qtbot.keyClick(power, Qt.Key.Key_Space)
    assert len(heard) == 1


def test_its_name_is_what_a_press_does(power: PowerSwitch) -> None:
    assert (power.accessibleName(), power.toolTip()) == ("Connect", "Connect")
    for state in (State.CONNECTING, State.ON, State.DEGRADED, State.FAILED):
        power.show_state(state)
        assert power.accessibleName() == "Disconnect"
    power.show_state(State.OFF)
    assert power.accessibleName() == "Connect"


def test_states_are_told_by_shape(power: PowerSwitch) -> None:
    images = []
    for state, done in ((State.OFF, 0), (State.CONNECTING, 1), (State.ON, 4), (State.DEGRADED, 4), (State.FAILED, 1)):
        power.show_state(state, done, 4)
        images.append(picture(power).convertToFormat(picture(power).Format.Format_Mono))
    assert all(one != other for place, one in enumerate(images) for other in images[place + 1 :])


def accent_pixels(power: PowerSwitch) -> int:
    image = picture(power)
    accent = theme.color("accent")
    return sum(image.pixelColor(x, y) == accent for x in range(image.width()) for y in range(image.height()))


def test_the_ring_fills_stage_by_stage(power: PowerSwitch) -> None:
    filled = []
    for done in range(5):
        power.show_state(State.CONNECTING, done, 4)
        filled.append(accent_pixels(power))
    assert filled == sorted(set(filled))


def test_the_part_that_failed_is_red(power: PowerSwitch) -> None:
    power.show_state(State.CONNECTING, 2, 4)
    assert not has_color(picture(power), theme.color("bad"), near=10)
    power.show_state(State.FAILED, 2, 4)
    assert has_color(picture(power), theme.color("bad"), near=10)


def test_without_motion_the_ring_is_full_at_once(power: PowerSwitch) -> None:
    power.show()
    power.show_state(State.CONNECTING, 2, 4)
    assert power._shown == 2
    assert power._motion.state() == QAbstractAnimation.State.Stopped


async def test_with_motion_it_fills_and_rests(moving: PowerSwitch) -> None:
    moving.show_state(State.CONNECTING, 2, 4)
    assert moving._shown < 2
    await until(lambda: moving._shown == 2)
    await until(lambda: moving._motion.state() == QAbstractAnimation.State.Stopped)


def test_it_never_runs_backwards(moving: PowerSwitch) -> None:
    moving.show_state(State.CONNECTING, 3, 4)
    moving.show_state(State.OFF, 0, 4)
    assert moving._shown == 0
    assert moving._motion.state() == QAbstractAnimation.State.Stopped


def test_nothing_moves_while_it_is_hidden(moving: PowerSwitch) -> None:
    moving.show_state(State.CONNECTING, 2, 4)
    moving.hide()
    assert moving._motion.state() == QAbstractAnimation.State.Stopped
    assert moving._shown == 2
    moving.show_state(State.CONNECTING, 3, 4)
    assert moving._motion.state() == QAbstractAnimation.State.Stopped


def test_the_same_state_again_changes_nothing(power: PowerSwitch) -> None:
    power.show_state(State.ON, 4, 4)
    power.setAccessibleName("untouched")
    power.show_state(State.ON, 4, 4)
    assert power.accessibleName() == "untouched"


@pytest.mark.parametrize(
    ("reason", "ringed"), [(Qt.FocusReason.TabFocusReason, True), (Qt.FocusReason.MouseFocusReason, False)]
)
def test_only_who_moves_by_keys_sees_the_focus(power: PowerSwitch, reason: Qt.FocusReason, ringed: bool) -> None:
    focus(power, reason)
    outside = picture(power).copy(0, 30, 3, 4)
    assert has_color(outside, theme.color("accent"), near=90) == ringed


def test_it_is_as_large_as_designed(power: PowerSwitch) -> None:
    assert power.width() == power.height() == DIAMETER + 8


def test_it_shows_that_it_is_held_down(power: PowerSwitch) -> None:
    power.show_state(State.ON, 4, 4)
    up = picture(power)
    power.setDown(True)
    assert picture(power) != up
