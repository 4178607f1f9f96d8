"""Lets a test run on asyncio's loop and on uvloop."""

from tests.fakes.loops import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
