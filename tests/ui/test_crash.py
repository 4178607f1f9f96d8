"""What nobody caught is logged without secrets and shown once a kind, wherever it came up."""

import asyncio
import gc
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, Signal, qCritical, qInstallMessageHandler, qWarning
from pytestqt.qtbot import QtBot

from app import logs
from app.errors import NothingListens
from app.ui.crash import Crash, CrashHook
from tests.fakes.waiting import until

LINK = "anytls://hunter22@example.org:443"


@pytest.fixture
def ring() -> Iterator[logs.LogRing]:
    yield logs.start(None, "debug")
    logs.stop()


class Watch:
    """A hook, and what it showed."""

    def __init__(self) -> None:
        self.shown: list[tuple[Crash, threading.Thread]] = []
        self.hook = CrashHook(lambda crash: self.shown.append((crash, threading.current_thread())))


@pytest.fixture
def watch(ring: logs.LogRing, qtbot: QtBot) -> Iterator[Watch]:
    one = Watch()
    yield one
    one.hook.remove()


def errors(ring: logs.LogRing) -> list[str]:
    return [line.text for line in ring.lines if line.error]


class Emitter(QObject):
    fired = Signal()


def fail(word: str = "inside a slot") -> None:
    raise ValueError(word)


async def test_a_slot_that_raises_is_logged_and_shown(watch: Watch, ring: logs.LogRing, qtbot: QtBot) -> None:
    watch.hook.install()
    emitter = Emitter()
    emitter.fired.connect(fail)
    emitter.fired.emit()
    await until(lambda: watch.shown)
    [(crash, _thread)] = watch.shown
    assert crash.kind.startswith("ValueError at test_crash.py:")
    assert crash.kind in crash.text
    assert "ValueError: inside a slot" in crash.report
    assert errors(ring) == [crash.report]


async def test_it_is_shown_from_the_loop_and_not_from_where_it_came_up(watch: Watch, qtbot: QtBot) -> None:
    watch.hook.report(ValueError())
    assert not watch.shown
    await until(lambda: watch.shown)


async def test_a_thread_that_ends_by_an_exception(watch: Watch, ring: logs.LogRing, qtbot: QtBot) -> None:
    watch.hook.install()
    thread = threading.Thread(target=fail, args=("in a thread",), name="copier")
    thread.start()
    thread.join()
    await until(lambda: watch.shown)
    [(crash, told_on)] = watch.shown
    assert told_on is threading.main_thread()
    assert "(copier)" in crash.report


async def test_a_thread_that_only_exits_is_no_crash(watch: Watch, ring: logs.LogRing, qtbot: QtBot) -> None:
    watch.hook.install()
    thread = threading.Thread(target=lambda: sys.exit(3))
    thread.start()
    thread.join()
    await asyncio.sleep(0.01)
    assert not watch.shown
    assert not errors(ring)


async def test_an_exception_in_a_finaliser(watch: Watch, ring: logs.LogRing, qtbot: QtBot) -> None:
    class Clumsy:
        def __del__(self) -> None:
            raise RuntimeError("on the way out")

    watch.hook.install()
    Clumsy()
    gc.collect()
    await until(lambda: watch.shown)
    assert "on the way out" in watch.shown[0][0].report


async def test_a_callback_of_the_loop(watch: Watch, ring: logs.LogRing, qtbot: QtBot) -> None:
    loop = asyncio.get_running_loop()
    watch.hook.install(loop)
    loop.call_exception_handler({"message": "a task was lost", "exception": KeyError("lost")})
    loop.call_exception_handler({"message": f"without an exception, {LINK}"})
    await until(lambda: watch.shown)
    assert "(a task was lost)" in watch.shown[0][0].report
    assert len(watch.shown) == 1
    assert "without an exception" in errors(ring)[-1]
    assert "hunter22" not in errors(ring)[-1]


async def test_each_kind_is_shown_once_and_counted_seldom(watch: Watch, ring: logs.LogRing, qtbot: QtBot) -> None:
    for number in range(9):
        try:
            fail(f"the same place, {number}")
        except ValueError as error:
            watch.hook.report(error)
    watch.hook.report(KeyError("another"))
    await until(lambda: len(watch.shown) == 2)
    assert [crash.kind.partition(" ")[0] for crash, _ in watch.shown] == ["ValueError", "KeyError"]
    assert [text.rpartition(": ")[2] for text in errors(ring) if "times" in text] == [
        "2 times by now",
        "4 times by now",
        "8 times by now",
    ]


async def test_no_secret_leaves_with_a_report(watch: Watch, ring: logs.LogRing, qtbot: QtBot) -> None:
    watch.hook.report(ValueError(f"cannot use {LINK}"), where=LINK)
    await until(lambda: watch.shown)
    assert "hunter22" not in "".join([watch.shown[0][0].report, watch.shown[0][0].text, *errors(ring)])
    assert "cannot use" in watch.shown[0][0].report


async def test_a_failure_is_shown_in_its_own_words(watch: Watch, qtbot: QtBot) -> None:
    failure = NothingListens("localhost", 443)
    watch.hook.report(failure)
    await until(lambda: watch.shown)
    assert watch.shown[0][0].text == "Nothing listens on localhost port 443."


async def test_the_place_is_the_innermost_of_ours(watch: Watch, qtbot: QtBot) -> None:
    watch.hook.install()
    try:
        logs.set_level("unheard of")
    except KeyError as error:
        watch.hook.report(error)
    await until(lambda: watch.shown)
    assert watch.shown[0][0].kind.startswith("KeyError at logs.py:")


async def test_an_endless_story_is_cut_in_the_middle(watch: Watch, qtbot: QtBot) -> None:
    watch.hook.report(ValueError("a" * 50_000 + "the end"))
    await until(lambda: watch.shown)
    report = watch.shown[0][0].report
    assert len(report) < 21_000
    assert report.endswith("the end")
    assert "[…]" in report


def test_a_report_that_fails_itself_goes_to_standard_error(
    watch: Watch, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            watch.hook.report(RuntimeError("the log is broken"))

    monkeypatch.setattr(sys, "__stderr__", sys.stderr)
    handler = Broken()
    logging.getLogger("anytls.crash").addHandler(handler)
    try:
        watch.hook.report(ValueError("first"))
    finally:
        logging.getLogger("anytls.crash").removeHandler(handler)
    assert "the log is broken" in capsys.readouterr().err


def test_control_c_is_no_crash(watch: Watch, ring: logs.LogRing, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[object] = []
    monkeypatch.setattr(sys, "__excepthook__", lambda *about: ended.append(about[0]))
    watch.hook.install()
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert ended == [KeyboardInterrupt]
    assert not errors(ring)


def test_what_qt_says_goes_to_the_log(watch: Watch, ring: logs.LogRing) -> None:
    watch.hook.install()
    qWarning(f"painter of {LINK} not active")
    qCritical("no more handles")
    told = {line.text: line.level for line in ring.lines if line.logger == "anytls.qt"}
    assert sorted(told.values()) == [logging.WARNING, logging.ERROR]
    assert "hunter22" not in "".join(told)


async def test_the_hooks_go_back_to_whom_they_belonged(watch: Watch, qtbot: QtBot) -> None:
    loop = asyncio.get_running_loop()
    qt = qInstallMessageHandler(None)
    qInstallMessageHandler(qt)
    before = (sys.excepthook, threading.excepthook, sys.unraisablehook, loop.get_exception_handler())
    watch.hook.install(loop)
    assert sys.excepthook != before[0]
    watch.hook.remove()
    watch.hook.remove()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook, loop.get_exception_handler()) == before
    after = qInstallMessageHandler(None)
    qInstallMessageHandler(after)
    assert after == qt
