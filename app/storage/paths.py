"""Where this program's files live: the platform's places, XDG_* honoured, made on use, open to their owner alone."""

import os
from pathlib import Path

from platformdirs import PlatformDirs

from app import NAME
from app.errors import BadFile
from app.storage.files import plain_reason


def config_dir() -> Path:
    """What the person chose: settings and profiles. All four raise BadFile where the folder cannot be made."""
    return _own(_dirs().user_config_path)


def data_dir() -> Path:
    """What must not be lost, such as the server's key."""
    return _own(_dirs().user_data_path)


def state_dir() -> Path:
    """What is learnt while running: padding schemes, logs."""
    return _own(_dirs().user_state_path)


def _dirs() -> PlatformDirs:
    return PlatformDirs(NAME, appauthor=False)  # no author folder above it on Windows


def _own(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix" and path.stat().st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise BadFile(plain_reason(error), str(path)) from error
    return path
