"""A link that was given as an argument is not left for others to read."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.system import arguments
from app.system.arguments import hide_links

SCRIPT = """
import sys
from pathlib import Path
from app.system.arguments import hide_links
hide_links()
print(Path("/proc/self/cmdline").read_bytes().split(b"\\0")[3:], sys.argv[1:])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has /proc")
def test_links_are_overwritten_and_nothing_else() -> None:
    words = ["--minimized", "anytls://needle@h.example#One", "ANYTLS://needle2@h", "/some/file"]
    out = subprocess.run([sys.executable, "-c", SCRIPT, *words], check=True, capture_output=True, text=True)
    seen, kept = out.stdout.strip().split("] [")
    assert "needle" not in seen
    assert "--minimized" in seen
    assert "/some/file" in seen
    assert kept.count("needle") == 2


def test_a_system_without_such_files_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "_SELF", tmp_path)
    hide_links()
    (tmp_path / "stat").write_text("1 (odd) name) R 1", encoding="utf-8")
    hide_links()
    (tmp_path / "stat").write_text("1 (x) " + "0 " * 50, encoding="utf-8")
    (tmp_path / "mem").write_bytes(b"")
    hide_links()
    assert (tmp_path / "mem").read_bytes() == b""
