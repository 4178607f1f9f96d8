"""What is left of a run that ended hard: the interpreter's own last words, written down by `faulthandler`."""

import faulthandler
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

from app.logs import redact
from app.texts import translate
from app.ui.crash import Crash

FILE_NAME: Final = "fault.txt"

_MAX: Final = 20_000  # characters: the stacks of some dozen threads


class FaultFile:
    """A file in `folder` that stays open while the program runs, and is empty or gone when all went well."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._file: TextIO | None = None

    def open(self) -> Crash | None:
        """Be ready for this run's end; returns what the run before left, or None. A file that cannot be had is none.

        Blocks for as long as one small file takes: meant for the start, before there is a window.
        """
        before = ""
        with suppress(OSError):
            before = self._path.read_text(encoding="utf-8", errors="replace")[:_MAX].strip()
        with suppress(OSError):
            self._file = self._path.open("w", encoding="utf-8")
            faulthandler.enable(self._file)
        return _crash(before) if before else None

    def close(self) -> None:
        """All went well."""
        if self._file is not None:
            faulthandler.disable()
            with suppress(OSError):
                self._file.close()
                self._path.unlink(missing_ok=True)
            self._file = None


def _crash(report: str) -> Crash:
    first = report.splitlines()[0]
    text = translate("crash", "The program ended abruptly the last time ({reason}).").format(reason=first)
    return Crash(f"ended abruptly: {first}", text, redact(report))
