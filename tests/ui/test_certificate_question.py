"""A rejected certificate is shown with what one needs to know it again, and pinned only where somebody says so."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.client.form import ProfileDraft
from app.client.state import State
from app.client.trust import facts_of
from app.errors import BadInput, CertificateRejected, CertificateSelfSigned, NoProfile, PinMismatch
from app.storage.profiles import ProfileServer
from app.storage.settings import PRIVACY
from app.ui.bridge import Bridge
from app.ui.certificate_question import CertificateQuestion, ask_to_trust, offer_to_look, switch_to
from app.ui.messages import Message
from tests.fakes import certificates
from tests.fakes.certificates import Identity
from tests.fakes.desk import Desk, profile, profile_of
from tests.fakes.servers import anytls_server
from tests.fakes.waiting import settle, until

T = TypeVar("T")

PINNED = bytes(range(32))


def der(one: Identity) -> bytes:
    return one.certificate.public_bytes(Encoding.DER)


SELF_SIGNED = CertificateSelfSigned("berlin.example.org", 443, "localhost", certificate=der(certificates.self_signed()))
MISMATCH = PinMismatch(
    "berlin.example.org", 443, certificates.good().pin.hex(), pinned=PINNED.hex(), certificate=der(certificates.good())
)
KEY_MISMATCH = replace(MISMATCH, reason=certificates.good().spki_pin.hex())


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def messages(bridge: Bridge) -> list[Message]:
    told: list[Message] = []
    bridge.message.connect(told.append)
    return told


def begin(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    return asyncio.create_task(work)


async def question(window: QWidget, failure: CertificateRejected, servers: int = 1) -> CertificateQuestion:
    return CertificateQuestion(window, failure, await facts_of(failure), servers)


async def opened(window: QWidget) -> CertificateQuestion:
    def find() -> list[CertificateQuestion]:
        return [one for one in window.findChildren(CertificateQuestion) if one.isVisible()]

    await until(find)
    return find()[0]


def pairs(digest: bytes) -> str:
    return digest.hex(":").upper()


def shown(value: str) -> str:
    """A fingerprint as it is written on one line."""
    return value.replace("\n", ":")


async def test_it_shows_who_for_what_and_how_long(window: QWidget) -> None:
    made = await question(window, SELF_SIGNED)
    texts = {name: fact.value.text() for name, fact in made.facts.items()}
    assert texts["subject"] == "localhost"
    assert texts["issuer"] == "localhost (itself)"
    assert texts["names"] == "localhost, server.test, 127.0.0.1, ::1"
    until_when = certificates.self_signed().certificate.not_valid_after_utc.astimezone()
    assert f"{until_when:%Y-%m-%d %H:%M}" in texts["until"]
    assert "(in 23 h)" in texts["until"] or "(in 1 d)" in texts["until"]
    assert "ago)" in texts["from"]
    assert str(SELF_SIGNED) == made.explanation.text()
    assert shown(made.sha256.value.text()) == pairs(certificates.self_signed().pin)
    assert not made.pinned.isVisibleTo(made)
    assert not made.shown.isVisibleTo(made)


@pytest.mark.parametrize("made_by", [certificates.expired, certificates.not_yet_valid])
async def test_the_date_that_is_wrong_is_red(window: QWidget, made_by: Any) -> None:
    made = await question(window, replace(SELF_SIGNED, certificate=der(made_by())))
    red = {name for name, fact in made.facts.items() if fact.value.property("role") == "bad"}
    assert red == ({"until"} if made_by is certificates.expired else {"from"})


@pytest.fixture(params=["UTC-14", "UTC+12"])  # POSIX has the sign the other way round
def far_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone cannot be chosen here")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_zone")
async def test_the_first_and_the_last_of_all_dates_are_shown_everywhere(window: QWidget) -> None:
    """RFC 5280 §4.1.2.5 knows the last one as that of a certificate without an end."""
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    facts = replace(await facts_of(SELF_SIGNED), not_before=first, not_after=last)
    asked = CertificateQuestion(window, SELF_SIGNED, facts)
    assert "1-01-01" in asked.facts["from"].value.text()
    assert "9999-12-31" in asked.facts["until"].value.text()


async def test_many_names_are_counted(window: QWidget) -> None:
    facts = replace(await facts_of(SELF_SIGNED), names=tuple(f"n{number}.example" for number in range(9)))
    made = CertificateQuestion(window, SELF_SIGNED, facts)
    assert made.facts["names"].value.text().endswith("n5.example and 3 more")
    nameless = CertificateQuestion(window, SELF_SIGNED, replace(facts, names=()))
    assert nameless.facts["names"].value.text() == "no name"


async def test_a_strangers_text_is_no_markup(window: QWidget) -> None:
    facts = replace(await facts_of(SELF_SIGNED), subject="<b>bold</b>")
    made = CertificateQuestion(window, SELF_SIGNED, facts)
    assert made.facts["subject"].value.textFormat() is Qt.TextFormat.PlainText


async def test_what_can_be_copied_is_selectable_and_the_form_takes_it(window: QWidget) -> None:
    made = await question(window, SELF_SIGNED)
    for fact in (*made.facts.values(), made.sha256):
        assert fact.value.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
    draft = ProfileDraft.of(profile("n", "berlin.example.org"))
    pinned = replace(draft, verification="pin", pin=made.sha256.value.text()).profile()
    assert pinned.certificate_pin == certificates.self_signed().pin


async def test_another_certificate_than_the_pinned_one_is_a_stronger_warning(window: QWidget) -> None:
    made = await question(window, MISMATCH)
    assert made.title.text() == "This is not the pinned certificate"
    assert made.warning.property("role") == "bad"
    assert "pretending to be the server" in made.warning.text()
    assert made.buttons["trust"].property("kind") == "danger"
    assert shown(made.pinned.value.text()) == pairs(PINNED)
    assert shown(made.sha256.value.text()) == pairs(certificates.good().pin)
    assert made.sha256.title.text() == "Shown: SHA-256"
    assert not made.shown.isVisibleTo(made)
    usual = await question(window, SELF_SIGNED)
    assert usual.warning.property("role") == "warn"
    assert usual.buttons["trust"].property("kind") == ""


async def test_a_pinned_key_is_compared_with_the_key(window: QWidget) -> None:
    made = await question(window, KEY_MISMATCH)
    assert made.pinned.title.text() == "Pinned: SHA-256 of the key"
    assert shown(made.shown.value.text()) == pairs(certificates.good().spki_pin)
    assert made.shown.isVisibleTo(made)
    assert made.sha256.title.text() == "SHA-256"


@pytest.mark.parametrize(("servers", "said"), [(1, False), (3, True)])
async def test_one_pin_for_several_servers_is_said(window: QWidget, servers: int, said: bool) -> None:
    made = await question(window, SELF_SIGNED, servers)
    assert made.several.isVisibleTo(made) is said
    assert f"{servers} servers" in made.several.text()


@pytest.mark.parametrize("failure", [SELF_SIGNED, MISMATCH])
async def test_enter_does_not_trust(
    window: QWidget, qtbot: QtBot, bridge: Bridge, the_desk: Desk, failure: CertificateRejected
) -> None:
    (entry,) = await the_desk.add("Berlin")
    trusted = begin(ask_to_trust(bridge, entry.id, failure, window))
    made = await opened(window)
    assert made.focusWidget() is made.buttons[""]
    qtbot.keyClick(made, Qt.Key.Key_Return)
    assert await trusted is False
    assert the_desk.profiles.get(entry.id).profile.verification == "system"


async def test_what_is_trusted_is_pinned(window: QWidget, qtbot: QtBot, bridge: Bridge, the_desk: Desk) -> None:
    two = replace(
        profile("Two", "berlin.example.org"), servers=(ProfileServer("berlin.example.org"), ProfileServer("b.example"))
    )
    entry = await the_desk.profiles.add(two, ("x", "y"), "Mine")
    trusted = begin(ask_to_trust(bridge, entry.id, SELF_SIGNED, window))
    made = await opened(window)
    assert made.several.isVisible()
    qtbot.mouseClick(made.buttons["trust"], Qt.MouseButton.LeftButton)
    assert await trusted is True
    after = the_desk.profiles.get(entry.id)
    assert (after.profile.verification, after.profile.certificate_pin) == ("pin", certificates.self_signed().pin)
    assert (after.group, await the_desk.profiles.passwords(entry.id)) == ("Mine", ("x", "y"))


async def test_what_cannot_be_read_cannot_be_trusted(window: QWidget, bridge: Bridge, the_desk: Desk) -> None:
    (entry,) = await the_desk.add("Berlin")
    with pytest.raises(BadInput, match="cannot be read"):
        await ask_to_trust(bridge, entry.id, replace(SELF_SIGNED, certificate=b"junk"), window)


async def test_a_profile_that_is_gone_or_leads_elsewhere_is_not_asked_about(
    window: QWidget, bridge: Bridge, the_desk: Desk
) -> None:
    """What was rejected may stand on the screen for long."""
    (entry,) = await the_desk.add("Paris")
    with pytest.raises(BadInput, match="this profile does not lead to"):
        await ask_to_trust(bridge, entry.id, SELF_SIGNED, window)
    await the_desk.profiles.remove([entry.id])
    with pytest.raises(NoProfile):
        await ask_to_trust(bridge, entry.id, SELF_SIGNED, window)


async def test_a_profile_that_leads_elsewhere_meanwhile_trusts_nobody(
    window: QWidget, qtbot: QtBot, bridge: Bridge, the_desk: Desk
) -> None:
    (entry,) = await the_desk.add("Berlin")
    trusted = begin(ask_to_trust(bridge, entry.id, SELF_SIGNED, window))
    made = await opened(window)
    await the_desk.profiles.edit(entry.id, profile("Berlin", "elsewhere.example"), None, "")
    qtbot.mouseClick(made.buttons["trust"], Qt.MouseButton.LeftButton)
    with pytest.raises(BadInput, match="this profile does not lead to"):
        await trusted
    assert the_desk.profiles.get(entry.id).profile.verification == "system"


@pytest.mark.parametrize("answer", ["trust", ""])
async def test_the_offer_is_a_message_with_a_button(
    window: QWidget, qtbot: QtBot, bridge: Bridge, the_desk: Desk, messages: list[Message], answer: str
) -> None:
    (entry,) = await the_desk.add("Berlin")
    again: list[str] = []
    offer_to_look(bridge, entry.id, SELF_SIGNED, window, lambda: again.append("again"))
    (message,) = messages
    assert (message.text, message.kind, message.action) == (str(SELF_SIGNED), "bad", "Look at the certificate…")
    assert message.run is not None
    message.run()
    made = await opened(window)
    qtbot.mouseClick(made.buttons[answer], Qt.MouseButton.LeftButton)
    await until(lambda: not window.findChildren(CertificateQuestion))
    if answer == "trust":
        await until(lambda: again)
        assert the_desk.profiles.get(entry.id).profile.verification == "pin"
    else:
        await settle()
        assert not again


async def test_the_offer_masks_names_where_they_are_hidden(
    window: QWidget, bridge: Bridge, the_desk: Desk, messages: list[Message]
) -> None:
    (entry,) = await the_desk.add("Berlin")
    await the_desk.control.change(PRIVACY, True)
    offer_to_look(bridge, entry.id, SELF_SIGNED, window, lambda: None)
    assert "berlin.example.org" not in messages[0].text
    assert "localhost" not in messages[0].text


async def test_a_switch_that_meets_a_rejected_certificate_offers_to_look(
    window: QWidget, qtbot: QtBot, bridge: Bridge, the_desk: Desk, messages: list[Message]
) -> None:
    async with anytls_server() as server:
        good = await the_desk.profiles.add(profile_of(server), (server.password,))
        entry = await the_desk.profiles.add(
            replace(profile_of(server, "Wrong"), certificate_pin=PINNED), (server.password,)
        )
        await the_desk.control.connect(good.id)
        await until(lambda: the_desk.client.state is State.ON)
        switch_to(bridge, entry.id, window)
        await until(lambda: messages)
        assert messages[0].run is not None
        messages[0].run()
        qtbot.mouseClick((await opened(window)).buttons["trust"], Qt.MouseButton.LeftButton)
        await until(lambda: the_desk.control.active is not None and the_desk.control.active.id == entry.id)
        await until(lambda: not the_desk.control.busy)
        await the_desk.control.disconnect()


async def test_what_else_stands_in_the_way_of_a_switch_is_told(
    window: QWidget, bridge: Bridge, the_desk: Desk, messages: list[Message]
) -> None:
    async with anytls_server() as server:
        good = await the_desk.profiles.add(profile_of(server), (server.password,))
        nowhere = await the_desk.profiles.add(profile("Nowhere", "127.0.0.1", 1), ("x",))
        await the_desk.control.connect(good.id)
        await until(lambda: the_desk.client.state is State.ON)
        switch_to(bridge, nowhere.id, window)
        await until(lambda: messages)
        assert messages[0].action == "Show in the log"
        await the_desk.control.disconnect()


async def test_another_language_is_followed(window: QWidget) -> None:
    made = await question(window, KEY_MISMATCH)
    labels, buttons = (made.sha256.title, made.warning, made.title), tuple(made.buttons.values())
    for label in labels:
        label.setText("?")
    for button in buttons:
        button.setText("?")
    QApplication.sendEvent(made, QEvent(QEvent.Type.LanguageChange))
    assert "?" not in [*(label.text() for label in labels), *(button.text() for button in buttons)]
