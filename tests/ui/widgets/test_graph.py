"""What both graphs do alike: reading with pointer and keys, painting only what is seen, room for numbers."""

from collections.abc import Sequence

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.ui import theme
from app.ui.widgets.graph import Graph, Reading, paint_mark
from tests.ui.widgets.samples import focus, has_color, picture, point_to


class Steps(Graph):
    """Samples at 0, 1, 2, … seconds."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.moments = [float(second) for second in range(count)]
        self.painted = 0
        self.setAccessibleName("Steps")

    def times(self) -> Sequence[float]:
        return self.moments

    def readings(self, place: int) -> list[Reading]:
        return [Reading("accent", "disc", f"sample {place}")]

    def spoken(self, place: int) -> str:
        return f"sample number {place}"

    def summary(self) -> str:
        return f"{len(self.moments)} samples"

    def paint_samples(self, painter: QPainter, plot: QRectF) -> None:
        painter.fillRect(plot, theme.color("good"))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        self.painted += 1
        super().paintEvent(event)


@pytest.fixture
def graph(qtbot: QtBot) -> Steps:
    made = Steps(61)
    qtbot.addWidget(made)
    made.resize(800, 200)
    return made


def point_at(graph: Graph, time: float) -> QPoint:
    return QPoint(round(graph.x_of(time, graph.plot())), 50)


def test_the_newest_sample_is_at_the_right_edge(graph: Steps) -> None:
    plot = graph.plot()
    assert graph.x_of(60.0, plot) == pytest.approx(plot.right())
    assert graph.x_of(0.0, plot) == pytest.approx(plot.left())
    assert graph.time_at(graph.x_of(33.0, plot)) == pytest.approx(33.0)


def test_a_longer_window_moves_samples_to_the_right(graph: Steps) -> None:
    before = graph.x_of(30.0, graph.plot())
    graph.set_minutes(5)
    assert graph.seconds == 300
    assert graph.x_of(30.0, graph.plot()) > before


def test_the_pointer_reads_the_sample_below_it(graph: Steps, qtbot: QtBot) -> None:
    assert graph.reading_place() is None
    point_to(graph, point_at(graph, 20.2))
    assert graph.reading_place() == 20
    QApplication.sendEvent(graph, QEvent(QEvent.Type.Leave))
    assert graph.reading_place() is None


def test_arrows_read_from_sample_to_sample(graph: Steps, qtbot: QtBot) -> None:
    places = []
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_Left, Qt.Key.Key_End):
        qtbot.keyClick(graph, key)
        places.append(graph.reading_place())
    assert places == [60, 59, 60, 0, 0, 60]
    assert graph.accessibleDescription() == "sample number 60"
    qtbot.keyClick(graph, Qt.Key.Key_Escape)
    assert graph.reading_place() is None


def test_a_sample_that_is_read_stays_while_time_goes_on(graph: Steps, qtbot: QtBot) -> None:
    qtbot.keyClick(graph, Qt.Key.Key_Home)
    graph.moments.append(61.0)
    graph.refresh()
    assert graph.reading_place() == 0


def test_other_keys_are_left_to_the_window(graph: Steps, qtbot: QtBot) -> None:
    qtbot.keyClick(graph, Qt.Key.Key_A)
    qtbot.keyClick(graph, Qt.Key.Key_Escape)
    assert graph.reading_place() is None


def test_without_samples_nothing_can_be_read(qtbot: QtBot) -> None:
    empty = Steps(0)
    qtbot.addWidget(empty)
    point_to(empty, QPoint(5, 5))
    qtbot.keyClick(empty, Qt.Key.Key_Left)
    assert empty.reading_place() is None
    empty.set_note("Nothing yet.")
    assert has_color(picture(empty, 400, 160), theme.color("edge"))


def test_focus_tells_the_whole_in_words(graph: Steps, qtbot: QtBot) -> None:
    focus(graph)
    assert graph.accessibleDescription() == "61 samples"
    graph.moments.append(61.0)
    graph.refresh()
    assert graph.accessibleDescription() == "62 samples"


def test_what_keys_have_read_ends_with_the_focus(graph: Steps, qtbot: QtBot) -> None:
    other = QWidget(graph)
    other.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    focus(graph)
    qtbot.keyClick(graph, Qt.Key.Key_Home)
    other.setFocus()
    assert graph.reading_place() is None


@pytest.mark.parametrize(
    ("reason", "framed"), [(Qt.FocusReason.TabFocusReason, True), (Qt.FocusReason.MouseFocusReason, False)]
)
def test_only_who_moves_by_keys_sees_the_focus(graph: Steps, reason: Qt.FocusReason, framed: bool) -> None:
    focus(graph, reason)
    assert has_color(picture(graph).copy(0, 60, 2, 60), theme.color("accent"), near=90) == framed


def test_nothing_is_painted_while_it_is_hidden(graph: Steps) -> None:
    for _ in range(10):
        graph.refresh()
    QApplication.processEvents()
    assert graph.painted == 0


def test_a_burst_of_news_is_one_repaint(graph: Steps) -> None:
    graph.show()
    QApplication.processEvents()
    before = graph.painted
    for _ in range(50):
        graph.refresh()
    QApplication.processEvents()
    assert graph.painted - before == 1


def test_what_is_read_is_shown_in_a_box(graph: Steps, qtbot: QtBot) -> None:
    plain = picture(graph)
    point_to(graph, point_at(graph, 30))
    read = picture(graph)
    x = round(graph.x_of(30, graph.plot())) + 40
    assert plain.pixelColor(x, 16) == theme.color("good")
    assert read.pixelColor(x + 30, 16) != plain.pixelColor(x + 30, 16)


def test_the_box_turns_over_at_the_right_edge(graph: Steps, qtbot: QtBot) -> None:
    point_to(graph, point_at(graph, 60))
    image = picture(graph)
    left = image.copy(600, 10, 180, 50)
    assert has_color(left, theme.color("raised"))


def test_numbers_stand_beside_the_samples_where_there_is_room(graph: Steps) -> None:
    assert graph.plot().left() > graph.gutter() - 1
    graph.resize(300, 160)
    assert graph.plot().left() < 1


@pytest.mark.parametrize("width", [800, 300])
def test_numbers_are_painted_in_the_colour_of_hints(graph: Steps, width: int) -> None:
    image = QImage(width, 200, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.white)
    graph.resize(width, 200)
    painter = QPainter(image)
    graph.paint_label(painter, "888", graph.plot(), 100)
    painter.end()
    left = image.copy(0, 80, round(graph.gutter()), 40)
    assert has_color(left, theme.color("faint"), near=60)


@pytest.mark.parametrize("mark", ["disc", "diamond", "square", "frame", "line", "dashes"])
def test_each_mark_is_painted_in_its_colour(qtbot: QtBot, mark: str) -> None:
    image = QImage(20, 20, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    paint_mark(painter, Reading("bad", mark, ""), QPointF(10, 10.5), on="surface" if mark == "disc" else "")
    painter.end()
    assert has_color(image, theme.color("bad"), near=40)


def test_marks_differ_in_shape(qtbot: QtBot) -> None:
    images = []
    for mark in ("disc", "diamond", "square", "frame", "line", "dashes"):
        image = QImage(20, 20, QImage.Format.Format_ARGB32)
        image.fill(Qt.GlobalColor.white)
        painter = QPainter(image)
        paint_mark(painter, Reading("text", mark, ""), QPointF(10, 10))
        painter.end()
        images.append(image)
    assert all(one != other for place, one in enumerate(images) for other in images[place + 1 :])


def test_a_graph_that_says_nothing_of_itself_is_no_graph(qtbot: QtBot) -> None:
    bare = Graph()
    qtbot.addWidget(bare)
    for ask in (bare.times, bare.summary, lambda: bare.readings(0), lambda: bare.spoken(0)):
        with pytest.raises(NotImplementedError):
            ask()
    with pytest.raises(NotImplementedError):
        bare.paint_samples(QPainter(), QRectF())
    assert bare.legend() == []
    assert bare.marks(0, QRectF()) == []
    assert bare.minimumSizeHint().width() <= bare.sizeHint().width()
