"""What the pictures show: profiles, sessions, connections and log lines as somebody has them, and looks to see them in.

`flaws` reads what a picture cannot tell by itself: words that are cut off, controls that nobody named.
"""

import logging
import math
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QPoint, QRect, QTranslator
from PySide6.QtGui import QAccessible, QColor, QImage, QPainter
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from app.client.state import State
from app.engine.snapshot import ConnectionInfo, Snapshot
from app.engine.stages import StageResult
from app.errors import ClosedSilently, Failure, StageTimedOut
from app.protocols.address import Address
from app.storage.profile_file import Entry, ProfileFile
from app.storage.settings import ACTIVE_PROFILE, CHECK_PAGE, LISTEN_PORT
from app.traffic.pool_history import PoolHistory
from app.traffic.rates import Rates
from app.ui import theme
from app.ui.bridge import Bridge, Sample
from app.ui.widgets.elided_label import ElidedLabel
from tests.fakes.desk import Desk, profile
from tests.ui.widgets.samples import session

FONT: Final = "Inter"

READABLE: Final = 4.5  # WCAG 2.2, AA

PROVED: Final = (("tcp", 18.2), ("tls", 22.4), ("authentication", 41.0), ("page", 63.0))


@dataclass(frozen=True)
class Look:
    """How something is looked at. `long` has every text 40 % longer than it is in English."""

    dark: bool = False
    ratio: int = 1
    rtl: bool = False
    long: bool = False

    @classmethod
    def of(cls, words: str) -> "Look":
        """By its words, as in "dark rtl"."""
        some = set(words.split())
        return cls("dark" in some, 2 if "double" in some else 1, "rtl" in some, "long" in some)


class Longer(QTranslator):
    """A language in which everything takes more room."""

    def isEmpty(self) -> bool:  # noqa: N802 (Qt's name)
        return False

    def translate(self, _context: str, text: str, _hint: str | None = None, _number: int = -1) -> str:
        """The text, and words behind it until it is 40 % longer."""
        more = max(2, math.ceil(len(text) * 0.4))
        filling = ("ende worte lang " * (more // 16 + 1))[:more].strip()
        return f"{text}{filling}" if more < 6 else f"{text} {filling}"


class Hebrew(QTranslator):
    """A language from right to left: every letter becomes one of its letters, names and fields stay."""

    _LETTERS: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "אבקדהפגחיjכלמנופקרסתושוצימ".replace("j", "י"))
    _KEPT: Final = re.compile(r"(\{[^}]*\}|anytls://|[A-Z]{2,}[0-9]*|\b[kM]?B/s|\S+[.:]\S+)")

    def isEmpty(self) -> bool:  # noqa: N802 (Qt's name)
        return False

    def translate(self, _context: str, text: str, _hint: str | None = None, _number: int = -1) -> str:
        """The text in other letters."""
        parts = self._KEPT.split(text)
        return "".join(part if at % 2 else part.lower().translate(self._LETTERS) for at, part in enumerate(parts))


# ---- what there is


def some_entries() -> list[Entry]:
    """Nine profiles in two groups and none: near, far, failing, dangerous, unnamed, never tested."""
    now = time.time()
    refused = str(ClosedSilently("sao-paulo.example.net", 443))
    late = str(StageTimedOut("johannesburg.example.net", 8443, "tls", 10.0))
    pin = bytes(range(32))
    kept: dict[str, Any] = {"sealed": (b"sealed",), "tested_at": now - 300}
    made = [
        Entry("0", profile("Berlin", "berlin.example.org"), "", 41.3, used_at=now, **kept),
        Entry(
            "1", profile("Home server", "203.0.113.9", 8443, verification="pin", certificate_pin=pin), "", 12.0, **kept
        ),
        Entry("2", profile("Tōkyō", "tokyo.example.net"), "Provider A", 231.8, used_at=now - 900, **kept),
        Entry("3", profile("Singapore", "sg-1.edge.example.net"), "Provider A", 187.0, **kept),
        Entry("4", profile("São Paulo", "sao-paulo.example.net"), "Provider A", None, refused, **kept),
        Entry("5", profile("Johannesburg", "johannesburg.example.net", 8443), "Provider A", None, late, **kept),
        Entry("6", profile("ميونخ", "munich.example.org"), "Friends", 33.0, **kept),
        Entry(
            "7",
            profile(
                "A name that somebody’s provider has made far longer than any list has room to show",
                "a-very-long-host-name-that-goes-on-and-on.some-region-7.some-provider.example.com",
                verification="none",
            ),
            "Friends",
            **kept,
        ),
        Entry("8", replace(profile("Not tested yet", "192.0.2.77"), udp_mode="packet"), "Friends", sealed=(None,)),
    ]
    return [replace(entry, id=f"{number:032x}") for number, entry in enumerate(made)]


def many_entries() -> list[Entry]:
    """Two hundred profiles in eight groups."""
    made = []
    for number in range(200):
        slow = 20.0 + number * 37 % 400
        made.append(
            Entry(
                f"{number:032x}",
                profile(f"Server {number + 1:03}", f"node-{number + 1:03}.example.net"),
                f"Region {number // 25 + 1}",
                None if number % 7 == 3 else slow,
                str(StageTimedOut(f"node-{number + 1:03}.example.net", 443, "tcp", 10.0)) if number % 7 == 3 else "",
                sealed=(b"sealed",),
            )
        )
    return made


async def keep(desk: Desk, folder: Path, entries: list[Entry]) -> None:
    """Put profiles on the desk, the first one active."""
    ProfileFile(folder / "profiles.json").save(entries)
    await desk.profiles.load()
    desk.settings.set(ACTIVE_PROFILE, entries[0].id)
    desk.settings.set(CHECK_PAGE, True)
    desk.settings.set(LISTEN_PORT, 1080)


def become(bridge: Bridge, state: State, passed: int, failure: Failure | None = None) -> None:
    """Let the client say this of itself: how many stages passed, and why the next one did not."""
    client = bridge.control.client
    stages = [StageResult(name, True, ms) for name, ms in PROVED[:passed]]
    if failure is not None:
        stages.append(StageResult(PROVED[passed][0], False, 9.0, failure))
    client.state, client.stages, client.failure = state, tuple(stages), failure
    client.address = None if state is State.OFF else Address("127.0.0.1", 1080)
    bridge.state_changed.emit()


def go_on(bridge: Bridge, seconds: int = 300) -> None:
    """Let so many seconds of traffic have passed."""
    rates, pool = Rates(), PoolHistory()
    up = down = 0
    for second in range(seconds):
        wave = 1 + math.sin(second / 17) + 0.5 * math.sin(second / 5)
        down += int(max(0.1, wave) * 5.2e6)
        up += int(max(0.2, wave) * 2.4e5 + second % 7 * 2e4)
        rates.add(float(second), up, down)
        busy = 1 + second // 11 % 4
        pool.add(float(second), busy, 6 - busy, int(second % 40 > 36))
    snapshot = Snapshot(up, down, 45, 1_364, _sessions(), _connections(), warming=1)
    bridge.sample = Sample(snapshot, rates.up, rates.down, rates, pool, 8_049.0)
    bridge.sampled.emit(bridge.sample)


def _sessions() -> tuple[Any, ...]:
    return (
        session(45, "active", target="video.example.com:443", served=3, open_streams=1, age=9.0, down=48_200_000),
        session(44, "active", target="example.org:443", served=31, open_streams=1, age=75.0, down=2_100_000),
        session(43, idle=12.0, served=104, age=3_700.0, down=180_000_000),
        session(42, idle=27.5, served=18, age=610.0),
        session(41, "warm", idle=4.0, served=0, up=0, down=0, age=4.0),
        session(40, idle=2.0, served=1_203, age=8_040.0, down=2_400_000_000),
    )


def _connections() -> tuple[ConnectionInfo, ...]:
    long = "r4---sn-5hne6nzs.a-cache-of-some-network.content.example.com:443"
    refused = "The server could not reach the target: connection refused."
    return (
        ConnectionInfo(212, "socks5", "video.example.com:443", 45, "open", 310_000, 48_200_000, 9.0, ""),
        ConnectionInfo(211, "connect", "example.org:443", 44, "open", 12_400, 2_100_000, 75.0, ""),
        ConnectionInfo(210, "udp", "198.51.100.7:3478", 43, "open", 88_000, 91_000, 3_599.0, ""),
        ConnectionInfo(209, "socks5", long, None, "waiting", 0, 0, 0.4, ""),
        ConnectionInfo(208, "connect", "[2001:db8::8a2e:370:7334]:8080", 40, "failed", 0, 0, 1.2, refused),
        ConnectionInfo(207, "socks5", "mail.example.net:993", 42, "closed", 9_300, 1_204_000, 612.0, ""),
        ConnectionInfo(206, "http", "updates.example.org:80", 42, "closed", 412, 88_000_000, 44.0, ""),
    )


def log_some(bridge: Bridge) -> None:
    """Lines of every level, one of them long."""
    story = (
        (logging.INFO, "anytls.engine", "listening on 127.0.0.1:1080"),
        (logging.DEBUG, "anytls.transport", "berlin.example.org resolves to 203.0.113.9 (18 ms)"),
        (logging.INFO, "anytls.client", "connecting: TCP 18 ms, TLS 22 ms, password 41 ms"),
        (logging.INFO, "anytls.client", "on"),
        (logging.WARNING, "anytls.engine", "session 39 ended: the server closed it without a word, 2 streams lost"),
        (logging.DEBUG, "anytls.engine", "session 45: a new padding scheme (3f9a0c2d) was pushed by the server"),
        (logging.ERROR, "anytls.ui", str(StageTimedOut("tokyo.example.net", 443, "tls", 10.0))),
        (logging.INFO, "anytls.client", "settings frame: " + "padding-md5=3f9a0c2d " * 12),
    )
    for minute, (level, name, text) in enumerate(story * 3):
        record = logging.LogRecord(name, level, "", 0, text, None, None)
        record.created = 1_795_600_000.0 + minute * 61
        bridge.logs.emit(record)


# ---- looking


def picture(widget: QWidget, ratio: int = 1) -> QImage:
    """The widget as a screen of this density shows it."""
    image = QImage(widget.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(theme.color("raised"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    widget.render(painter, QPoint())
    painter.end()
    return image


def colors(image: QImage) -> int:
    """How many different colours a grid of its pixels has."""
    step = max(1, image.width() // 240)
    return len({image.pixel(x, y) for x in range(0, image.width(), step) for y in range(0, image.height(), step)})


def flaws(top: QWidget) -> list[str]:
    """What is wrong with what is shown, a line each."""
    shown = [
        one for one in (top, *top.findChildren(QWidget)) if one.isVisibleTo(top) and not one.visibleRegion().isEmpty()
    ]
    return [flaw for one in shown for flaw in (*_cut_off(one, top), *_unnamed(one))]


def _told(widget: QWidget) -> str:
    text = widget.text() if isinstance(widget, QLabel | QAbstractButton) else ""
    return f"{type(widget).__name__} “{text or widget.accessibleName()}”"


def _cut_off(widget: QWidget, top: QWidget) -> Iterator[str]:
    """Whether its words need more room than it has, or it reaches beyond what it lies on."""
    if isinstance(widget, ElidedLabel) or not isinstance(widget, QLabel | QAbstractButton) or not widget.text():
        return
    if isinstance(widget, QLabel) and widget.wordWrap():
        if widget.heightForWidth(widget.width()) > widget.height():
            yield f"{_told(widget)}: {widget.height()} px high, needs {widget.heightForWidth(widget.width())}"
    elif widget.sizeHint().width() > widget.width():
        yield f"{_told(widget)}: {widget.width()} px wide, needs {widget.sizeHint().width()}"
    elif isinstance(widget, QLabel) and widget.fontMetrics().height() > widget.height():
        yield f"{_told(widget)}: {widget.height()} px high, needs {widget.fontMetrics().height()}"
    yield from _sticking_out(widget, top)


def _sticking_out(widget: QWidget, top: QWidget) -> Iterator[str]:
    around = widget.parentWidget()
    while around is not None and widget is not top:
        place = QRect(widget.mapTo(around, QPoint()), widget.size())
        if place.left() < 0 or place.right() >= around.width():
            yield f"{_told(widget)}: reaches from {place.left()} to {place.right()} of {around.width()} px"
            return
        if around is top:
            return
        around = around.parentWidget()


_CONTROLS: Final = (QAbstractButton, QLineEdit, QComboBox, QAbstractSpinBox, QAbstractItemView, QPlainTextEdit)


def _unnamed(widget: QWidget) -> Iterator[str]:
    """Whether a screen reader would find a control without a name."""
    inside = widget.parentWidget()
    if not isinstance(widget, _CONTROLS) or isinstance(widget, QHeaderView):
        return  # a header is part of its table
    if isinstance(inside, QAbstractSpinBox | QComboBox | QLineEdit | QAbstractItemView):
        return
    known = QAccessible.queryAccessibleInterface(widget)
    if not known.text(QAccessible.Text.Name).strip(" …"):
        yield f"{type(widget).__name__} in {type(inside).__name__}: has no name"


def faint_words(top: QWidget, image: QImage) -> list[str]:
    """The labels whose words can hardly be told from their ground, measured where they are painted."""
    labels = [
        one for one in top.findChildren(QLabel) if one.text() and one.isEnabled() and not one.visibleRegion().isEmpty()
    ]
    found = [(one, _contrast_in(image, _place(one, top))) for one in labels]
    return [f"{_told(one)}: {measured:.1f}" for one, measured in found if measured < READABLE]


def _place(widget: QWidget, top: QWidget) -> QRect:
    seen = widget.visibleRegion().boundingRect()
    return seen.translated(widget.mapTo(top, QPoint()))


def _contrast_in(image: QImage, place: QRect) -> float:
    ratio = round(image.devicePixelRatio())
    part = image.copy(QRect(place.topLeft() * ratio, place.size() * ratio))
    counted = Counter(part.pixel(x, y) for x in range(part.width()) for y in range(part.height()))
    ground = QColor(counted.most_common(1)[0][0])
    return max(contrast(QColor(pixel), ground) for pixel in counted)


def contrast(one: QColor, other: QColor) -> float:
    """How well one is told from the other, by WCAG 2.2: 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: QColor) -> float:
    parts = (color.redF(), color.greenF(), color.blueF())
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
