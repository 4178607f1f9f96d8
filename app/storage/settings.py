"""What the person chose: every setting is one declared item with its type, its default and its limits."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from app.errors import BadInput
from app.protocols.address import is_loopback
from app.storage.profiles import host_name
from app.texts import translate

T = TypeVar("T")
Check = Callable[[Any], T]
"""Returns the value as it is kept; raises ValueError with the end of a sentence that begins with the setting's name."""

_MAX_TEXT: Final = 1000  # characters: the longest setting is a web address
_GEOMETRY: Final = re.compile(r"[A-Za-z0-9+/=]*")


class Item(Generic[T]):
    """One setting. Its key is its name in the file."""

    def __init__(self, key: str, default: T, check: Check[T]) -> None:
        self.key = key
        self.default = default
        self.check = check

    def __repr__(self) -> str:
        return f"Item({self.key})"


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(translate("settings", "is either on or off"))
    return value


def _number(lowest: int, highest: int) -> Check[int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            text = translate("settings", "is a whole number from {lowest} to {highest}")
            raise ValueError(text.format(lowest=lowest, highest=highest))
        return value

    return check


def _choice(*choices: Any) -> Check[Any]:
    def check(value: Any) -> Any:
        if not any(value == choice and type(value) is type(choice) for choice in choices):
            text = translate("settings", "is one of {choices}")
            raise ValueError(text.format(choices=", ".join(map(str, choices))))
        return value

    return check


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT or not value.isprintable():
        raise ValueError(translate("settings", "is one short line"))
    return value


def _user(value: Any) -> str:
    text = _text(value)
    if ":" in text or len(text.encode()) > 255:  # RFC 7617 §2, RFC 1929 §2
        raise ValueError(translate("settings", "has at most 255 bytes and no colon"))
    return text


def _host(value: Any) -> str:
    try:
        return host_name(_text(value))
    except ValueError as error:
        raise ValueError(str(error)) from None


def _geometry(value: Any) -> str:
    if not isinstance(value, str) or not _GEOMETRY.fullmatch(value) or len(value) > _MAX_TEXT:
        raise ValueError(translate("settings", "is not readable"))
    return value


def _url(value: Any) -> str:
    text = _text(value).strip()
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and parts.username is None
    except ValueError:
        good = False
    if not good or " " in text or not text.isascii():
        raise ValueError(translate("settings", "is a web address that begins with http:// or https://"))
    return text


LISTEN_HOST: Final = Item("listen_host", "127.0.0.1", _host)
LISTEN_PORT: Final = Item("listen_port", 1080, _number(1, 65535))
ALLOW_LAN: Final = Item("allow_lan", False, _flag)
LOCAL_AUTH: Final = Item("local_auth", False, _flag)
LOCAL_USER: Final = Item("local_user", "anytls", _user)
LOCAL_PASSWORD: Final = Item("local_password", "", _geometry)  # sealed by the vault, base64
AUTOSTART: Final = Item("autostart", False, _flag)
START_MINIMISED: Final = Item("start_minimised", False, _flag)
CONNECT_AT_START: Final = Item("connect_at_start", False, _flag)
LEFT_CLICK: Final = Item[str]("left_click", "window", _choice("window", "toggle"))
THEME: Final = Item[str]("theme", "system", _choice("system", "light", "dark"))
LANGUAGE: Final = Item("language", "", _text)
LOG_LEVEL: Final = Item[str]("log_level", "info", _choice("error", "warning", "info", "debug"))
ON_SWITCH: Final = Item[str]("on_switch", "ask", _choice("ask", "drain", "close"))
PRIVACY: Final = Item("privacy", False, _flag)
CHECK_PAGE: Final = Item("check_page", True, _flag)
# Plain HTTP and no content: the cheapest proof, and nobody on the way to the server sees it.
PAGE_URL: Final = Item("page_url", "http://cp.cloudflare.com/generate_204", _url)
ACTIVE_PROFILE: Final = Item("active_profile", "", _text)
WINDOW_GEOMETRY: Final = Item("window_geometry", "", _geometry)
GRAPH_MINUTES: Final = Item[int]("graph_minutes", 1, _choice(1, 5, 10))
TOLD_NO_TRAY: Final = Item("told_no_tray", False, _flag)
TOLD_STAYS_IN_TRAY: Final = Item("told_stays_in_tray", False, _flag)

ITEMS: Final[Mapping[str, Item[Any]]] = {value.key: value for value in list(globals().values()) if type(value) is Item}


class Settings:
    """The items' values. `save` is given the whole file whenever one has changed; unknown keys are kept in it."""

    def __init__(self, stored: Mapping[str, Any], save: Callable[[dict[str, Any]], None]) -> None:
        self._stored = dict(stored)
        self._save = save
        self.on_change: list[Callable[[Item[Any]], None]] = []
        self.warnings: list[str] = []
        """A sentence for each value that could not be used; its default holds."""
        self._values: dict[str, Any] = {}
        for item in ITEMS.values():
            self._values[item.key] = self._read(item)

    def get(self, item: Item[T]) -> T:
        """The value in force."""
        value: T = self._values[item.key]
        return value

    def set(self, item: Item[T], value: T) -> None:
        """Change one setting, tell everybody and save. Raises `BadInput`; nothing has changed then."""
        try:
            checked = item.check(value)
        except ValueError as error:
            text = translate("settings", "the setting “{name}” {problem}")
            raise BadInput(text.format(name=item.key, problem=error)) from None
        if checked == self._values[item.key]:
            return
        self._values[item.key] = self._stored[item.key] = checked
        self._save(dict(self._stored))
        for listener in tuple(self.on_change):
            listener(item)

    def changed(self, item: Item[T], value: T) -> "Settings":
        """The settings as they would be with one of them changed, saved nowhere. Raises `BadInput`."""
        copy = Settings(self._stored, lambda _stored: None)
        copy.set(item, value)
        return copy

    def _read(self, item: Item[Any]) -> Any:
        if item.key not in self._stored:
            return item.default
        try:
            return item.check(self._stored[item.key])
        except ValueError as error:
            text = translate("settings", "The setting “{name}” {problem}; its default is used.")
            self.warnings.append(text.format(name=item.key, problem=error))
            return item.default


def listens_beyond_loopback(settings: Settings) -> bool:
    """Whether other computers can reach the local proxy, which then needs credentials."""
    return settings.get(ALLOW_LAN) or not is_loopback(settings.get(LISTEN_HOST))
