"""Tests of profiles side by side."""

from dataclasses import replace

import pytest

from app.errors import CertificateRejected, NoProfile
from app.storage.passwords import Protection
from app.ui.bridge import Bridge
from app.ui.messages import Message
from app.ui.profile_tests import ProfileTests
from tests.fakes.desk import Desk, profile, profile_of
from tests.fakes.peers import PASSWORD
from tests.fakes.servers import anytls_server
from tests.fakes.waiting import until

pytestmark = pytest.mark.usefixtures("vault_here")


@pytest.fixture
def tests(bridge: Bridge) -> ProfileTests:
    return ProfileTests(bridge)


@pytest.fixture
def messages(bridge: Bridge) -> list[Message]:
    told: list[Message] = []
    bridge.message.connect(told.append)
    return told


async def ended(tests: ProfileTests) -> None:
    await until(lambda: not tests.under_way)


async def test_a_server_that_answers_gets_a_latency(tests: ProfileTests, the_desk: Desk) -> None:
    seen: list[set[str]] = []
    tests.changed.connect(lambda: seen.append(set(tests.under_way)))
    async with anytls_server() as server:
        entry = await the_desk.profiles.add(profile_of(server), (PASSWORD,))
        tests.start([entry.id, "nobody"])
        assert tests.under_way == {entry.id}
        await ended(tests)
    assert (the_desk.profiles.get(entry.id).latency_ms or 0) > 0
    assert seen == [{entry.id}, set()]


async def test_many_end_one_by_one(tests: ProfileTests, the_desk: Desk, messages: list[Message]) -> None:
    closed = [(profile(f"N{number}", "127.0.0.1", 1), ("x",)) for number in range(20)]
    entries = await the_desk.profiles.add_many(closed)
    tests.start([entry.id for entry in entries])
    tests.start([entries[0].id])  # is under way
    assert len(tests.under_way) == 20
    await ended(tests)
    assert all(entry.problem for entry in the_desk.profiles.entries)
    assert messages == []


@pytest.mark.parametrize("count", [1, 2])
async def test_a_rejected_certificate_can_be_looked_at_where_one_was_tested(
    tests: ProfileTests, the_desk: Desk, count: int
) -> None:
    told: list[tuple[str, CertificateRejected]] = []
    tests.rejected.connect(lambda entry_id, failure: told.append((entry_id, failure)))
    async with anytls_server() as server:
        checked = replace(profile_of(server), verification="system", certificate_pin=None, server_name="server.test")
        entries = await the_desk.profiles.add_many([(checked, (PASSWORD,))] * count)
        tests.start([entry.id for entry in entries])
        await ended(tests)
    assert all(entry.problem for entry in the_desk.profiles.entries)
    assert [entry_id for entry_id, _ in told] == ([entries[0].id] if count == 1 else [])
    assert all(failure.certificate for _, failure in told)


async def test_those_without_a_password_are_left_out_of_many(
    tests: ProfileTests, the_desk: Desk, messages: list[Message]
) -> None:
    known = await the_desk.profiles.add(profile("Known", "127.0.0.1", 1), ("x",))
    unknown = await the_desk.profiles.add(profile("Unknown", "127.0.0.1", 1), ("",))
    tests.start([unknown.id, known.id])
    await ended(tests)
    assert the_desk.profiles.get(known.id).problem
    assert not the_desk.profiles.get(unknown.id).problem
    assert [one.key for one in messages] == ["tests"]
    assert the_desk.answers.asked == []


async def test_one_alone_is_asked_for(tests: ProfileTests, the_desk: Desk, messages: list[Message]) -> None:
    unknown = await the_desk.profiles.add(profile("Unknown", "127.0.0.1", 1), ("",))
    tests.start([unknown.id])
    await ended(tests)
    assert the_desk.answers.asked == ["password of Unknown"]
    assert messages == []  # never mind is no failure


async def test_a_locked_vault_is_asked_for_once(tests: ProfileTests, the_desk: Desk, messages: list[Message]) -> None:
    the_desk.answers.master = ["master"]
    await the_desk.vault.change_protection(Protection.MASTER)
    entries = await the_desk.profiles.add_many([(profile(f"N{n}", "127.0.0.1", 1), ("x",)) for n in range(5)])
    the_desk.vault.lock()
    the_desk.answers.asked.clear()
    the_desk.answers.master = [None]
    tests.start([entry.id for entry in entries])
    await ended(tests)
    assert the_desk.answers.asked == ["master"]
    assert not any(entry.problem for entry in the_desk.profiles.entries)
    assert messages == []


async def test_a_failure_is_told(
    tests: ProfileTests, the_desk: Desk, messages: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    (gone,) = await the_desk.add("Gone")

    async def missing(entry_id: str) -> None:
        await the_desk.profiles.remove([entry_id])
        the_desk.control._entry(entry_id)

    monkeypatch.setattr(the_desk.control, "test", missing)
    tests.start([gone.id])
    await ended(tests)
    assert [one.text for one in messages] == [str(NoProfile())]
