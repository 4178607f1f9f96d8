"""The command `anytls-tray`, and `python -m app`: a window where there can be one, else the command line."""

import gc
import sys

from app.cli import WindowRequest
from app.cli import main as command_line
from app.storage.vault_worker import OPTION
from app.storage.vault_worker import main as vault_worker


def main() -> int:
    """Carry out what the command's arguments ask for; returns its exit code."""
    if sys.argv[1:] == [OPTION]:
        return vault_worker()
    return command_line(window=_window)


def _window(request: WindowRequest) -> int:
    gc.disable()  # what is imported now stays for good; `app.ui.garbage` collects from then on
    from app.ui import plain_imports  # noqa: F401, I001  # before all that it is meant for
    from app.main import run  # Qt is loaded only where it is needed

    return run(request)


if __name__ == "__main__":
    sys.exit(main())
