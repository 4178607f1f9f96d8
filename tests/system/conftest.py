import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Serve = Callable[[socket.socket], None]


@pytest.fixture
def runtime(tmp_path, monkeypatch) -> Path:
    """This user's folder for sockets, with nobody in it."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@contextmanager
def listening(path: str, serve: Serve, mode: int = 0o600) -> Iterator[None]:
    """Somebody who listens at `path` and does `serve` with one caller."""
    Path(path).parent.mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        Path(path).chmod(mode)
        sock.listen()

        def take() -> None:
            caller, _ = sock.accept()
            with caller:
                serve(caller)

        thread = threading.Thread(target=take)
        thread.start()
        yield
        thread.join()
