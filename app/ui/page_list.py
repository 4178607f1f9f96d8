"""How each page of the window comes about: imported only when it is first shown, so that the tray is there at once."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from PySide6.QtWidgets import QWidget

from app.ui.bridge import Bridge

FIRST_RUN: Final = "first run"
"""What stands in the place of "home" until there is a profile."""


def _first_run(bridge: Bridge) -> QWidget:
    from app.ui.first_run import FirstRun

    return FirstRun(bridge)


def _home(bridge: Bridge) -> QWidget:
    from app.ui.pages.home import HomePage

    return HomePage(bridge)


def _profiles(bridge: Bridge) -> QWidget:
    from app.ui.pages.profiles import ProfilesPage

    return ProfilesPage(bridge)


def _connections(bridge: Bridge) -> QWidget:
    from app.ui.pages.connections import ConnectionsPage

    return ConnectionsPage(bridge)


def _logs(bridge: Bridge) -> QWidget:
    from app.ui.pages.logs import LogsPage

    return LogsPage(bridge)


def _settings(bridge: Bridge) -> QWidget:
    from app.ui.pages.settings import SettingsPage

    return SettingsPage(bridge)


FACTORIES: Final[Mapping[str, Callable[[Bridge], QWidget]]] = MappingProxyType(
    {
        FIRST_RUN: _first_run,
        "home": _home,
        "profiles": _profiles,
        "connections": _connections,
        "logs": _logs,
        "settings": _settings,
    }
)
