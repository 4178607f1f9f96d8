"""The page of the log, on a real ring of lines."""

import logging
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import logs
from app.storage.settings import PRIVACY
from app.ui.bridge import Bridge
from app.ui.log_model import Column
from app.ui.messages import Message
from app.ui.pages.logs import LogsPage
from tests.fakes.waiting import settle, until

log = logging.getLogger("anytls.example")


@pytest.fixture(autouse=True)
def written(bridge: Bridge) -> Iterator[None]:
    """What is logged goes to the bridge's ring."""
    logs.set_level("debug")
    logging.getLogger("anytls").addHandler(bridge.logs)
    yield
    logging.getLogger("anytls").removeHandler(bridge.logs)
    logs.hide_hosts(False)
    logs.stop()


@pytest.fixture
def page(bridge: Bridge, qtbot: QtBot) -> LogsPage:
    made = LogsPage(bridge)
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    return made


def texts(page: LogsPage) -> list[str]:
    return [page.model.at(row).text for row in range(page.model.rowCount())]


async def test_lines_come_as_they_are_logged(page: LogsPage) -> None:
    assert page.empty.isVisible()
    log.info("first")
    await until(lambda: texts(page) == ["first"])
    assert page.table.isVisible()
    log.error("second")
    await until(lambda: texts(page) == ["first", "second"])


async def test_lines_from_before_are_there_at_once(bridge: Bridge, qtbot: QtBot) -> None:
    log.info("early")
    page = LogsPage(bridge)
    qtbot.addWidget(page)
    page.show()
    assert texts(page) == ["early"]


async def test_a_hidden_page_rests_and_catches_up(page: LogsPage) -> None:
    page.hide()
    log.info("while hidden")
    assert not page._timer.isActive()
    assert texts(page) == []
    page.show()
    assert texts(page) == ["while hidden"]


async def test_pause_holds_the_lines_back(page: LogsPage, qtbot: QtBot) -> None:
    qtbot.mouseClick(page.pause, Qt.MouseButton.LeftButton)
    log.info("unseen")
    page.hide()
    page.show()
    assert not page._timer.isActive()
    assert texts(page) == []
    qtbot.mouseClick(page.pause, Qt.MouseButton.LeftButton)
    assert texts(page) == ["unseen"]
    assert page._timer.isActive()


async def test_pause_tells_what_it_does_next(page: LogsPage) -> None:
    before = page.pause.accessibleName()
    page.pause.setChecked(True)
    assert page.pause.accessibleName() != before


async def test_level_and_search_filter(page: LogsPage, qtbot: QtBot) -> None:
    log.debug("a detail")
    log.warning("a warning of frost")
    log.error("an error")
    page._look()
    page.level.setCurrentIndex(2)
    assert texts(page) == ["a warning of frost", "an error"]
    qtbot.keyClicks(page.search, "frost")
    await until(lambda: texts(page) == ["a warning of frost"])
    qtbot.keyClicks(page.search, "bite")
    await until(page.no_match.isVisible)


async def test_clear_forgets_and_goes_on(page: LogsPage, qtbot: QtBot) -> None:
    log.info("old")
    page._look()
    qtbot.mouseClick(page.clear, Qt.MouseButton.LeftButton)
    assert texts(page) == []
    assert page.empty.isVisible()
    log.info("new")
    page._look()
    assert texts(page) == ["new"]


async def test_copies_what_is_selected_or_all(page: LogsPage, bridge: Bridge, qtbot: QtBot) -> None:
    said: list[Message] = []
    bridge.message.connect(said.append)
    for word in ("one", "two", "three"):
        log.info(word)
    page._look()
    qtbot.mouseClick(page.copy, Qt.MouseButton.LeftButton)
    assert [text.rpartition(" ")[2] for text in QGuiApplication.clipboard().text().splitlines()] == [
        "one",
        "two",
        "three",
    ]
    page.table.selectRow(1)
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().endswith(": two")
    assert [message.text for message in said] == ["Lines copied: 3", "Lines copied: 1"]


async def test_the_selected_line_is_shown_whole(page: LogsPage) -> None:
    log.error("it broke\nand this is how")
    log.info("fine")
    page._look()
    assert not page.details.isVisible()
    page.table.selectRow(0)
    assert page.details.isVisible()
    assert page.details.toPlainText().endswith("it broke\nand this is how")
    page.table.selectAll()
    assert not page.details.isVisible()


async def test_jumps_to_a_line(page: LogsPage) -> None:
    for number in range(200):
        log.info("line %d", number)
    page.show_line(50)
    await settle()
    [row] = page.table.selectionModel().selectedRows()
    assert page.model.at(row.row()).number == 50
    assert page.table.viewport().rect().intersects(page.table.visualRect(page.model.index(row.row(), Column.TEXT)))


async def test_a_jump_takes_filters_away_that_hide_the_line(page: LogsPage) -> None:
    log.info("plain")
    page._look()
    page.level.setCurrentIndex(3)
    page.search.setText("nothing like it")
    page.show_line(1)
    await until(lambda: texts(page) == ["plain"])
    assert page.level.currentIndex() == 0
    assert page.search.text() == ""
    assert page.details.toPlainText().endswith("plain")


async def test_a_jump_to_a_line_that_is_gone_does_nothing(page: LogsPage) -> None:
    log.info("plain")
    page.show_line(12345)
    assert not page.table.selectionModel().hasSelection()


async def test_jumps_to_the_newest_error_that_tells_something(page: LogsPage) -> None:
    page.show_last("nothing yet")
    assert not page.table.selectionModel().hasSelection()
    log.error("Nothing listens on port 443.")
    log.error("The name does not resolve.")
    log.info("Nothing listens on port 443, says a line that is no error.")
    page.show_last("Nothing listens")
    assert page.details.toPlainText().endswith("port 443.")
    page.show_last("unheard of")
    assert page.details.toPlainText().endswith("resolve.")


async def test_follows_the_end_unless_somebody_reads_above(page: LogsPage) -> None:
    for number in range(100):
        log.info("line %d", number)
    page._look()
    await settle()
    bar = page.table.verticalScrollBar()
    assert bar.maximum() > 0
    assert bar.value() == bar.maximum()
    bar.setValue(10)
    log.info("one more")
    page._look()
    await settle()
    assert bar.value() == 10


async def test_privacy_masks_lines_that_are_shown(page: LogsPage, bridge: Bridge) -> None:
    log.debug("asks for some-site.example.org:443")
    page._look()
    logs.hide_hosts(True)
    bridge.control.settings.set(PRIVACY, True)
    assert "some-site" not in page.model.text(0)
    assert "some-site" not in str(page.model.data(page.model.index(0, Column.TEXT)))


async def test_a_narrow_window_leaves_the_time_out(page: LogsPage) -> None:
    page.resize(400, 500)
    await until(lambda: page.table.isColumnHidden(Column.TIME))
    page.resize(900, 500)
    await until(lambda: not page.table.isColumnHidden(Column.TIME))


async def test_opens_as_narrow_as_it_can_be(bridge: Bridge, qtbot: QtBot) -> None:
    page = LogsPage(bridge)
    qtbot.addWidget(page)
    assert page.minimumSizeHint().width() <= 304


async def test_another_language_reaches_everything(page: LogsPage) -> None:
    page.headline.setText("?")
    QApplication.sendEvent(page, QEvent(QEvent.Type.LanguageChange))
    assert page.headline.text() == "Logs"
    assert page.level.itemText(0) == "All lines"


async def test_controls_have_names(page: LogsPage) -> None:
    for control in (page.level, page.search, page.pause, page.copy, page.clear, page.table, page.details):
        assert control.accessibleName()
