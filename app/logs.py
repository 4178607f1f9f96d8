"""The log: free of secrets before anybody sees a line, kept in memory for the window and in a small file on disk.

Whatever is written down passes through `redact` first. Lines come from any thread; who follows them gets them in
batches on a loop of their own. What the level leaves out costs one comparison.
"""

import asyncio
import logging
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final
from urllib.parse import quote

HIDDEN: Final = "•••"
"""What stands where something is left out."""

LEVELS: Final = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}

FILE_NAME: Final = "anytls-tray.log"

_LINES: Final = 2_000  # in memory
_FILE_BYTES: Final = 1_000_000
_OLD_FILES: Final = 2  # beside the one that is written to

# Shorter ones would take words out of every sentence; 500 profiles with several servers each have fewer.
_SHORTEST_SECRET: Final = 4
_MOST_SECRETS: Final = 4_096

_LOGGER: Final = "anytls"

# A password may hold what a link should have had encoded, even spaces: all up to the last @ before the next link.
_LINK: Final = re.compile(r"(anytls://)(?:(?:(?!anytls://)[^\n])*@|[^\s@]+)", re.IGNORECASE)
_LOGIN: Final = re.compile(r"(?<!anytls)://[^\s/?#]*@", re.IGNORECASE)
_URL: Final = re.compile(r"://\S+")
_URL_VALUE: Final = re.compile(r"(?<=[?&])([^?&#=\s]+)=[^&#\s]*")
_NAMED: Final = re.compile(
    r"""((?:(?:password|passwd|secret|token|api_?key)|(?:proxy-)?authorization|(?:set-)?cookie)
         ["']?\s*[=:]\s*)
        (?:(?:basic|bearer|digest)\s+)?
        (?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&)}\]]+)""",
    re.IGNORECASE | re.VERBOSE,
)

_URL_HOST: Final = re.compile(r"(://(?:[^\s/?#@]*@)?)(\[[0-9a-f:.]+\]|[^\s/?#:@]+)", re.IGNORECASE)
_HOST: Final = re.compile(
    r"""(?<![\w.@/\\-])(?:
        \d{1,3}(?:\.\d{1,3}){3}
      | (?<!:)(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?!:)
      | (?<!:)(?:[0-9a-f]{1,4}:)*(?:[0-9a-f]{1,4})?::(?:[0-9a-f]{1,4}:)*(?:[0-9a-f]{1,4})?(?:\.\d{1,3}){0,3}(?!:)
      | (?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+(?P<last>[a-z]{2,}|xn--[a-z0-9-]+)
    )(?![\w(/\\-]|\.\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_LOCAL: Final = re.compile(r"127\.[0-9.]+$|0\.0\.0\.0$|::1?$|localhost$")
_FILE_ENDINGS: Final = frozenset(
    ("conf", "crt", "desktop", "dll", "exe", "json", "log", "pem", "py", "so", "toml", "txt")
)


class _Rules:
    """What is left out besides what always is. Replaced whole, so that every thread sees one state or the other."""

    secrets: tuple[str, ...] = ()
    private = False
    level = logging.INFO


def redact(text: str) -> str:
    """`text` without passwords, links' secrets and registered secrets, and, where they are hidden, without hosts."""
    for value in _Rules.secrets:
        if value in text:
            text = text.replace(value, HIDDEN)
    if "://" in text:
        text = _LINK.sub(lambda link: link[1] + HIDDEN + "@" * link[0].endswith("@"), text)
        text = _LOGIN.sub(f"://{HIDDEN}@", text)
        text = _URL.sub(lambda url: _URL_VALUE.sub(rf"\1={HIDDEN}", url[0]), text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    return _without_hosts(text) if _Rules.private or _Rules.level > logging.DEBUG else text


def secret(value: str) -> None:
    """Leave `value` out of every line from now on, as it is and as a link has it; but for very short ones."""
    forms = {form for form in (value, quote(value, safe="")) if len(form) >= _SHORTEST_SECRET}
    kept = [known for known in _Rules.secrets if known not in forms]
    longest_first = sorted([*kept[: _MOST_SECRETS - len(forms)], *forms], key=len, reverse=True)
    _Rules.secrets = tuple(longest_first)


def set_level(name: str) -> None:
    """Log from this level on: error, warning, info or debug. Hosts are named at debug alone."""
    _Rules.level = LEVELS[name]
    logging.getLogger(_LOGGER).setLevel(_Rules.level)


def hide_hosts(on: bool) -> None:
    """Leave hosts out at every level (privacy mode)."""
    _Rules.private = on


def start(folder: Path | None, level: str) -> "LogRing":
    """Keep the log in memory, and in `folder` where there is one. `stop` ends it."""
    ring = LogRing()
    handlers: list[logging.Handler] = [ring]
    if folder is not None:
        handlers.append(_LogFile(folder / FILE_NAME))
    for handler in handlers:
        handler.addFilter(Redaction())
        logging.getLogger().addHandler(handler)
    set_level(level)
    return ring


def stop() -> None:
    """End what `start` began, close the file, and forget what was to be left out."""
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, LogRing | _LogFile)]:
        root.removeHandler(handler)
        handler.close()
    logging.getLogger(_LOGGER).setLevel(logging.NOTSET)
    _Rules.secrets, _Rules.private, _Rules.level = (), False, logging.INFO


@dataclass(frozen=True, slots=True)
class Line:
    """One event of the log; `time` in seconds since the epoch, `level` as in `logging`. Free of secrets."""

    number: int
    time: float
    level: int
    logger: str
    text: str

    @property
    def error(self) -> bool:
        """Whether it tells of something that went wrong."""
        return self.level >= logging.ERROR


class Redaction(logging.Filter):
    """Takes the secrets out of a record before its handler sees it; for handlers, not for loggers."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not getattr(record, "redacted", False):
            record.msg, record.args = redact(_message(record)), ()
            if record.exc_info and record.exc_info[0] is not None:
                record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
            if record.stack_info:
                record.stack_info = redact(record.stack_info)
            record.redacted = True
        return True


class LogRing(logging.Handler):
    """The newest lines, for whoever wants to see them. Numbers go up by one and are never used twice."""

    def __init__(self, limit: int = _LINES) -> None:
        super().__init__()
        self._guard = threading.RLock()
        self._lines: deque[Line] = deque(maxlen=limit)
        self._limit = limit
        self._count = 0
        self._followers: tuple[_Follower, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is kept, the oldest first."""
        with self._guard:
            return tuple(self._lines)

    def clear(self) -> None:
        """Forget all lines."""
        with self._guard:
            self._lines.clear()

    def follow(self, call: Callable[[Sequence[Line]], None]) -> Callable[[], None]:
        """Give new lines to `call`, in batches, on the loop that runs now. What is returned ends that."""
        follower = _Follower(asyncio.get_running_loop(), call, self._limit)
        with self._guard:
            self._followers += (follower,)

        def end() -> None:
            with self._guard:
                self._followers = tuple(one for one in self._followers if one is not follower)
            follower.end()

        return end

    def emit(self, record: logging.LogRecord) -> None:
        story = (record.getMessage(), record.exc_text, record.stack_info)
        text = "\n".join(filter(None, story))
        with self._guard:
            self._count += 1
            line = Line(self._count, record.created, record.levelno, record.name, text)
            self._lines.append(line)
            followers = self._followers
        for follower in followers:
            follower.add(line)


class _Follower:
    """Carries lines to another thread's loop, with one wake-up for all that came meanwhile."""

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[Sequence[Line]], None], limit: int) -> None:
        self._loop = loop
        self._call: Callable[[Sequence[Line]], None] | None = call
        self._guard = threading.Lock()
        self._waiting: deque[Line] = deque(maxlen=limit)
        self._woken = False

    def add(self, line: Line) -> None:
        with self._guard:
            self._waiting.append(line)
            wake, self._woken = not self._woken, True
        if wake:
            with suppress(RuntimeError):  # the loop has closed
                self._loop.call_soon_threadsafe(self._deliver)

    def end(self) -> None:
        self._call = None

    def _deliver(self) -> None:
        with self._guard:
            lines = tuple(self._waiting)
            self._waiting.clear()
            self._woken = False
        if self._call is not None:
            self._call(lines)


class _LogFile(RotatingFileHandler):
    """For its owner alone. A full disk costs the file's lines and nothing else."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path, maxBytes=_FILE_BYTES, backupCount=_OLD_FILES, encoding="utf-8", delay=True, errors="replace"
        )
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def _open(self) -> TextIOWrapper:
        os.close(os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT, 0o600))
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """There is nowhere left to say it."""


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # a defect of the caller, which must not end what it was doing
        return f"{record.msg} {record.args}"


def _without_hosts(text: str) -> str:
    """Code and file names of a traceback, which are indented, stay as they are."""
    lines = text.split("\n")
    return "\n".join(line if line.startswith(" ") else _line_without_hosts(line) for line in lines)


def _line_without_hosts(line: str) -> str:
    if "://" in line:
        line = _URL_HOST.sub(lambda url: url[1] + _unless_local(url[2]), line)
    return _HOST.sub(_host_hidden, line)


def _host_hidden(found: re.Match[str]) -> str:
    last = found["last"]
    is_name_of_ours = last is not None and (last.lower() in _FILE_ENDINGS or not (last.islower() or last.isupper()))
    return found[0] if is_name_of_ours else _unless_local(found[0])


def _unless_local(host: str) -> str:
    return host if _LOCAL.match(host.strip("[]")) else HIDDEN
