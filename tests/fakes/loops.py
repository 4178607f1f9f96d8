"""Which event loop a test runs on: asyncio's own; with `both_loops` that and then uvloop; with `qtbot` Qt's."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

both_loops = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """The hook itself, for a conftest to import. Where uvloop does not exist its half of the tests is skipped."""
    if "qtbot" in getattr(item, "fixturenames", ()):
        return {"qt": new_qt_loop}
    factories: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
    marker = item.get_closest_marker("asyncio")
    if marker is not None and "loop_factories" in marker.kwargs:
        try:
            import uvloop
        except ImportError:
            return factories

        def new_uvloop() -> asyncio.AbstractEventLoop:
            loop = uvloop.new_event_loop()
            # Named as asyncio names them: the threads of a loop's own executor end with the loop.
            loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))
            return loop

        factories["uvloop"] = new_uvloop
    return factories


def new_qt_loop() -> asyncio.AbstractEventLoop:
    """Qt's loop and asyncio's as one, as the window has it."""
    import qasync
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    app.setQuitOnLastWindowClosed(False)  # or closing a dialog would stop the loop

    class Loop(qasync.QEventLoop):  # type: ignore[misc]  # it has no type information
        def call_later(self, delay: float, callback: Callable[..., object], *args: object, context: Any = None) -> Any:
            """A test is several runs of this loop, and in between pytest-qt turns Qt's alone. Whatever is due then
            shall find the running loop as it always does."""
            return super().call_later(delay, self._inside, callback, *args, context=context)

        def _inside(self, callback: Callable[..., object], *args: object) -> None:
            outside = asyncio._get_running_loop()
            asyncio._set_running_loop(self)
            try:
                callback(*args)
            finally:
                asyncio._set_running_loop(outside)

    loop = Loop(app)
    loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))
    return loop
