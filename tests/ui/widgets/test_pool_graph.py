"""The pool graph: one cell a session, busy below idle below those that are coming."""

from itertools import pairwise

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui import theme
from app.ui.widgets.pool_graph import PoolGraph, idle_color
from tests.ui.widgets.samples import counts, has_color, picture


@pytest.fixture
def graph(qtbot: QtBot) -> PoolGraph:
    made = PoolGraph()
    qtbot.addWidget(made)
    made.resize(800, 140)
    return made


def level(graph: PoolGraph, image: QImage, session: int) -> QImage:
    """The cells of the newest column at the height of the `session`th session."""
    plot = graph.plot()
    unit = plot.height() / graph.scale.top
    top = round(plot.bottom() - session * unit)
    return image.copy(round(plot.right()) - 10, top + 3, 6, max(1, round(unit) - 6))


def test_it_shows_the_last_minutes(graph: PoolGraph) -> None:
    graph.set_history(counts(*([(1, 2, 0)] * 600)))
    assert len(graph.counts) == 61
    graph.set_minutes(10)
    assert len(graph.counts) == 600


def test_the_axis_counts_whole_sessions(graph: PoolGraph) -> None:
    graph.set_history(counts((1, 1, 0)))
    assert graph.scale.top == 4
    graph.set_history(counts((30, 20, 14)))
    assert graph.scale.top >= 64


def test_kinds_lie_above_each_other(graph: PoolGraph) -> None:
    graph.set_history(counts(*([(1, 1, 1)] * 61)))
    image = picture(graph)
    assert has_color(level(graph, image, 1), theme.color("accent"))
    assert has_color(level(graph, image, 2), idle_color())
    assert has_color(level(graph, image, 3), theme.color("surface"))
    assert not has_color(level(graph, image, 4), idle_color())


def test_a_session_that_is_coming_is_a_frame(graph: PoolGraph) -> None:
    graph.set_history(counts(*([(0, 0, 2)] * 61)))
    image = picture(graph)
    assert has_color(image, theme.color("muted"))
    assert not has_color(image.copy(100, 8, 690, 105), theme.color("accent"))


def test_idle_is_told_from_busy_and_from_the_ground(graph: PoolGraph) -> None:
    shades = [theme.color("accent").lightness(), idle_color().lightness(), theme.color("surface").lightness()]
    assert shades == sorted(shades)
    assert min(later - sooner for sooner, later in pairwise(shades)) > 30


def test_cells_are_cut_apart(graph: PoolGraph) -> None:
    graph.set_history(counts(*([(4, 0, 0)] * 61)))
    image = picture(graph)
    x = round(graph.plot().right()) - 6
    column = [image.pixelColor(x, y) for y in range(10, 120)]
    changes = sum(one != other for one, other in pairwise(column))
    assert changes >= 6


def test_many_sessions_flow_into_columns(graph: PoolGraph) -> None:
    graph.set_history(counts(*([(60, 4, 0)] * 61)))
    image = picture(graph)
    x = round(graph.plot().right()) - 6
    column = [image.pixelColor(x, y) for y in range(40, 100)]
    assert all(color == theme.color("accent") for color in column)


def test_a_count_says_how_many_of_each(graph: PoolGraph) -> None:
    graph.set_history(counts((2, 4, 1), (1, 5, 0)))
    assert [reading.text for reading in graph.readings(0)] == ["busy 2", "idle 4", "connecting 1"]
    assert graph.spoken(0) == "1 s ago: busy 2, idle 4, connecting 1"
    assert graph.summary().startswith("Sessions now: busy 1")
    assert [entry.text for entry in graph.legend()] == ["busy", "idle", "connecting"]


@pytest.mark.parametrize("minutes", [1, 5, 10])
@pytest.mark.parametrize("width", [160, 296, 1200])
def test_it_paints_at_any_size(graph: PoolGraph, width: int, minutes: int) -> None:
    graph.set_minutes(minutes)
    graph.set_history(counts(*([(2, 3, 1)] * 600)))
    image = picture(graph, width, 96)
    assert has_color(image, theme.color("accent"))
    assert has_color(image, idle_color())


def test_it_has_a_name_in_every_language(graph: PoolGraph) -> None:
    graph.setAccessibleName("")
    QApplication.sendEvent(graph, QEvent(QEvent.Type.LanguageChange))
    assert graph.accessibleName() == "Session pool graph"
