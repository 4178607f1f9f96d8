"""Looks names up off the loop, on threads that nothing waits for.

A name server that does not answer holds a look-up for half a minute. The threads of a loop's own executor would hold
the end of the program as long, those of uvloop the end of its loop; these are daemons and hold neither.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, Final, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

# At a time; the others wait. Each holds a thread's stack, and name servers turn away who asks for more at once.
_AT_ONCE: Final = 64


class Lookups(Executor):
    """Starts a thread when there is something to do, and lets it go when there is nothing any more."""

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._threads = 0
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> "Future[_T]":
        future: Future[_T] = Future()
        with self._lock:
            self._waiting.append((future, lambda: fn(*args, **kwargs)))
            start = self._threads < self._at_once
            self._threads += start
        if start:
            threading.Thread(target=self._work, name="look-up", daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    return
                future, work = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except Exception as error:
                    future.set_exception(error)
