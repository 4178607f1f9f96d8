"""A certificate made by a process of its own."""

import subprocess
import sys
from pathlib import Path

from app.server.certificate import read_facts
from app.server.new_identity import new_identity
from app.server.tls import server_context


def test_it_is_written_with_its_key(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app.server.new_identity", "server.test"]
    written = subprocess.run(command, capture_output=True, check=True).stdout
    path = tmp_path / "identity.pem"
    path.write_bytes(written)
    server_context(str(path), str(path))
    assert read_facts(written).name == "server.test"


def test_each_is_new() -> None:
    assert new_identity("127.0.0.1") != new_identity("127.0.0.1")
