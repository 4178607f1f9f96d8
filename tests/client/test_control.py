"""The verbs that tray, window and command line have in common."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.client.importing import candidates
from app.client.state import State
from app.engine.options import EngineOptions, LocalOptions
from app.engine.stages import StageResult
from app.errors import (
    BadInput,
    CertificateRejected,
    ClosedSilently,
    DialFailed,
    ListenFailed,
    NoProfile,
    UnlockCancelled,
)
from app.protocols.address import Address
from app.storage.settings import (
    ACTIVE_PROFILE,
    ALLOW_LAN,
    AUTOSTART,
    CHECK_PAGE,
    LISTEN_PORT,
    LOCAL_AUTH,
    LOCAL_USER,
    ON_SWITCH,
    PAGE_URL,
    THEME,
)
from app.system import autostart
from tests.end_to_end.apps import socks_connection
from tests.end_to_end.programs import free_port
from tests.fakes import certificates
from tests.fakes.desk import Desk, desk, profile, profile_of
from tests.fakes.listening import closed_port, deaf
from tests.fakes.peers import PASSWORD
from tests.fakes.servers import anytls_server
from tests.fakes.targets import echo_target
from tests.fakes.waiting import until


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as made:
        yield made


@pytest.fixture
async def here(one: Desk) -> AsyncIterator[str]:
    """The id of a profile whose server answers."""
    async with anytls_server() as server:
        yield (await one.profiles.add(profile_of(server), (PASSWORD,))).id
        await one.control.disconnect()


@pytest.fixture
async def there(one: Desk) -> AsyncIterator[str]:
    """The id of another one."""
    async with anytls_server() as server:
        yield (await one.profiles.add(profile_of(server, "There"), (PASSWORD,))).id
        await one.control.disconnect()


async def test_without_a_profile_there_is_nothing_to_turn_on(one: Desk) -> None:
    with pytest.raises(NoProfile):
        await one.control.connect()
    with pytest.raises(NoProfile):
        await one.control.activate("nobody")
    assert one.client.state is State.OFF
    assert one.control.active is None


async def test_on_and_off(one: Desk, here: str) -> None:
    await one.control.connect(here)
    await until(lambda: one.client.state is State.ON)
    assert one.control.is_on
    assert one.control.active is not None
    assert one.control.active.id == here
    assert one.control.active.used_at is not None
    assert one.settings.get(ACTIVE_PROFILE) == here
    await one.control.disconnect()
    assert one.client.state is State.OFF
    assert not one.control.is_on


async def test_toggle(one: Desk, here: str) -> None:
    await one.control.toggle()
    await until(lambda: one.client.state is State.ON)
    await one.control.toggle()
    assert one.client.state is State.OFF


async def test_while_it_is_off_a_switch_only_marks_the_profile(one: Desk) -> None:
    first, second = await one.add("Berlin", "Paris")
    await one.control.activate(second.id)
    assert one.control.active == second
    assert one.client.state is State.OFF
    await one.control.activate(first.id)
    assert one.control.active == first


async def test_the_new_profile_proves_itself_before_the_old_one_lets_go(one: Desk, here: str, there: str) -> None:
    await one.control.connect(here)
    await until(lambda: one.client.state is State.ON)
    await one.control.activate(there)
    assert one.client.state is State.ON
    assert one.control.active is not None
    assert one.control.active.id == there
    assert one.answers.asked == []  # nothing was open


async def test_the_profile_that_is_used_is_switched_to_only_once_it_is_another(one: Desk, here: str) -> None:
    await one.control.connect(here)
    await until(lambda: one.client.state is State.ON)
    before = one.client.stages
    await one.control.activate(here)
    assert one.client.stages is before  # nothing was proved anew
    entry = one.profiles.get(here)
    await one.profiles.edit(here, replace(entry.profile, client_name="other"), None, "")
    await one.control.activate(here)
    assert one.client.stages is not before


async def test_a_certificate_is_trusted_by_pinning_it(one: Desk) -> None:
    async with anytls_server() as server:
        before = replace(profile_of(server), verification="system", certificate_pin=None, server_name="server.test")
        entry = await one.profiles.add(before, (PASSWORD,), group="Mine")
        *_, failed = await one.control.test(entry.id)
        assert isinstance(failed.error, CertificateRejected)
        trusted = await one.control.trust(entry.id, failed.error)
        assert (trusted.profile.verification, trusted.profile.certificate_pin) == ("pin", certificates.good().pin)
        assert (trusted.group, await one.profiles.passwords(entry.id)) == ("Mine", (PASSWORD,))
        assert all(stage.ok for stage in await one.control.test(entry.id))
    with pytest.raises(NoProfile):
        await one.control.trust("nobody", failed.error)


async def test_a_proof_takes_the_place_of_a_test_that_failed(one: Desk, here: str, there: str) -> None:
    for entry_id in (here, there):
        await one.profiles.note_latency(entry_id, None, "Nothing listens there.")
    await one.control.note_proof()
    assert one.profiles.get(here).problem
    await one.control.connect(here)
    await until(lambda: one.client.state is State.ON)
    await one.control.note_proof()
    assert (one.profiles.get(here).problem, one.profiles.get(there).problem) == ("", "Nothing listens there.")
    assert (one.profiles.get(here).latency_ms or 0.0) > 0
    await one.control.activate(there)
    assert one.profiles.get(there).problem == ""


async def test_a_taken_port_does_not_change_which_profile_was_chosen(one: Desk, here: str, there: str) -> None:
    await one.control.activate(here)
    async with echo_target() as taken:
        one.settings.set(LISTEN_PORT, taken.port)
        with pytest.raises(ListenFailed):
            await one.control.connect(there)
        await one.control.use_free_port()
    await until(lambda: one.client.state is State.ON)
    assert one.control.active is not None
    assert one.control.active.id == there


async def test_a_profile_that_fails_leaves_the_old_one_on(one: Desk, here: str) -> None:
    await one.control.connect(here)
    await until(lambda: one.client.state is State.ON)
    dead = closed_port()
    other = await one.profiles.add(profile("Dead", dead.host, dead.port), ("x",))
    with pytest.raises(DialFailed):
        await one.control.activate(other.id)
    assert one.client.state is State.ON
    assert one.control.active is not None
    assert one.control.active.id == here


@pytest.mark.parametrize("choice", ["drain", "close", None])
async def test_open_connections_are_asked_about(one: Desk, here: str, there: str, choice: str | None) -> None:
    await one.control.connect(here)
    await until(lambda: one.client.state is State.ON)
    assert one.client.address is not None
    one.answers.connections = choice  # type: ignore[assignment]  # one of the three
    async with echo_target() as target, socks_connection(one.client.address.port, *target) as (reader, writer):
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        await one.control.activate(there)
        assert one.answers.asked == ["1 connections"]
        if choice == "close":
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        else:
            writer.write(b"y")
            assert await reader.readexactly(1) == b"y"
        assert one.control.active is not None
        assert one.control.active.id == (there if choice else here)


@pytest.mark.parametrize("choice", ["drain", "close"])
async def test_nobody_is_asked_where_the_settings_know(one: Desk, here: str, there: str, choice: str) -> None:
    one.settings.set(ON_SWITCH, choice)
    await one.control.connect(here)
    await until(lambda: one.client.state is State.ON)
    await one.control.activate(there)
    assert one.answers.asked == []


async def test_off_is_obeyed_while_a_server_does_not_answer(one: Desk, here: str) -> None:
    await one.control.connect(here)
    await until(lambda: one.client.state is State.ON)
    with deaf() as silent:
        other = await one.profiles.add(profile("Deaf", silent.host, silent.port), ("x",))
        switching = asyncio.create_task(one.control.activate(other.id))
        await until(lambda: one.control.busy)
        await asyncio.sleep(0.05)
        await one.control.disconnect()
        await switching  # it says nothing: another verb has taken its place
    assert one.client.state is State.OFF
    assert not one.control.busy


async def test_a_caller_that_is_cancelled_takes_its_verb_along(one: Desk) -> None:
    with deaf() as silent:
        entry = await one.profiles.add(profile("Deaf", silent.host, silent.port), ("x",))
        testing = asyncio.create_task(one.control.test(entry.id))
        await asyncio.sleep(0.05)
        testing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await testing


async def test_a_password_that_is_not_kept_is_asked_for_once(one: Desk) -> None:
    async with anytls_server() as server:
        entry = await one.profiles.add(profile_of(server), ("",))
        one.answers.password = PASSWORD
        await one.control.connect(entry.id)
        await until(lambda: one.client.state is State.ON)
        await one.control.disconnect()
        await one.control.connect(entry.id)
        assert one.answers.asked == ["password of Here"]
        await one.control.disconnect()


async def test_a_password_that_is_not_given_is_no_error_to_show(one: Desk) -> None:
    entry = await one.profiles.add(profile(), ("",))
    with pytest.raises(UnlockCancelled):
        await one.control.connect(entry.id)
    assert one.client.state is State.OFF


async def test_a_profile_is_tested_and_its_time_noted(one: Desk, here: str) -> None:
    told: list[StageResult] = []
    stages = await one.control.test(here, told.append)
    assert all(stage.ok for stage in stages)
    assert tuple(told) == stages
    entry = one.profiles.get(here)
    assert entry.latency_ms == pytest.approx(sum(stage.ms for stage in stages))
    assert entry.problem == ""


async def test_a_profile_that_fails_its_test_has_the_reason_noted(one: Desk, here: str) -> None:
    known = one.profiles.get(here)
    await one.profiles.edit(here, known.profile, ("wrong",), "")
    stages = await one.control.test(here)
    assert isinstance(stages[-1].error, ClosedSilently)
    assert one.profiles.get(here).problem == str(stages[-1].error)
    assert one.profiles.get(here).latency_ms is None


async def test_what_is_imported_is_marked_and_kept(one: Desk) -> None:
    text = "anytls://secret@berlin.example.org/#Berlin\nanytls://other@paris.example.org/#Paris\nanytls://bad"
    (first, *_) = await one.control.add(candidates(text.splitlines()[0]))
    assert first.profile.name == "Berlin"
    found = one.control.marked(candidates(text))
    assert [candidate.duplicate_of for candidate in found] == ["Berlin", "", ""]
    added = await one.control.add(found[1:])
    assert [entry.profile.name for entry in added] == ["Paris"]
    assert await one.profiles.passwords(added[0].id) == ("other",)


async def test_a_port_that_is_taken_and_the_next_free_one(one: Desk, here: str) -> None:
    async with echo_target() as taken:
        one.settings.set(LISTEN_PORT, taken.port)
        with pytest.raises(ListenFailed):
            await one.control.connect(here)
        assert one.client.state is State.OFF
        await one.control.use_free_port()
        assert one.client.address is not None
        assert one.settings.get(LISTEN_PORT) == one.client.address.port != taken.port
        await one.control.disconnect()


async def test_the_next_free_port_for_this_run_alone(one: Desk, here: str) -> None:
    async with echo_target() as taken:
        one.settings.set(LISTEN_PORT, taken.port)
        await one.control.use_free_port(here, keep=False)
        first = one.client.address
        assert one.settings.get(LISTEN_PORT) == taken.port
        await one.control.disconnect()
        await one.control.connect()
        assert one.client.address == first
        await one.control.disconnect()


async def test_another_port_is_listened_on_at_once(one: Desk, here: str) -> None:
    await one.control.connect(here)
    port = free_port()
    await one.control.change(LISTEN_PORT, port)
    assert one.client.address is not None
    assert one.client.address.port == port == one.settings.get(LISTEN_PORT)


async def test_a_port_that_cannot_be_had_changes_nothing(one: Desk, here: str) -> None:
    await one.control.connect(here)
    before = one.settings.get(LISTEN_PORT)
    async with echo_target() as taken:
        with pytest.raises(ListenFailed):
            await one.control.change(LISTEN_PORT, taken.port)
    with pytest.raises(BadInput):
        await one.control.change(LISTEN_PORT, 0)
    assert one.settings.get(LISTEN_PORT) == before
    assert one.client.address is not None
    assert one.client.address.port == before


async def test_other_computers_are_let_in_with_credentials_only(one: Desk, here: str) -> None:
    await one.control.connect(here)
    await one.control.change(ALLOW_LAN, True)
    assert one.client.address is not None
    assert one.client.address.host == "0.0.0.0"
    credentials = await one.control.local.credentials()
    assert credentials is not None
    assert len(credentials[1]) >= 12


async def test_credentials_hold_at_once(one: Desk, here: str) -> None:
    await one.control.connect(here)
    await until(lambda: one.client.state is State.ON)
    await one.control.set_local_password("opensesame")
    await one.control.change(LOCAL_USER, "anna")
    await one.control.change(LOCAL_AUTH, True)
    assert one.client.address is not None
    async with echo_target() as target:
        login = base64.b64encode(b"anna:opensesame").decode()
        for header, status in (("", b"407"), (f"Proxy-Authorization: Basic {login}\r\n", b"200")):
            reader, writer = await asyncio.open_connection(*one.client.address)
            writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{header}\r\n".encode())
            assert (await reader.readline()).split()[1] == status
            writer.close()


async def test_two_changes_at_once_do_not_undo_each_other(
    one: Desk, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the port of the second would be open to everybody while the settings say that apps have to log in."""
    await one.control.connect(here)
    listen, asked = one.client.listen, []

    async def slowly(local: LocalOptions) -> Address:
        asked.append(local)
        await asyncio.sleep(0.05)
        return await listen(local)

    monkeypatch.setattr(one.client, "listen", slowly)
    port = free_port()
    await asyncio.gather(one.control.change(LOCAL_AUTH, True), one.control.change(LISTEN_PORT, port))
    assert (asked[-1].port, asked[-1].credentials) == (port, await one.control.local.credentials())
    assert asked[-1].credentials is not None


async def test_a_change_while_it_is_just_starting_holds(one: Desk, here: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start, begun = one.client.start, asyncio.Event()

    async def slowly(options: EngineOptions) -> Address:
        begun.set()
        await asyncio.sleep(0.05)
        return await start(options)

    monkeypatch.setattr(one.client, "start", slowly)
    async with asyncio.TaskGroup() as group:
        group.create_task(one.control.connect(here))
        await begun.wait()
        await one.control.change(LOCAL_AUTH, True)
    async with echo_target() as target:
        assert one.client.address is not None
        reader, writer = await asyncio.open_connection(*one.client.address)
        writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        assert (await reader.readline()).split()[1] == b"407"
        writer.close()


async def test_settings_of_others_are_just_kept(one: Desk) -> None:
    await one.control.change(THEME, "dark")
    assert one.saved[-1]["theme"] == "dark"


async def test_start_at_login_is_told_to_the_system(one: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    await one.control.change(AUTOSTART, True)
    assert autostart.is_autostart()
    await one.control.change(AUTOSTART, False)
    assert not autostart.is_autostart()


async def test_the_options_of_the_profile_reach_the_engine(one: Desk, here: str) -> None:
    known = one.profiles.get(here)
    await one.profiles.edit(here, replace(known.profile, udp_mode="packet"), None, "")
    options = await one.control._options(one.profiles.get(here), None)
    assert not options.local.udp_connect
    assert options.page is None


async def test_a_page_of_its_own_proves_a_profile(one: Desk, here: str) -> None:
    one.settings.set(CHECK_PAGE, True)
    entry = one.profiles.get(here)
    assert (await one.control._options(entry, None)).page == one.settings.get(PAGE_URL)
    one.control.pages[here] = "http://127.0.0.1:1/"
    assert (await one.control._options(entry, None)).page == "http://127.0.0.1:1/"


async def test_status(one: Desk, here: str) -> None:
    status = await one.control.status()
    assert (status["state"], status["profile"], status["listen"], status["sessions"]) == ("off", "Here", None, [])
    await one.control.connect(here)
    await until(lambda: one.client.state is State.ON)
    status = await one.control.status()
    assert status["state"] == "on"
    assert status["listen"] == str(one.client.address)
    assert status["sessions"]
    assert PASSWORD not in str(status)
