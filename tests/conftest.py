"""What holds for every test: the same examples in every run, and nothing left behind."""

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import settings

from tests.fakes.loops import pytest_asyncio_loop_factories
from tests.fakes.vault_here import vault_here
from tests.interop.report import pytest_terminal_summary

__all__ = ["pytest_asyncio_loop_factories", "pytest_terminal_summary", "vault_here"]

# Before anything loads Qt: windows are made, and shown on no screen. Tests that want a screen start a process.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ.setdefault("QT_API", "pyside6")

# The default draws the same examples everywhere, so that what passes here passes there.
# `pytest --hypothesis-profile=explore` looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", max_examples=5_000, deadline=None)
settings.load_profile("repeatable")

# How long a thread that is already on its way out may take. Seconds; only a leak waits for it.
THREAD_GRACE = 5.0


# Garbage is collected between tests, on the main thread alone: on another one it would end the process where it holds
# Qt's objects (see app.ui.garbage). As many objects as are made by a few hundred small tests or one large one.
_GARBAGE = 50_000


def pytest_configure() -> None:
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish() -> None:
    if gc.get_count()[0] > _GARBAGE:
        gc.collect()


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """What a worker reports goes over a pipe that takes no half of a character; some tests have them in their logs."""
    return _printable((yield))


def _printable(data: Any) -> Any:
    if isinstance(data, str):
        return data.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(data, dict):
        return {_printable(key): _printable(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return type(data)(map(_printable, data))
    return data


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """Fail a test that leaves a thread behind, a daemon thread too."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not _is_loops_own(thread)]
    for thread in left:
        thread.join(THREAD_GRACE)
    alive = [thread.name for thread in left if thread.is_alive()]
    if alive:
        pytest.fail(f"threads left behind: {', '.join(alive)}", pytrace=False)


def _is_loops_own(thread: threading.Thread) -> bool:
    """Whether it serves the loop's default executor, which ends with the loop, after this fixture."""
    return thread.name.startswith("asyncio_")


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """Fail a test that leaves an asyncio task running; its fixtures have ended theirs by then."""
    yield
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        names = ", ".join(sorted(f"{task.get_name()} ({task.get_coro()})" for task in left))
        pytest.fail(f"tasks left behind: {names}", pytrace=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give `no_task_left` to every asynchronous test, first, so that it is torn down last."""
    for item in items:
        if isinstance(item, pytest.Function) and pytest_asyncio.is_async_test(item):
            item.fixturenames.insert(0, "no_task_left")


@pytest.fixture(scope="session")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The authority that the tests' certificates are from."""
    from tests.fakes import certificates  # it takes a large library, which most tests do without

    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    path.write_bytes(certificates.authority().pem)
    return str(path)


@pytest.fixture(autouse=True)
def collector_is_as_it_was() -> Iterator[None]:
    """Fail a test that turns the collector on for those after it: see `_GARBAGE`."""
    was_on = gc.isenabled()
    yield
    assert gc.isenabled() == was_on
