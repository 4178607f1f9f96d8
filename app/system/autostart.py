"""Start at login: a desktop entry on Linux, a launch agent on macOS, a value under Run on Windows.

The task scheduler of Windows would be a minute late (CLIENTS.md §5), and `launchctl load` would start a second copy.
What is written is made by pure functions, so that each system's can be read and tested on any.
"""

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from platformdirs import user_config_path

from app import NAME
from app.errors import BadFile

MINIMISED: Final = "--minimized"

_RUN_KEY: Final = r"Software\Microsoft\Windows\CurrentVersion\Run"
_AGENT: Final = "io.github.anytls-tray"


if sys.platform == "win32":
    import winreg

    def set_autostart(on: bool) -> None:
        """Have the program started at login, without its window, or no longer. Raises `BadFile`; blocks."""
        try:
            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, _RUN_KEY) as key:
                if on:
                    winreg.SetValueEx(key, NAME, 0, winreg.REG_SZ, run_value(command()))
                else:
                    with suppress(FileNotFoundError):
                        winreg.DeleteValue(key, NAME)
        except OSError as error:
            raise BadFile(_reason(error), _RUN_KEY) from error

    def is_autostart() -> bool:
        """Whether it is started at login."""
        with suppress(OSError), winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN_KEY) as key:
            return bool(winreg.QueryValueEx(key, NAME)[0])
        return False

else:

    def set_autostart(on: bool) -> None:
        """Have the program started at login, without its window, or no longer. Raises `BadFile`; blocks."""
        path, content = _file()
        try:
            if on:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise BadFile(_reason(error), str(path)) from error

    def is_autostart() -> bool:
        """Whether it is started at login."""
        return _file()[0].is_file()


def command() -> tuple[str, ...]:
    """How this program is started: an AppImage by its own file, a frozen build by itself, else through Python."""
    if image := os.environ.get("APPIMAGE"):
        return (image, MINIMISED)
    if getattr(sys, "frozen", False):
        return (sys.executable, MINIMISED)
    return (sys.executable, "-m", "app", MINIMISED)


def desktop_entry(words: tuple[str, ...]) -> str:
    """The file for ~/.config/autostart: after the panel, so that there is a tray to go to."""
    return "\n".join(
        (
            "[Desktop Entry]",
            "Type=Application",
            "Name=AnyTLS Tray",
            "Icon=anytls-tray",
            f"Exec={' '.join(map(_desktop_quoted, words))}",
            "Terminal=false",
            "X-GNOME-Autostart-enabled=true",
            "X-GNOME-Autostart-Delay=2",
            "X-KDE-autostart-after=panel",
            "",
        )
    )


def launch_agent(words: tuple[str, ...]) -> bytes:
    """The file for ~/Library/LaunchAgents."""
    import plistlib  # it brings an XML parser, which no other system needs

    return plistlib.dumps(
        {"Label": _AGENT, "ProgramArguments": list(words), "RunAtLoad": True, "ProcessType": "Interactive"}
    )


def run_value(words: tuple[str, ...]) -> str:
    """The value under Run, quoted as Windows' programs read it."""
    return subprocess.list2cmdline(words)


def _file() -> tuple[Path, bytes]:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "LaunchAgents" / f"{_AGENT}.plist", launch_agent(command())
    return user_config_path() / "autostart" / f"{NAME}.desktop", os.fsencode(desktop_entry(command()))


def _desktop_quoted(word: str) -> str:
    r"""A word of Exec, by the Desktop Entry Specification's two rules, one upon the other: that of arguments, where
    \, ", ` and $ are escaped within quotes and % doubled, and that of values, where each backslash counts as an escape.
    """
    quoted = re.sub(r'([\\"`$])', r"\\\1", word).replace("%", "%%")
    return '"' + quoted.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r") + '"'


def _reason(error: OSError) -> str:
    text = error.strerror or type(error).__name__
    return text[:1].lower() + text[1:]
