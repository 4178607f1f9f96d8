"""The program as `anytls-tray` runs it, with a clock on its window's loop: prints every late turn once it has ended."""

import json
import sys
import time
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer

from app import cli, main

TICK: Final = 10  # ms
_LATE: Final = 20.0  # ms from which on a turn is worth a line


class Clock(QObject):
    """Ticks on the loop that it is made on, and keeps when a tick was late and by how much it followed the last one."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[tuple[float, float]] = []
        self._last = time.monotonic()
        self._timer = QTimer(self, interval=TICK, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def stop(self) -> None:
        """Tick no more."""
        self._timer.stop()

    def _tick(self) -> None:
        now = time.monotonic()
        gap, self._last = (now - self._last) * 1000, now
        if gap >= _LATE:
            self.late.append((now, gap))


class Timed(main.Program):
    """The program with a clock from the end of its start on."""

    clock: Clock | None = None

    async def start(self, request: cli.WindowRequest) -> bool:
        """As the program's own."""
        started = await super().start(request)
        self.clock = Timed.last_clock = Clock()
        return started

    async def close(self) -> None:
        """As the program's own."""
        if self.clock is not None:
            self.clock.stop()
        await super().close()

    last_clock: Clock | None = None


def run() -> int:
    """Run until it is quit."""
    main.Program = Timed  # type: ignore[misc]  # in this process alone
    code = cli.main(window=main.run)
    if Timed.last_clock is not None:
        print(json.dumps({"event": "late", "turns": Timed.last_clock.late}))
    return code


if __name__ == "__main__":
    sys.exit(run())
