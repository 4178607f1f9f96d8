"""The stages as a row that wraps, and the failure with the one button that helps."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.errors import CertificateExpired, ClosedSilently, Failure, ListenFailed, NothingListens, TlsFailed
from app.ui import theme
from app.ui.widgets.stage_row import StageLine, StageRow
from app.ui.widgets.stages import Stage
from tests.ui.widgets.samples import has_color, picture

ALL = [Stage(name, "done", 20.0) for name in ("tcp", "tls", "authentication", "page")]


@pytest.fixture
def row(qtbot: QtBot) -> StageRow:
    made = StageRow()
    qtbot.addWidget(made)
    made.resize(700, 80)
    return made


@pytest.fixture
def line(qtbot: QtBot) -> StageLine:
    made = StageLine()
    qtbot.addWidget(made)
    made.resize(700, 24)
    return made


def test_one_line_where_there_is_room_and_more_where_there_is_none(line: StageLine) -> None:
    line.show_stages(ALL)
    heights = []
    for width in (700, 260, 100):
        line.resize(width, line.height())
        heights.append((line.lines(), line.height()))
    assert [lines for lines, _ in heights] == sorted({lines for lines, _ in heights})
    assert heights[0][0] == 1
    assert heights[-1][0] == 4
    assert heights[-1][1] == 4 * heights[0][1]
    assert line.minimumSizeHint().width() < line.sizeHint().width()


def test_no_stages_take_no_line(line: StageLine) -> None:
    assert line.lines() == 0
    line.show_stages(ALL)
    line.show_stages([])
    assert line.isHidden()


def test_a_stage_that_is_done_does_not_move_the_others(line: StageLine) -> None:
    line.show_stages([Stage("tcp", "running"), Stage("tls", "waiting")])
    before = line._places()
    line.show_stages([Stage("tcp", "done", 18.0), Stage("tls", "running")])
    assert line._places() == before


def test_looks_differ_in_shape(line: StageLine) -> None:
    images = []
    for look in ("waiting", "running", "done", "failed"):
        line.show_stages([Stage("tcp", look)])
        image = picture(line).copy(0, 0, 18, 24)
        images.append(image.convertToFormat(image.Format.Format_Mono))
    assert all(one != other for place, one in enumerate(images) for other in images[place + 1 :])


def test_what_works_is_green_and_what_failed_is_red(line: StageLine) -> None:
    line.show_stages([Stage("tcp", "done", 18.0), Stage("tls", "failed")])
    image = picture(line)
    assert has_color(image, theme.color("good"), near=60)
    assert has_color(image, theme.color("bad"), near=60)


def test_it_is_mirrored_for_other_scripts(line: StageLine) -> None:
    line.show_stages([Stage("tcp", "failed")])
    assert has_color(picture(line).copy(0, 0, 20, 24), theme.color("bad"), near=60)
    line.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert has_color(picture(line).copy(680, 0, 20, 24), theme.color("bad"), near=60)


def test_it_is_heard_as_one_sentence(row: StageRow) -> None:
    row.show_stages(ALL[:2])
    assert row.line.accessibleName() == "TCP: works, 20 ms; TLS: works, 20 ms"


@pytest.mark.parametrize(
    ("failure", "words", "what"),
    [
        (NothingListens("a.example", 443), "Try again", "retry"),
        (ClosedSilently("a.example", 443), "Edit profile", "edit"),
        (TlsFailed("a.example", 443, "x"), "Open the log", "logs"),
        (ListenFailed("127.0.0.1", 1080, "x"), "Open settings", "settings"),
        (
            CertificateExpired("a.example", 443, "x", certificate=b"x"),
            "Look at the certificate…",
            "certificate",
        ),
    ],
)
def test_a_failure_is_a_sentence_and_a_button(
    row: StageRow, qtbot: QtBot, failure: Failure, words: str, what: str
) -> None:
    asked: list[str] = []
    row.help_asked.connect(asked.append)
    row.show_failure(failure)
    assert row.troubled
    assert row.sentence.text() == str(failure)
    assert row.button.text() == words
    qtbot.mouseClick(row.button, Qt.MouseButton.LeftButton)
    assert asked == [what]


def test_the_sentence_may_be_another_one(row: StageRow) -> None:
    row.show_failure(NothingListens("a.example", 443), "Nothing listens on •••.")
    assert row.sentence.text() == "Nothing listens on •••."


def test_a_failure_that_is_over_is_gone(row: StageRow) -> None:
    row.show_failure(NothingListens("a.example", 443))
    row.show_failure(None)
    assert not row.troubled


def test_what_may_still_work_is_a_warning(row: StageRow) -> None:
    row.show_failure(NothingListens("a.example", 443), serious=False)
    assert row.sentence.property("role") == "warn"
    row.show_failure(NothingListens("a.example", 443))
    assert row.sentence.property("role") == "bad"


def test_the_button_goes_below_where_there_is_little_room(row: StageRow) -> None:
    row.show_failure(ClosedSilently("a.example", 443))
    row.show()
    QApplication.processEvents()
    assert row.button.y() < row.sentence.geometry().bottom()
    row.resize(300, 200)
    QApplication.processEvents()
    assert row.button.y() > row.sentence.geometry().bottom()


def test_words_follow_the_language(row: StageRow) -> None:
    row.button.setText("")
    QApplication.sendEvent(row, QEvent(QEvent.Type.LanguageChange))
    assert row.button.text() == "Try again"
