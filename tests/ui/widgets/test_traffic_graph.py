"""The traffic graph: what it keeps, what it says, and what it paints where."""

import math

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui import theme
from app.ui.widgets.traffic_graph import TrafficGraph
from tests.ui.widgets.samples import has_color, picture, speeds


@pytest.fixture
def graph(qtbot: QtBot) -> TrafficGraph:
    made = TrafficGraph()
    qtbot.addWidget(made)
    made.resize(800, 240)
    return made


def test_it_shows_the_last_minutes(graph: TrafficGraph) -> None:
    graph.set_history(speeds(*range(600)))
    assert len(graph.samples) == 61
    graph.set_minutes(5)
    assert len(graph.samples) == 301
    graph.set_minutes(10)
    assert len(graph.samples) == 600


def test_the_axis_holds_whichever_is_higher(graph: TrafficGraph) -> None:
    graph.set_history(speeds(1e6, up=9e6))
    assert graph.scale.top == 10e6
    graph.set_history(speeds(19e6, up=9e6))
    assert graph.scale.top == 20e6
    graph.set_history([])
    assert graph.scale.top == 10_000


def test_a_sample_says_both_speeds(graph: TrafficGraph) -> None:
    graph.set_history(speeds(1e6, 12.4e6, up=310_000))
    assert [reading.text for reading in graph.readings(1)] == ["↓ 12.4 MB/s", "↑ 310.0 kB/s"]
    assert len({reading.mark for reading in graph.readings(1)}) == 2
    assert graph.spoken(0) == "1 s ago: download 1.0 MB/s, upload 310.0 kB/s"
    assert graph.summary().startswith("Last 1 min.")


def test_marks_lie_on_the_lines(graph: TrafficGraph) -> None:
    graph.set_history(speeds(0, 10e6, up=5e6))
    plot = graph.plot()
    (_, down), (_, up) = graph.marks(1, plot)
    assert down.y() == pytest.approx(plot.top())
    assert up.y() == pytest.approx(plot.center().y())
    assert down.x() == pytest.approx(plot.right())


def test_lines_are_told_by_more_than_their_colour(graph: TrafficGraph) -> None:
    assert [(entry.text, entry.mark) for entry in graph.legend()] == [("download", "line"), ("upload", "dashes")]


def test_both_lines_are_painted(graph: TrafficGraph) -> None:
    graph.set_history(speeds(*([8e6] * 61), up=3e6))
    image = picture(graph)
    plot = graph.plot()
    row_of = [round(plot.bottom() - value / graph.scale.top * plot.height()) for value in (8e6, 3e6)]
    for y, token in zip(row_of, ("accent", "second"), strict=True):
        band = image.copy(200, y - 2, 400, 5)
        assert has_color(band, theme.color(token), near=90), token


def test_the_upload_line_has_gaps(graph: TrafficGraph) -> None:
    graph.set_history(speeds(*([8e6] * 61), up=3e6))
    image = picture(graph)
    y = round(graph.plot().bottom() - 3e6 / graph.scale.top * graph.plot().height())
    columns = [has_color(image.copy(x, y - 2, 1, 5), theme.color("second"), near=110) for x in range(300, 340)]
    assert any(columns)
    assert not all(columns)


def test_nothing_is_drawn_where_nothing_was_measured(graph: TrafficGraph) -> None:
    samples = speeds(*([8e6] * 61))
    del samples[20:40]
    graph.set_history(samples)
    image = picture(graph)
    x = round(graph.x_of(30, graph.plot()))
    hole = image.copy(x - 30, 12, 60, 190)
    assert not has_color(hole, theme.color("accent"), near=60)


def test_many_samples_are_thinned_to_what_pixels_can_show(graph: TrafficGraph) -> None:
    graph.set_minutes(10)
    graph.set_history(speeds(*(5e6 + 4e6 * math.sin(second) for second in range(600))))
    points = [(sample.time, sample.down) for sample in graph.samples]
    lines = graph._lines(points, graph.plot())
    assert sum(map(len, lines)) <= graph.plot().width() / 3 + 2
    graph.set_minutes(1)
    assert sum(map(len, graph._lines(points[-61:], graph.plot()))) == 61


def test_lines_are_made_once_for_each_sample(graph: TrafficGraph) -> None:
    graph.set_history(speeds(*range(60)))
    picture(graph)
    made = graph._drawn
    picture(graph)
    assert graph._drawn is made
    graph.set_history(speeds(*range(61)))
    assert graph._drawn is None


@pytest.mark.parametrize("size", [(160, 88), (296, 120), (1200, 400)])
def test_it_paints_at_any_size(graph: TrafficGraph, size: tuple[int, int]) -> None:
    graph.set_history(speeds(*(second * 1e5 for second in range(61))))
    assert has_color(picture(graph, *size), theme.color("accent"), near=120)


def test_it_has_a_name_in_every_language(graph: TrafficGraph) -> None:
    graph.setAccessibleName("")
    QApplication.sendEvent(graph, QEvent(QEvent.Type.LanguageChange))
    assert graph.accessibleName() == "Traffic graph"
