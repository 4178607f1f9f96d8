import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable

import pytest

from app.cli.run import first_of, log_to_stderr, run, run_once
from app.loops import new_event_loop


def test_the_exit_code_is_the_commands():
    async def command(_stop):
        return 3

    assert run(command) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="signals cannot be sent to oneself there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_ask_the_command_to_stop(number):
    async def command(stop):
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), 10)
        return 0

    before = signal.getsignal(number)
    assert run(command) == 0
    signal.signal(number, before)


def test_an_error_of_the_command_comes_out():
    async def command(_stop):
        raise LookupError("why")

    with pytest.raises(LookupError, match="why"):
        run(command)


async def test_waiting_ends_with_the_time_or_with_the_event():
    stop = asyncio.Event()
    assert not await first_of(stop, 0.01)
    stop.set()
    assert await first_of(stop, 60)


def test_the_log_goes_to_standard_error(capsys, monkeypatch):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    log_to_stderr("info")
    logging.getLogger("anytls.test").info("something happened")
    logging.getLogger("anytls.test").debug("a detail")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("INFO anytls.test: something happened\n")
    assert captured.err.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there the loop takes no signals")
@pytest.mark.parametrize("new_loop", [new_event_loop, asyncio.new_event_loop], ids=["fastest", "asyncio"])
def test_what_runs_once_is_broken_off_by_a_signal_that_wakes_the_loop(
    monkeypatch: pytest.MonkeyPatch, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    monkeypatch.setattr("app.cli.run.new_event_loop", new_loop)
    wakes: list[bool] = []

    async def work() -> None:
        descriptor = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(descriptor)
        wakes.append(descriptor != -1)
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(60)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run_once(work())
    signal.signal(signal.SIGINT, before)
    assert wakes == [True]


def test_what_is_cancelled_from_inside_is_not_broken_off() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_once(work())
