"""What a run that ended hard leaves for the next one."""

import faulthandler
import subprocess
import sys
from pathlib import Path

import pytest

from app.ui.faults import FILE_NAME, FaultFile

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
from pathlib import Path
from app.ui.faults import FaultFile
file = FaultFile(Path(sys.argv[1]))
crash = file.open()
print(crash.text if crash else "nothing")
if sys.argv[2] == "hard":
    sys.stdout.flush()
    import faulthandler
    faulthandler._sigsegv()
if sys.argv[2] == "fine":
    file.close()
"""


def run(folder: Path, how: str) -> str:
    command = [sys.executable, "-c", PROGRAM, str(folder), how]
    done = subprocess.run(command, check=False, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=60)
    return done.stdout.strip()


def test_a_hard_end_is_told_by_the_next_run_and_only_by_that(tmp_path: Path) -> None:
    assert run(tmp_path, "hard") == "nothing"
    told = run(tmp_path, "fine")
    assert "abruptly" in told
    assert "Segmentation fault" in told or "access violation" in told
    assert run(tmp_path, "fine") == "nothing"


def test_a_run_that_ended_well_leaves_no_file(tmp_path: Path) -> None:
    run(tmp_path, "fine")
    assert not list(tmp_path.iterdir())


def test_a_run_that_was_killed_quietly_tells_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "killed") == "nothing"
    assert run(tmp_path, "fine") == "nothing"


def test_secrets_in_what_was_left_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faulthandler, "enable", lambda _file: None)
    monkeypatch.setattr(faulthandler, "disable", lambda: None)
    (tmp_path / FILE_NAME).write_text("Fatal Python error\npassword=hunter22", encoding="utf-8")
    file = FaultFile(tmp_path)
    crash = file.open()
    assert crash is not None
    assert "hunter22" not in crash.report
    assert crash.kind == "ended abruptly: Fatal Python error"
    file.close()
    file.close()


def test_a_folder_that_cannot_be_had_is_no_reason_to_stop(tmp_path: Path) -> None:
    file = FaultFile(tmp_path / "missing")
    assert file.open() is None
    file.close()
