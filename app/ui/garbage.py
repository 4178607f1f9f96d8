"""Cyclic garbage is collected on the thread of the window alone.

Python collects it on whichever thread happens to allocate, also on the engine's. A Qt object that is destroyed there
leaves its timers registered here, and the next one to fire ends the process.
"""

import gc
from typing import Final

from PySide6.QtCore import QObject, QTimer

_EVERY: Final = 1000  # ms: what comes together meanwhile is collected within milliseconds


class MainThreadGarbage(QObject):
    """From `start` until `stop` nobody else collects. To be made and used on the window's thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = True
        self._timer = QTimer(self, interval=_EVERY)
        self._timer.timeout.connect(self.collect)

    def start(self) -> None:
        """Take over from Python. What there is by now, modules above all, stays and is not looked through again."""
        self._was_enabled = gc.isenabled()
        gc.disable()
        gc.freeze()
        self._timer.start()

    def stop(self) -> None:
        """Let Python collect again, if it did before."""
        self._timer.stop()
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()

    def collect(self) -> None:
        """Collect the oldest generation that Python itself would collect now, and with it the younger ones."""
        counts = zip(gc.get_count(), gc.get_threshold(), strict=True)
        due = [generation for generation, (count, most) in enumerate(counts) if count > most]
        if due:
            gc.collect(max(due))
