"""Everything wired together, without a screen; with one it is in end_to_end/test_desktop.py."""

import asyncio
import json
import logging
import os
import subprocess
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from app import logs
from app.cli import WindowRequest
from app.client.state import State
from app.main import Program
from app.storage.settings import LISTEN_PORT, LOG_LEVEL, PRIVACY, THEME
from app.ui.dialogs import Dialog
from tests.end_to_end.programs import COMMAND, free_port
from tests.fakes.targets import echo_target
from tests.fakes.waiting import until

LINK = "anytls://needle@192.0.2.1/#Far"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of its own; the one of the settings, in which a free port is chosen."""
    for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    config = tmp_path / "config" / "anytls-tray"
    config.mkdir(parents=True)
    (config / "settings.json").write_text(json.dumps({"version": 1, "listen_port": free_port()}), encoding="utf-8")
    return config


@pytest.fixture
async def program(qtbot: Any, folder: Path) -> AsyncIterator[Program]:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    one = Program(application)
    yield one
    await one.close()


def dialog(program: Program) -> Dialog | None:
    """The question that is open in the window."""
    return next((one for one in program.window.findChildren(Dialog) if one.isVisible()), None)


async def test_the_demo_is_on_and_all_of_it_ends(program: Program) -> None:
    assert await program.start(WindowRequest(demo=True))
    await until(lambda: program.control.client.state is State.ON)
    assert program.window.isVisible()
    assert any(thread.name.startswith("anytls") for thread in threading.enumerate())
    await program.close()
    assert program.control.client.state is State.OFF
    assert not any(thread.name.startswith("anytls") for thread in threading.enumerate())
    assert not any(isinstance(handler, logs.LogRing) for handler in logging.getLogger().handlers)


async def test_one_instance_at_a_time(program: Program) -> None:
    assert await program.start(WindowRequest(minimized=True))
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    second = Program(application)
    assert not await second.start(WindowRequest())
    await second.close()


async def test_links_are_shown_and_not_added(program: Program) -> None:
    assert await program.start(WindowRequest(texts=(LINK,)))
    asked: list[object] = []
    program.bridge.import_asked.connect(asked.append)
    await until(lambda: asked)
    assert program.control.profiles.entries == ()


async def test_what_is_set_holds_at_once(program: Program) -> None:
    assert await program.start(WindowRequest(log_level="warning"))
    program.settings.set(THEME, "dark")
    assert program.window.palette().window().color().lightnessF() < 0.3
    program.settings.set(THEME, "light")
    assert program.window.palette().window().color().lightnessF() > 0.7
    program.settings.set(LOG_LEVEL, "debug")
    assert logging.getLogger("anytls").level == logging.DEBUG
    program.settings.set(PRIVACY, True)
    assert "example.org" not in logs.redact("to example.org:443")
    program.settings.set(PRIVACY, False)
    assert "example.org" in logs.redact("to example.org:443")


async def test_a_port_that_is_taken_is_asked_about(program: Program) -> None:
    assert await program.start(WindowRequest())
    async with echo_target() as taken:
        program.settings.set(LISTEN_PORT, taken.port)
        candidate, _ = await program.bridge._demo.start()
        assert candidate.profile is not None
        await program.control.profiles.add(candidate.profile, candidate.passwords, temporary=True)
        program.bridge.run(program.control.connect(), "connect")
        await until(lambda: dialog(program))
        question = dialog(program)
        assert question is not None
        question.buttons["next"].click()
        await until(lambda: program.control.client.address is not None)
        assert program.settings.get(LISTEN_PORT) != taken.port


async def test_settings_that_are_damaged_are_said(program: Program, folder: Path) -> None:
    (folder / "settings.json").write_text("{", encoding="utf-8")
    (folder / "profiles.json").write_text("[", encoding="utf-8")
    assert await program.start(WindowRequest())
    shown = " ".join(banner.message.text for banner in program.window.banners.banners)
    assert "settings.json" in shown
    assert "profiles.json" in shown


async def test_settings_of_a_newer_version_are_said_and_left_alone(program: Program, folder: Path) -> None:
    newer = json.dumps({"version": 99, "theme": "dark", "listen_port": 9})
    (folder / "settings.json").write_text(newer, encoding="utf-8")
    assert await program.start(WindowRequest())
    assert any("newer version" in banner.message.text for banner in program.window.banners.banners)
    program.settings.set(THEME, "light")
    await program.close()
    assert (folder / "settings.json").read_text(encoding="utf-8") == newer


async def test_settings_are_written_before_the_end(program: Program, folder: Path) -> None:
    assert await program.start(WindowRequest())
    program.settings.set(THEME, "dark")
    await program.close()
    assert json.loads((folder / "settings.json").read_text(encoding="utf-8"))["theme"] == "dark"


async def test_a_defect_is_shown_and_the_program_goes_on(program: Program) -> None:
    assert await program.start(WindowRequest())

    async def defect() -> None:
        raise ZeroDivisionError

    program.bridge.run(defect(), "defect")
    await until(lambda: dialog(program))
    question = dialog(program)
    assert question is not None
    question.finish("log")
    await until(lambda: program.window.page_name == "logs")


async def test_the_command_runs_it_until_it_is_quit(folder: Path, qtbot: Any) -> None:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    process = subprocess.Popen([*COMMAND, "--demo"], env=environment, stderr=subprocess.PIPE)
    try:
        while subprocess.run([*COMMAND, "status"], env=environment, capture_output=True, check=False).returncode:
            assert process.poll() is None
            await asyncio.sleep(0.1)
        assert subprocess.run([*COMMAND, "quit"], env=environment, check=False).returncode == 0
        assert await asyncio.to_thread(process.wait, 30) == 0
    finally:
        process.kill()
        process.communicate()
