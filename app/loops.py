"""The fastest event loop there is for this Python."""

import asyncio
import sys
from contextlib import suppress


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop or winloop where there is one for this Python, else the standard loop."""
    with suppress(ImportError):
        if sys.platform == "win32":
            import winloop

            return winloop.new_event_loop()  # type: ignore[no-any-return]  # it has no type information
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()
