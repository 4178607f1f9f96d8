"""How many files and sockets this process may hold open, and that its memory stays out of files."""

import sys
from contextlib import suppress
from typing import Final

if sys.platform != "win32":
    import resource

_OPEN_MAX: Final = 10_240  # macOS may refuse more than its OPEN_MAX, whatever its hard limit says (setrlimit(2) there)


def raise_file_limit(want: int = 65_536) -> int:
    """Raise the limit on open files towards `want`; never lowers it, never raises an exception.

    Returns the limit in force, or `want` where there is none (Windows, or an unlimited process).
    """
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY:
            allowed = want if hard == resource.RLIM_INFINITY else min(want, hard)
            for limit in (min(allowed, _OPEN_MAX), allowed):
                if limit > soft:
                    with suppress(OSError, ValueError):
                        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return want


def forbid_core_dumps() -> None:
    """Have a crash write no image of the memory, which has passwords in it. Never raises an exception."""
    if sys.platform != "win32":
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
