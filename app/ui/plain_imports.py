"""Python's own `import` back in its place, from the moment this module is loaded.

PySide6 puts one of its own there for `from __feature__ import …`, which nobody here uses. It reads the source text of
every module that is loaded later on and keeps the lines: seven megabytes, and a good part of the time a start takes.
"""

import builtins
import linecache

import PySide6.QtCore  # noqa: F401  # it is this that changes the import


def take_back() -> None:
    """Do it; with a version of PySide6 that leaves the import alone, or does so under other names, nothing happens."""
    original = getattr(builtins, "__orig_import__", None)
    if original is not None:
        builtins.__import__ = original
        linecache.clearcache()


take_back()
