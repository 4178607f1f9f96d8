"""The home page: it tells what the bridge tells, asks for what a person asks, and rests while nobody looks."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from app.client.control import Control
from app.client.state import State
from app.engine.stages import StageResult
from app.errors import ClosedSilently, Failure, ListenFailed, NothingListens, TlsFailed
from app.storage.settings import CHECK_PAGE, GRAPH_MINUTES, PRIVACY
from app.traffic.pool_history import PoolHistory
from app.traffic.rates import Rates
from app.ui.bridge import Bridge, Sample
from app.ui.certificate_question import CertificateQuestion
from app.ui.messages import Message
from app.ui.pages.home import HomePage
from app.ui.theme import Theme
from tests.fakes import certificates
from tests.fakes.desk import Desk, profile_of
from tests.fakes.servers import anytls_server
from tests.fakes.waiting import until
from tests.ui.widgets.samples import session, snapshot

PROVED = ("tcp", "tls", "authentication")


@pytest.fixture
async def home(bridge: Bridge, the_desk: Desk, qtbot: QtBot) -> HomePage:
    """The page on the screen, with one profile, turned off."""
    await the_desk.add("Berlin")
    page = HomePage(bridge)
    qtbot.addWidget(page)
    page.resize(1000, 800)
    page.show()
    return page


@pytest.fixture
def themed() -> Iterator[None]:
    """With the style sheet in force, as sizes depend on it."""
    app = cast(QApplication, QApplication.instance())
    font, palette, style = app.font(), app.palette(), app.style().objectName()
    Theme().apply(app, "light")
    yield
    app.setStyleSheet("")
    app.setStyle(style)
    app.setFont(font)
    app.setPalette(palette)


def plain(text: str) -> str:
    return text.replace("\u2066", "").replace("\u2069", "")


def passed(*names: str, ms: float = 20.0) -> tuple[StageResult, ...]:
    return tuple(StageResult(name, True, ms) for name in names)


def become(page: HomePage, state: State, stages: tuple[StageResult, ...] = (), failure: Failure | None = None) -> None:
    """Let the client say this of itself."""
    client = page.bridge.control.client
    client.state, client.stages, client.failure = state, stages, failure
    page.bridge.state_changed.emit()


def sampled(page: HomePage, *sessions: Any, uptime: float = 8_049.0, down: float = 12.4e6) -> None:
    """Let a second pass."""
    rates, pool = Rates(), PoolHistory()
    for second in range(5):
        rates.add(float(second), second * 310_000, int(second * down))
        pool.add(float(second), 1, 2, 0)
    page.bridge.sample = Sample(snapshot(*sessions), rates.up, rates.down, rates, pool, uptime)
    page.bridge.sampled.emit(page.bridge.sample)


async def test_it_is_off_at_first(home: HomePage) -> None:
    assert home.header.headline.text() == "Berlin · off"
    assert plain(home.header.line.text()) == "leads through berlin.example.org"
    assert home.header.stages.isHidden()
    assert home.header.speeds.isHidden()
    assert not home.traffic.graph.times()
    assert home.stack.currentIndex() == 0


async def test_stages_are_told_one_by_one(home: HomePage) -> None:
    become(home, State.CONNECTING, passed("tcp"))
    assert [stage.look for stage in home.header.stages.line.stages] == ["done", "running", "waiting"]
    assert home.header.headline.text() == "Berlin · connecting"
    assert (home.header.power.done, home.header.power.total) == (1, 3)
    become(home, State.CONNECTING, passed("tcp", "tls"))
    assert home.header.power.done == 2


async def test_a_page_is_a_stage_where_one_is_asked(home: HomePage) -> None:
    home.bridge.control.settings.set(CHECK_PAGE, True)
    become(home, State.CONNECTING)
    assert [stage.name for stage in home.header.stages.line.stages] == [*PROVED, "page"]


async def test_on_says_through_whom_how_fast_and_how_long(home: HomePage) -> None:
    become(home, State.ON, passed(*PROVED, ms=41.0))
    sampled(home, session(1, "active"), session(2))
    assert home.header.headline.text() == "Berlin · on"
    assert plain(home.header.line.text()) == "through berlin.example.org · 41 ms · 2 h 14 min"
    assert plain(home.header.speeds.down.text()) == "↓ 12.4 MB/s"
    assert plain(home.header.speeds.up.text()) == "↑ 310.0 kB/s"
    assert home.pool.list.sessions.rowCount() == 2
    assert len(home.traffic.graph.samples) == 4
    assert len(home.pool.graph.counts) == 5


async def test_a_proof_that_runs_unseen_makes_nothing_blink(home: HomePage) -> None:
    become(home, State.ON, passed(*PROVED))
    become(home, State.ON, passed("tcp"))
    assert [stage.look for stage in home.header.stages.line.stages] == ["done"] * 3
    become(home, State.DEGRADED, (*passed("tcp"), StageResult("tls", False, 1.0)))
    assert [stage.look for stage in home.header.stages.line.stages] == ["done", "failed", "waiting"]


async def test_a_failure_is_told_where_it_happened(home: HomePage) -> None:
    failure = ClosedSilently("berlin.example.org", 443)
    become(home, State.FAILED, (*passed("tcp", "tls"), StageResult("authentication", False, 5.0, failure)), failure)
    assert home.header.headline.text() == "Berlin · failed"
    assert home.header.stages.sentence.text() == str(failure)
    assert home.header.stages.line.stages[-1].look == "failed"
    assert home.header.stages.button.text() == "Edit profile"
    become(home, State.ON, passed(*PROVED))
    assert not home.header.stages.troubled


async def test_a_press_turns_it_on_and_off(home: HomePage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def toggle(_self: Control) -> None:
        asked.append("toggle")

    monkeypatch.setattr(Control, "toggle", toggle)
    qtbot.mouseClick(home.header.power, Qt.MouseButton.LeftButton)
    await until(lambda: asked)
    assert asked == ["toggle"]


async def test_it_connects_for_real_and_says_why_not(home: HomePage, the_desk: Desk, qtbot: QtBot) -> None:
    the_desk.answers.password = "secret"
    qtbot.mouseClick(home.header.power, Qt.MouseButton.LeftButton)
    await until(lambda: the_desk.client.state is not State.OFF)
    await until(lambda: home.header.stages.troubled)
    assert "berlin.example.org" in home.header.stages.sentence.text()
    qtbot.mouseClick(home.header.power, Qt.MouseButton.LeftButton)
    await until(lambda: home.header.headline.text() == "Berlin · off")


@pytest.mark.parametrize(
    ("failure", "page"),
    [(ListenFailed("127.0.0.1", 1080, "taken"), "settings"), (TlsFailed("a.example", 443, "x"), "logs")],
)
async def test_the_button_leads_to_the_page_that_helps(
    home: HomePage, qtbot: QtBot, failure: Failure, page: str
) -> None:
    asked: list[str] = []
    home.bridge.window_asked.connect(asked.append)
    become(home, State.FAILED, (), failure)
    qtbot.mouseClick(home.header.stages.button, Qt.MouseButton.LeftButton)
    assert asked == [page]


@pytest.mark.parametrize("fingerprint", ["none", "chrome"])
@pytest.mark.parametrize("pin", [None, bytes(32)])
async def test_a_certificate_is_trusted_on_first_failure(
    bridge: Bridge, the_desk: Desk, qtbot: QtBot, fingerprint: str, pin: bytes | None
) -> None:
    async with anytls_server() as server:
        wrong = replace(
            profile_of(server),
            verification="pin" if pin else "system",
            certificate_pin=pin,
            server_name="server.test",
            fingerprint=fingerprint,
        )
        entry = await the_desk.profiles.add(wrong, (server.password,))
        page = HomePage(bridge)
        qtbot.addWidget(page)
        page.show()
        await bridge.control.connect(entry.id)
        await until(lambda: page.header.stages.button.text() == "Look at the certificate…")
        assert page.header.headline.text() == "Here · failed"
        qtbot.mouseClick(page.header.stages.button, Qt.MouseButton.LeftButton)
        await until(lambda: any(one.isVisible() for one in page.findChildren(CertificateQuestion)))
        (question,) = page.findChildren(CertificateQuestion)
        assert question.sha256.value.text().replace("\n", ":") == certificates.good().pin.hex(":").upper()
        qtbot.mouseClick(question.buttons["trust"], Qt.MouseButton.LeftButton)
        await until(lambda: page.header.headline.text() == "Here · on")
        assert the_desk.profiles.get(entry.id).profile.certificate_pin == certificates.good().pin
        await bridge.control.disconnect()


async def test_a_profile_that_checks_nothing_is_red(home: HomePage, the_desk: Desk) -> None:
    assert not home.header.danger.isVisible()
    (berlin,) = the_desk.profiles.entries
    await the_desk.profiles.edit(berlin.id, replace(berlin.profile, verification="none"), None, "")
    assert home.header.danger.text() == "The server's certificate is not checked."
    assert home.header.danger.isVisible()


async def test_trying_again_starts_what_does_not_run(
    home: HomePage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def connect(_self: Control, _entry_id: str | None = None) -> None:
        asked.append("connect")

    monkeypatch.setattr(Control, "connect", connect)
    become(home, State.FAILED, (), NothingListens("a.example", 443))
    qtbot.mouseClick(home.header.stages.button, Qt.MouseButton.LeftButton)
    await until(lambda: asked)
    assert asked == ["connect"]


async def test_trying_again_proves_what_runs(home: HomePage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def prove_now() -> None:
        asked.append("prove")

    client = home.bridge.control.client
    monkeypatch.setattr(type(client), "running", property(lambda _self: True))
    monkeypatch.setattr(client, "prove_now", prove_now)
    become(home, State.DEGRADED, (), NothingListens("a.example", 443))
    qtbot.mouseClick(home.header.stages.button, Qt.MouseButton.LeftButton)
    await until(lambda: asked)
    assert asked == ["prove"]


async def test_a_real_tunnel_is_seen_to_live(bridge: Bridge, the_desk: Desk, qtbot: QtBot) -> None:
    async with anytls_server() as server:
        entry = await the_desk.profiles.add(profile_of(server), (server.password,))
        the_desk.answers.password = server.password
        page = HomePage(bridge)
        qtbot.addWidget(page)
        page.resize(1000, 800)
        page.show()
        await bridge.control.connect(entry.id)
        await until(lambda: page.header.headline.text() == "Here · on")
        await until(lambda: [stage.look for stage in page.header.stages.line.stages] == ["done"] * 3)
        await until(lambda: page.pool.list.sessions.rows)
        assert page.pool.list.sessions.rows[0].info.tls_version == "TLSv1.3"
        assert page.pool.graph.counts
        qtbot.mouseClick(page.header.power, Qt.MouseButton.LeftButton)
        await until(lambda: page.header.headline.text() == "Here · off")
        assert page.pool.list.sessions.rowCount() == 0


async def test_sessions_are_closed_through_the_client(
    home: HomePage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    async def close_idle() -> None:
        asked.append("idle")

    async def close_session(number: int) -> None:
        asked.append(number)

    monkeypatch.setattr(home.bridge.control.client, "close_idle", close_idle)
    monkeypatch.setattr(home.bridge.control.client, "close_session", close_session)
    sampled(home, session(41), session(40))
    qtbot.mouseClick(home.pool.close_idle, Qt.MouseButton.LeftButton)
    home.pool.list.setCurrentIndex(home.pool.list.sessions.index(0))
    qtbot.keyClick(home.pool.list, Qt.Key.Key_Delete)
    await until(lambda: len(asked) == 2)
    assert asked == ["idle", 41]


async def test_the_stretch_is_remembered(home: HomePage, qtbot: QtBot) -> None:
    settings = home.bridge.control.settings
    qtbot.mouseClick(home.traffic.findChildren(QPushButton)[1], Qt.MouseButton.LeftButton)
    assert settings.get(GRAPH_MINUTES) == 5
    settings.set(GRAPH_MINUTES, 10)
    assert home.traffic.graph.minutes == home.pool.graph.minutes == 10


async def test_the_address_is_copied(home: HomePage, qtbot: QtBot) -> None:
    said: list[Message] = []
    home.bridge.message.connect(said.append)
    qtbot.mouseClick(home.local.copy, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("127.0.0.1:")
    assert copied in plain(home.local.address.text())
    assert said[0].kind == "good"


async def test_the_terminal_command_is_copied(home: HomePage) -> None:
    said: list[Message] = []
    home.bridge.message.connect(said.append)
    home.local.menu.actions()[0].trigger()
    await until(lambda: said)
    assert QGuiApplication.clipboard().text().startswith("export http_proxy=")


async def test_privacy_hides_every_name(home: HomePage) -> None:
    home.bridge.control.settings.set(PRIVACY, True)
    failure = NothingListens("berlin.example.org", 443)
    become(home, State.DEGRADED, passed("tcp"), failure)
    sampled(home, session(1, "active"))
    home.pool.list.setCurrentIndex(home.pool.list.sessions.index(0))
    shown = [home.header.headline, home.header.line, home.header.stages.sentence, home.pool.details]
    words = " ".join(label.text() for label in shown) + home.pool.list.sessions.data(home.pool.list.sessions.index(0))
    for name in ("Berlin", "example", "203.0.113.9"):
        assert name not in words
    home.bridge.control.settings.set(PRIVACY, False)
    assert "Berlin" in home.header.headline.text()


async def test_nothing_is_shown_while_nobody_looks(home: HomePage) -> None:
    home.hide()
    become(home, State.ON, passed(*PROVED))
    sampled(home, session(1))
    assert home.header.headline.text() == "Berlin · off"
    assert home.pool.list.sessions.rowCount() == 0
    home.show()
    assert home.header.headline.text() == "Berlin · on"
    assert home.pool.list.sessions.rowCount() == 1


async def test_without_a_profile_it_says_how_to_get_one(bridge: Bridge, qtbot: QtBot) -> None:
    page = HomePage(bridge)
    qtbot.addWidget(page)
    page.show()
    assert page.stack.currentIndex() == 1
    said: list[Message] = []
    bridge.message.connect(said.append)
    QGuiApplication.clipboard().setText("nothing useful")
    qtbot.mouseClick(page.paste, Qt.MouseButton.LeftButton)
    await until(lambda: said)
    assert "anytls://" in said[0].text


async def test_a_first_profile_brings_the_page(bridge: Bridge, the_desk: Desk, qtbot: QtBot) -> None:
    page = HomePage(bridge)
    qtbot.addWidget(page)
    page.show()
    await the_desk.add("Berlin")
    assert page.stack.currentIndex() == 0
    assert page.header.headline.text() == "Berlin · off"


async def test_the_demo_is_tried(bridge: Bridge, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def start_demo(_self: Bridge) -> None:
        asked.append("demo")

    monkeypatch.setattr(Bridge, "start_demo", start_demo)
    page = HomePage(bridge)
    qtbot.addWidget(page)
    qtbot.mouseClick(page.demo, Qt.MouseButton.LeftButton)
    await until(lambda: asked)


async def test_the_profile_form_opens_where_it_helps(home: HomePage, qtbot: QtBot) -> None:
    from app.ui.profile_form import ProfileForm

    become(home, State.FAILED, (), ClosedSilently("berlin.example.org", 443))
    qtbot.mouseClick(home.header.stages.button, Qt.MouseButton.LeftButton)
    form = home.findChild(ProfileForm)
    assert form is not None
    form.close()


@pytest.mark.parametrize("state", [State.OFF, State.ON, State.FAILED])
@pytest.mark.parametrize("size", [(296, 480), (560, 480), (1000, 800), (1200, 800)])
async def test_it_fits_any_window(home: HomePage, themed: None, size: tuple[int, int], state: State) -> None:
    failure = ClosedSilently("berlin.example.org", 443) if state is State.FAILED else None
    home.resize(*size)
    become(home, state, passed("tcp", "tls"), failure)
    if state is State.ON:
        sampled(home, *(session(number, "active") for number in range(1, 9)))
    QApplication.processEvents()
    QApplication.processEvents()
    assert (home.width(), home.height()) == size
    for part in (home.header, home.traffic, home.pool, home.local):
        assert part.width() <= size[0], part
    inside = home.traffic.parentWidget()
    assert inside is not None
    assert inside.minimumSizeHint().width() <= size[0]


async def test_every_control_has_a_name(home: HomePage) -> None:
    become(home, State.FAILED, (), NothingListens("a.example", 443))
    sampled(home, session(1))
    for button in home.findChildren(QPushButton):
        assert button.accessibleName() or button.text(), button
    for part in (home.header.power, home.traffic.graph, home.pool.graph, home.pool.list, home.local.address):
        assert part.accessibleName(), part


async def test_words_follow_the_language(home: HomePage) -> None:
    home.demo.setText("")
    home.header.headline.setText("")
    QApplication.sendEvent(home, QEvent(QEvent.Type.LanguageChange))
    assert home.demo.text() == "Try the demo"
    assert home.header.headline.text() == "Berlin · off"
