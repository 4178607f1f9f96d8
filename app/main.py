"""WIRES: makes every object once, joins Qt's loop to asyncio's, and waits until somebody quits."""

import asyncio
import inspect
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final

import qasync
from PySide6.QtWidgets import QApplication

from app import logs
from app.cli import WindowRequest
from app.cli.remote import hand_over
from app.client.client import Client
from app.client.control import Control
from app.client.profiles import Profiles
from app.client.remote import WindowDoor, serve
from app.client.saver import Saver
from app.engine.host import ThreadDoor
from app.errors import BadFile, ListenFailed
from app.storage.document import Document
from app.storage.passwords import Vault
from app.storage.paths import config_dir, state_dir
from app.storage.profile_file import ProfileFile
from app.storage.schemes import PushedSchemes
from app.storage.settings import (
    CONNECT_AT_START,
    LANGUAGE,
    LOG_LEVEL,
    PRIVACY,
    START_MINIMISED,
    THEME,
    Item,
    Settings,
)
from app.system.resources import forbid_core_dumps, raise_file_limit
from app.ui.application import Languages, make_application
from app.ui.bridge import Bridge
from app.ui.crash import Crash, CrashHook
from app.ui.faults import FaultFile
from app.ui.garbage import MainThreadGarbage
from app.ui.instance import InstanceServer
from app.ui.messages import Message
from app.ui.prompts import WindowQuestions
from app.ui.questions import ask_port, show_crash
from app.ui.theme import Theme
from app.ui.tray import Tray
from app.ui.window import Window

SETTINGS_VERSION: Final = 1


def run(request: WindowRequest) -> int:
    """Show the tray and the window until somebody quits; returns the exit code. Raises `BadFile`."""
    application = make_application(sys.argv[:1])
    garbage = MainThreadGarbage()
    garbage.start()
    raise_file_limit()
    forbid_core_dumps()
    loop = qasync.QEventLoop(application)
    loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))
    with loop:
        code: int = loop.run_until_complete(_run(application, request))
    garbage.stop()
    return code


async def _run(application: QApplication, request: WindowRequest) -> int:
    program = Program(application)
    try:
        if not await program.start(request):
            return 0 if await asyncio.to_thread(hand_over, request.texts) else 1
        await program.over.wait()
    finally:
        await program.close()
    return 0


def _loaded(document: Document) -> tuple[dict[str, Any], str]:
    """The settings, and what there is to say of them. Those that cannot be read are left alone, and today's hold."""
    try:
        return document.load(), document.warning
    except BadFile as failure:
        return {}, str(failure)


class Program:
    """Everything there is, made in the order in which it depends on each other and closed in the opposite one."""

    def __init__(self, application: QApplication) -> None:
        self.over = asyncio.Event()
        self._application = application
        self._theme = Theme()
        self._languages = Languages(application)
        self._close: list[Callable[[], Any]] = [self._theme.deleteLater]  # it follows the desktop until then

    async def start(self, request: WindowRequest) -> bool:
        """Make everything and show it; false where another instance runs already. Raises `BadFile`."""
        config, state = config_dir(), state_dir()
        document = Document(config / "settings.json", SETTINGS_VERSION)
        saver = Saver[dict[str, Any]](document.save, lambda failure: self.bridge.say(str(failure), "bad", "saving"))
        stored, warning = _loaded(document)
        self.settings = Settings(stored, saver)
        ring = logs.start(state, request.log_level or self.settings.get(LOG_LEVEL))
        self._close.append(logs.stop)
        faults = FaultFile(state)
        last_time = faults.open()
        hook = CrashHook(self._show_crash)
        hook.install(asyncio.get_running_loop())
        self._close += [faults.close, hook.remove, saver.flush]

        questions = WindowQuestions(self.settings)
        vault = Vault(config / "vault.json", questions)
        profiles = Profiles(ProfileFile(config / "profiles.json"), vault)
        client = Client(PushedSchemes(state / "padding-schemes.json"), ThreadDoor)
        control = self.control = Control(self.settings, profiles, vault, client, questions)
        bridge = self.bridge = Bridge(control, ring, hook.report)
        instance = InstanceServer(serve(control, WindowDoor(self._show_window, bridge.import_text, self.over.set)))
        self._close += [bridge.close, instance.close]
        if not instance.listen():
            return False
        await profiles.load()

        for item in (THEME, LANGUAGE, PRIVACY):
            self._apply(item)
        self.window = questions.window = Window(bridge)
        self.tray = Tray(bridge, self.window)
        self._close += [self.tray.close, self.window.keep_place]
        bridge.quit_asked.connect(self.over.set)
        bridge.settings_changed.connect(self._apply)
        bridge.port_taken.connect(lambda failure: bridge.run(self._port_taken(failure), "ask about the port"))
        self._on_signals()
        self._begin(request)
        for text in filter(None, (warning, *self.settings.warnings, profiles.warning, vault.warning)):
            self.window.show_banner(Message(text, "warn"))
        if last_time is not None:
            hook.note(last_time)
        return True

    async def close(self) -> None:
        """Turn the tunnel off and close everything."""
        while self._close:
            closing = self._close.pop()()
            if inspect.isawaitable(closing):
                await closing

    def _begin(self, request: WindowRequest) -> None:
        """Show what was asked for."""
        self.tray.start()
        hidden = request.minimized or self.settings.get(START_MINIMISED)
        if not hidden:
            self.window.bring_up()
        elif not self.tray.available:
            self.window.showMinimized()
        if request.texts:
            self.bridge.import_text("\n".join(request.texts))
        if request.demo:
            self.bridge.try_demo()
        elif self.settings.get(CONNECT_AT_START) and self.control.active is not None:
            self.bridge.run(self.control.connect(), "connect at the start")

    def _show_window(self, token: str) -> None:
        if token:  # from whoever was clicked: Wayland lets nobody else come to the front
            os.environ["XDG_ACTIVATION_TOKEN"] = token
        self.window.bring_up()

    def _show_crash(self, crash: Crash) -> None:
        self.bridge.run(self._crash(crash), "show a report")

    async def _crash(self, crash: Crash) -> None:
        if await show_crash(self.window, crash):
            self.window.show_log(crash.report)

    async def _port_taken(self, failure: ListenFailed) -> None:
        match await ask_port(self.window, failure):
            case "next":
                await self.control.use_free_port()
            case "again":
                await self.control.connect()
            case "settings":
                self.window.show_page("settings")

    def _apply(self, item: Item[Any]) -> None:
        """A setting that others than the control live by."""
        if item is THEME:
            self._theme.apply(self._application, self.settings.get(THEME))
        elif item is LANGUAGE:
            self._languages.use(self.settings.get(LANGUAGE))
        elif item is LOG_LEVEL:
            logs.set_level(self.settings.get(LOG_LEVEL))
        elif item is PRIVACY:
            logs.hide_hosts(self.settings.get(PRIVACY))

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                with suppress(NotImplementedError):  # Windows tells the window instead
                    loop.add_signal_handler(getattr(signal, name), self.over.set)
                    self._close.append(partial(loop.remove_signal_handler, getattr(signal, name)))
