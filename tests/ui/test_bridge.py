"""Client → signals, clicks → tasks, failures → messages."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.client.state import State
from app.errors import (
    BadFile,
    EngineCrashed,
    Failure,
    NoProfile,
    NothingListens,
    PasswordMissing,
    TargetRefused,
    UnlockCancelled,
)
from app.logs import LogRing
from app.storage.settings import CHECK_PAGE, LISTEN_PORT, PRIVACY, THEME
from app.ui.bridge import Bridge, Sample
from tests.fakes.desk import Desk, desk, profile, profile_of
from tests.fakes.peers import PASSWORD
from tests.fakes.servers import anytls_server
from tests.fakes.targets import echo_target
from tests.fakes.waiting import until

LINK = "anytls://secret@berlin.example.org/?insecure=1#Berlin"


class Heard:
    """Everything that a signal has told."""

    def __init__(self, signal: Any) -> None:
        self.all: list[Any] = []
        signal.connect(lambda *told: self.all.append(told[0] if told else None))


async def test_a_task_that_fails_becomes_a_message(bridge: Bridge) -> None:
    messages = Heard(bridge.message)
    bridge.run(bridge.control.connect(), "connect")
    await until(lambda: messages.all)
    assert messages.all[0].text == str(NoProfile())


async def test_a_message_leads_to_its_line_of_the_log(bridge: Bridge, caplog: pytest.LogCaptureFixture) -> None:
    messages, asked = Heard(bridge.message), Heard(bridge.log_asked)
    bridge.run(bridge.control.connect(), "connect")
    await until(lambda: messages.all)
    assert str(NoProfile()) in caplog.text
    assert messages.all[0].action
    messages.all[0].run()
    assert asked.all == [str(NoProfile())]


async def test_what_the_person_gave_is_not_in_the_log(bridge: Bridge, caplog: pytest.LogCaptureFixture) -> None:
    messages = Heard(bridge.message)
    bridge.run(bridge.control.change(LISTEN_PORT, 0), "change")
    await until(lambda: messages.all)
    assert not messages.all[0].action
    assert caplog.text == ""


async def test_what_follows_is_done_only_after_success(bridge: Bridge) -> None:
    done: list[str] = []

    async def fail() -> None:
        raise BadFile("it is a folder", "x")

    bridge.run(fail(), "fail", lambda: done.append("never"))
    bridge.run(asyncio.sleep(0), "work", lambda: done.append("then"))
    await until(lambda: done)
    await asyncio.sleep(0)
    assert done == ["then"]


async def test_a_change_of_mind_is_no_message(bridge: Bridge) -> None:
    messages = Heard(bridge.message)

    async def cancelled() -> None:
        raise UnlockCancelled

    over = Heard(bridge.quit_asked)
    bridge.run(cancelled(), "unlock")

    async def after() -> None:
        bridge.quit_asked.emit()

    bridge.run(after(), "after")
    await until(lambda: over.all)
    assert messages.all == []


async def test_a_defect_is_told_to_whoever_shows_it(the_desk: Desk) -> None:
    defects: list[BaseException] = []
    bridge = Bridge(the_desk.control, LogRing(), defects.append)

    async def defect() -> None:
        raise ZeroDivisionError

    bridge.run(defect(), "defect")
    await until(lambda: defects)
    assert isinstance(defects[0], ZeroDivisionError)
    await bridge.close()


async def test_a_port_that_is_taken_asks(bridge: Bridge, the_desk: Desk) -> None:
    await the_desk.add("Berlin")
    asked, messages = Heard(bridge.port_taken), Heard(bridge.message)
    async with echo_target() as taken:
        the_desk.settings.set(LISTEN_PORT, taken.port)
        bridge.run(bridge.control.connect(), "connect")
        await until(lambda: asked.all)
    assert asked.all[0].port == taken.port
    assert messages.all == []


async def test_text_with_links_asks_for_the_preview(bridge: Bridge) -> None:
    asked = Heard(bridge.import_asked)
    bridge.import_text(f"see {LINK} and no more")
    await until(lambda: asked.all)
    (candidate,) = asked.all[0]
    assert candidate.profile.name.startswith("Berlin")
    assert bridge.control.profiles.entries == ()  # nobody has said yes


async def test_files_are_read(bridge: Bridge, tmp_path: Path) -> None:
    asked = Heard(bridge.import_asked)
    (tmp_path / "links.txt").write_text(LINK, encoding="utf-8")
    bridge.import_files([tmp_path / "links.txt", tmp_path / "missing.txt"])
    await until(lambda: asked.all)
    good, bad = asked.all[0]
    assert good.profile.name == "Berlin"
    assert bad.problem


@pytest.mark.parametrize(
    "failure",
    [NothingListens("berlin.example.org", 443), PasswordMissing("Berlin"), TargetRefused("berlin.example.org?")],
)
async def test_messages_name_nobody_in_privacy_mode(bridge: Bridge, failure: Failure) -> None:
    async def fail() -> None:
        raise failure

    messages = Heard(bridge.message)
    bridge.control.settings.set(PRIVACY, True)
    bridge.run(fail(), "fail")
    await until(lambda: messages.all)
    assert "erlin" not in messages.all[0].text


async def test_text_without_a_link_is_said(bridge: Bridge) -> None:
    messages = Heard(bridge.message)
    bridge.import_text("nothing here")
    await until(lambda: messages.all)
    assert messages.all[0].kind == "warn"


async def test_what_is_there_already_is_marked(bridge: Bridge) -> None:
    asked = Heard(bridge.import_asked)
    bridge.import_text(LINK)
    await until(lambda: asked.all)
    await bridge.control.add(asked.all[0])
    bridge.import_text(LINK)
    await until(lambda: len(asked.all) == 2)
    assert [found[0].duplicate_of for found in asked.all] == ["", "Berlin"]


async def test_an_open_keyring_tells_another_password_from_a_repeat(
    bridge: Bridge, the_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Heard(bridge.import_asked)
    await the_desk.profiles.add(profile("Berlin"), ("old",))
    opened: list[bool] = []

    async def unlock_unasked() -> bool:
        opened.append(True)
        return True

    monkeypatch.setattr(the_desk.vault, "unlock_unasked", unlock_unasked)
    bridge.import_text("anytls://new@berlin.example.org:443/#New anytls://old@berlin.example.org:443/#Old")
    await until(lambda: asked.all)
    assert [one.duplicate_of for one in asked.all[0]] == ["", "Berlin"]
    assert opened == [True]


async def test_changes_are_told(bridge: Bridge, the_desk: Desk) -> None:
    profiles, settings, states = map(Heard, (bridge.profiles_changed, bridge.settings_changed, bridge.state_changed))
    (entry,) = await the_desk.add("Berlin")
    assert profiles.all
    the_desk.settings.set(THEME, "dark")
    assert settings.all == [THEME]
    await bridge.control.activate(entry.id)
    assert states.all


async def test_the_tunnel_is_looked_at_once_a_second_while_it_is_on(qtbot: Any, tmp_path: Path) -> None:
    async with desk(tmp_path) as one, anytls_server() as server:
        bridge = Bridge(one.control, LogRing(), lambda error: pytest.fail(str(error)))
        samples = Heard(bridge.sampled)
        entry = await one.profiles.add(profile_of(server), (PASSWORD,))
        await one.control.connect(entry.id)
        await until(lambda: any(sample.uptime is not None for sample in samples.all))
        sample: Sample = samples.all[-1]
        assert sample is bridge.sample
        assert sample.snapshot is not None
        assert len(sample.snapshot.sessions) == sum(sample.pool.history[-1][1:3])
        assert one.client._door is not None
        await one.client._door.stop()
        one.client._crashed(EngineCrashed("MemoryError"))
        assert one.client.state is State.FAILED
        assert bridge.sample.snapshot is None
        assert bridge.sample.uptime is None
        await one.control.connect(entry.id)
        await until(lambda: bridge.sample.snapshot is not None)
        await one.control.disconnect()
        assert bridge.sample.snapshot is None
        assert not bridge._timer.isActive()
        assert len(bridge.sample.pool.history) == 0
        await bridge.close()


async def test_the_demo_is_one_click(bridge: Bridge, the_desk: Desk) -> None:
    the_desk.settings.set(CHECK_PAGE, True)
    bridge.try_demo()
    await until(lambda: the_desk.client.state is State.ON)
    (entry,) = the_desk.profiles.entries
    assert entry.temporary
    assert the_desk.control.active == the_desk.profiles.get(entry.id)
    await bridge.control.disconnect()
    await bridge.start_demo()  # the same once more
    assert len(the_desk.profiles.entries) == 1
    await until(lambda: the_desk.client.state is State.ON)


async def test_the_demo_takes_another_port_where_its_own_is_taken(bridge: Bridge, the_desk: Desk) -> None:
    messages = Heard(bridge.message)
    async with echo_target() as taken:
        the_desk.settings.set(LISTEN_PORT, taken.port)
        bridge.try_demo()
        await until(lambda: messages.all)
        assert str(the_desk.client.address) in messages.all[0].text
        await bridge.control.disconnect()


async def test_nothing_is_left_after_close(qtbot: Any, tmp_path: Path) -> None:
    async with desk(tmp_path) as one:
        bridge = Bridge(one.control, LogRing(), lambda error: pytest.fail(str(error)))
        bridge.try_demo()
        await until(lambda: one.client.state is State.ON)
        bridge.run(asyncio.sleep(60), "sleep")
        await bridge.close()
        assert one.client.state is State.OFF
        assert not bridge._timer.isActive()
