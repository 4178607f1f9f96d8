"""Runs a command's coroutine: the fastest loop there is, a clean stop on Ctrl-C, logs on standard error."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from app.loops import new_event_loop

_T = TypeVar("_T")

Command = Callable[[asyncio.Event], Coroutine[None, None, int]]

LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}


def run(command: Command) -> int:
    """Run `command` with an event that is set when it shall stop; returns its exit code."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_until_stopped(command))


def run_once(work: Coroutine[Any, Any, _T]) -> _T:
    """Run `work` to its own end and return its result. Ctrl-C breaks it off and raises `KeyboardInterrupt`."""
    broken_off = asyncio.Event()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        try:
            return runner.run(_until_broken_off(work, broken_off))
        except asyncio.CancelledError:
            if broken_off.is_set():
                raise KeyboardInterrupt from None
            raise


def log_to_stderr(level: str) -> None:
    """Write the log, one line an event."""
    logging.basicConfig(
        level=LEVELS[level], stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


async def _until_stopped(command: Command) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            _on_signal(loop, getattr(signal, name), stop.set)
    return await command(stop)


async def _until_broken_off(work: Coroutine[Any, Any, _T], broken_off: asyncio.Event) -> _T:
    """By the loop's own handler: the Runner's goes unheard if the signal comes just before the loop begins to wait."""
    task = asyncio.current_task()
    assert task is not None

    def break_off() -> None:
        broken_off.set()
        task.cancel()

    _on_signal(asyncio.get_running_loop(), signal.SIGINT, break_off)
    return await work


def _on_signal(loop: asyncio.AbstractEventLoop, number: signal.Signals, call: Callable[[], None]) -> None:
    try:
        loop.add_signal_handler(number, call)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(call))


async def first_of(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for `stop` at most `seconds`; whether it came."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
