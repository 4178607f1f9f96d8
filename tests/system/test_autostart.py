"""Start at login, as each system wants it written."""

import plistlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadFile
from app.system.autostart import (
    command,
    desktop_entry,
    is_autostart,
    launch_agent,
    run_value,
    set_autostart,
)

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="writes what Linux desktops read")

WORDS = st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1), min_size=1)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


@on_linux
def test_on_and_off(config: Path) -> None:
    assert not is_autostart()
    set_autostart(True)
    assert is_autostart()
    text = (config / "autostart" / "anytls-tray.desktop").read_text(encoding="utf-8")
    assert "--minimized" in text
    set_autostart(True)
    set_autostart(False)
    assert not is_autostart()
    set_autostart(False)


@on_linux
def test_a_path_that_is_no_text(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPIMAGE", "/opt/\udcff.AppImage")
    set_autostart(True)
    assert b"/opt/\xff.AppImage" in (config / "autostart" / "anytls-tray.desktop").read_bytes()


@on_linux
def test_a_folder_that_cannot_be_is_said(config: Path) -> None:
    (config / "autostart").write_text("a file", encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        set_autostart(True)
    assert "autostart" in str(caught.value)


@on_linux
@pytest.mark.skipif(shutil.which("desktop-file-validate") is None, reason="not installed: desktop-file-utils")
def test_the_desktop_entry_is_valid(config: Path) -> None:
    set_autostart(True)
    path = config / "autostart" / "anytls-tray.desktop"
    assert subprocess.run(["desktop-file-validate", path], capture_output=True, check=False).stdout == b""


def words_of(entry: str) -> list[str]:
    """What a desktop starts: the value unescaped, then its quoted arguments."""
    (line,) = (line for line in entry.split("\n") if line.startswith("Exec="))
    value = re.sub(r"\\(.)", r"\1", line.removeprefix("Exec="))
    arguments = re.findall(r'"((?:[^"\\]|\\.)*)"', value)
    return [re.sub(r"\\(.)", r"\1", argument).replace("%%", "%") for argument in arguments]


@given(WORDS)
def test_every_path_survives_the_desktop_entry(words: list[str]) -> None:
    assert words_of(desktop_entry(tuple(words))) == words


def test_a_path_adds_no_line_to_the_desktop_entry() -> None:
    plain, odd = desktop_entry(("/opt/a",)), desktop_entry(("/opt/a\nExec=evil\r",))
    assert len(odd.splitlines()) == len(plain.splitlines())
    assert r"\nExec=evil\r" in odd


@given(WORDS)
def test_every_path_survives_the_launch_agent(words: list[str]) -> None:
    agent = plistlib.loads(launch_agent(tuple(words)))
    assert agent["ProgramArguments"] == words
    assert agent["RunAtLoad"]


def test_windows_paths_are_quoted() -> None:
    words = (r"C:\Program Files\AnyTLS Tray\anytls-tray.exe", "--minimized")
    assert run_value(words) == r'"C:\Program Files\AnyTLS Tray\anytls-tray.exe" --minimized'


def test_how_it_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APPIMAGE", raising=False)
    assert command() == (sys.executable, "-m", "app", "--minimized")
    done = subprocess.run([*command()[:-1], "--version"], capture_output=True, check=False)
    assert done.stdout.startswith(b"anytls-tray ")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert command() == (sys.executable, "--minimized")
    monkeypatch.setenv("APPIMAGE", "/opt/AnyTLS.AppImage")
    assert command() == ("/opt/AnyTLS.AppImage", "--minimized")
