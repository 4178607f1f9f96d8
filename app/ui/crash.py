"""One hook for every exception that nobody caught, wherever it came up: logged, shown once a kind, never silent."""

import asyncio
import logging
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from PySide6.QtCore import QMessageLogContext, QObject, Qt, QtMsgType, Signal, qInstallMessageHandler

from app.errors import Failure
from app.logs import redact
from app.texts import translate

_log = logging.getLogger("anytls.crash")
_qt_log = logging.getLogger("anytls.qt")

_MAX_REPORT: Final = 20_000  # characters: some hundred frames, enough for the deepest recursion's both ends
_APP: Final = Path(__file__).parents[1]

_QT_LEVELS: Final = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.DEBUG,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


@dataclass(frozen=True, slots=True)
class Crash:
    """What nobody caught."""

    kind: str
    """What and where, the same for each time it happens: "ValueError at ui/window.py:120"."""
    text: str
    """One sentence for the person."""
    report: str
    """The whole story without secrets, as it stands in the log."""


class CrashHook(QObject):
    """Stands behind Python, its threads, the asyncio loop and Qt while installed.

    `show` is called on the thread of this object, later and from its event loop, so that it may open a window even
    where the exception came up while one was painted. It is called once for each kind.
    """

    _caught = Signal(object)

    def __init__(self, show: Callable[[Crash], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._show = show
        self._times: Counter[str] = Counter()
        self._busy = threading.local()
        self._undo: list[Callable[[], object]] = []
        self._caught.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    def install(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Take the hooks of this process, and of `loop`."""
        python, threads, unraisable = sys.excepthook, threading.excepthook, sys.unraisablehook
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread
        sys.unraisablehook = self._on_unraisable
        qt = qInstallMessageHandler(self._on_qt)
        self._undo = [
            lambda: setattr(sys, "excepthook", python),
            lambda: setattr(threading, "excepthook", threads),
            lambda: setattr(sys, "unraisablehook", unraisable),
            lambda: qInstallMessageHandler(qt),
        ]
        if loop is not None:
            before = loop.get_exception_handler()
            loop.set_exception_handler(self._on_loop)
            self._undo.append(lambda: loop.set_exception_handler(before))

    def remove(self) -> None:
        """Give the hooks back to whom they belonged."""
        while self._undo:
            self._undo.pop()()

    def report(self, error: BaseException, where: str = "") -> None:
        """Log `error` with its traceback and show it; from any thread. `where` names the task or thread."""
        if getattr(self._busy, "now", False):  # reporting itself failed
            traceback.print_exception(error, file=sys.__stderr__)
            return
        self._busy.now = True
        try:
            self.note(_crash(error, where))
        finally:
            self._busy.now = False

    def note(self, crash: Crash) -> None:
        """Log what is already described, and show it unless its kind was shown before; from any thread."""
        self._times[crash.kind] += 1
        times = self._times[crash.kind]
        if times == 1:
            _log.error("%s", crash.report)
            self._caught.emit(crash)
        elif not times & (times - 1):  # 2, 4, 8 …: what fails at each repaint must not drown the log
            _log.error("%s: %d times by now", crash.kind, times)

    def _tell(self, crash: Crash) -> None:
        self._show(crash)

    # The hooks.

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            self.report(error)

    def _on_thread(self, about: threading.ExceptHookArgs) -> None:
        if about.exc_value is not None and not isinstance(about.exc_value, SystemExit):
            self.report(about.exc_value, about.thread.name if about.thread else "")

    def _on_unraisable(self, about: Any) -> None:
        if about.exc_value is not None:
            self.report(about.exc_value, about.err_msg or "")

    def _on_loop(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None:
            self.report(error, str(context.get("message", "")))
        else:
            _log.error("%s", redact(str(context.get("message", context))))

    def _on_qt(self, kind: QtMsgType, _context: QMessageLogContext, message: str | None) -> None:
        _qt_log.log(_QT_LEVELS.get(kind, logging.WARNING), "%s", redact(message or ""))


def _crash(error: BaseException, where: str) -> Crash:
    place = _place(error)
    kind = f"{type(error).__name__} at {place}" if place else type(error).__name__
    story = "".join(traceback.format_exception(error))
    if len(story) > _MAX_REPORT:
        story = f"{story[: _MAX_REPORT // 2]}\n[…]\n{story[-_MAX_REPORT // 2 :]}"
    head = f"uncaught: {kind}" + (f" ({where})" if where else "")
    return Crash(kind, _sentence(error, kind), redact(f"{head}\n{story}".rstrip()))


def _sentence(error: BaseException, kind: str) -> str:
    if isinstance(error, Failure):
        return redact(str(error))
    return translate("crash", "The program met a fault of its own: {kind}.").format(kind=kind)


def _place(error: BaseException) -> str:
    """The innermost line of this program's own that was running, as "ui/window.py:120"."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_APP)]
    if ours:
        return f"{Path(ours[-1].filename).relative_to(_APP).as_posix()}:{ours[-1].lineno}"
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
