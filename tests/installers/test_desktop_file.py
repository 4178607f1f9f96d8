"""The desktop entry: valid, and every action is a verb that the command line knows."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.programs import COMMAND

ENTRY = Path(__file__).parents[2] / "installers" / "linux" / "anytls-tray.desktop"


def entry() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys are case-sensitive here
    parser.read(ENTRY, encoding="utf-8")
    return parser


@pytest.mark.skipif(shutil.which("desktop-file-validate") is None, reason="not installed: desktop-file-utils")
def test_it_is_valid() -> None:
    done = subprocess.run(["desktop-file-validate", ENTRY], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")


def test_every_action_is_a_verb() -> None:
    parser = entry()
    known = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    actions = parser["Desktop Entry"]["Actions"].strip(";").split(";")
    assert {"on", "off", "toggle", "quit"} <= set(actions)
    for action in actions:
        program, verb = parser[f"Desktop Action {action}"]["Exec"].split()
        assert (program, verb) == ("anytls-tray", action)
        assert f" {verb} " in known


def test_links_are_handed_to_it() -> None:
    main = entry()["Desktop Entry"]
    assert "x-scheme-handler/anytls" in main["MimeType"]
    assert main["Exec"].endswith("%U")
