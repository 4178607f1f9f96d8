"""What PySide6 does to Python's import is undone before the program loads its modules."""

import builtins
import json
import subprocess
import sys

import pytest

from app.ui import plain_imports

# What is kept of the sources of modules that are loaded after the toolkit.
SCRIPT = """
import json, linecache
import app.{module}
from app.ui.window import Window
print(json.dumps([name for name in linecache.cache if name.endswith("window.py")]))
"""


def kept_after(module: str) -> list[str]:
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(module=module)], capture_output=True, check=True, text=True
    )
    kept: list[str] = json.loads(found.stdout)
    return kept


def test_no_source_is_read_or_kept() -> None:
    assert kept_after("ui.plain_imports") == []


def test_the_toolkit_still_needs_to_be_stopped() -> None:
    """Once this fails, the module may go."""
    assert kept_after("ui.theme") != []


def test_a_toolkit_that_leaves_the_import_alone_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(builtins, "__orig_import__", raising=False)
    before = builtins.__import__
    plain_imports.take_back()
    assert builtins.__import__ is before
