import asyncio

import pytest

from app.client import prober
from app.client.prober import Prober
from app.engine.options import Timings
from app.engine.stages import StageResult
from app.errors import BadInput, ClosedSilently, NothingListens
from app.storage.profiles import Profile, ProfileServer
from tests.fakes.desk import profile, profile_of
from tests.fakes.listening import closed_port
from tests.fakes.peers import PASSWORD
from tests.fakes.servers import anytls_server
from tests.fakes.waiting import until


async def test_a_server_that_works():
    async with anytls_server() as server:
        results = await Prober().test(profile_of(server), (PASSWORD,))
    assert [result.name for result in results][:4] == ["dns", "tcp", "tls", "authentication"]
    assert all(result.ok and result.error is None for result in results)


async def test_a_wrong_password_is_the_last_stage():
    async with anytls_server() as server:
        results = await Prober(Timings(answer=5)).test(profile_of(server), ("wrong",))
    assert (results[-1].name, results[-1].ok) == ("authentication", False)
    assert isinstance(results[-1].error, ClosedSilently)


async def test_nobody_listens():
    results = await Prober().test(profile("X", "127.0.0.1", closed_port().port), ("x",))
    assert [result.name for result in results] == ["dns", "tcp"]
    assert isinstance(results[-1].error, NothingListens)


async def test_one_server_that_works_is_enough():
    async with anytls_server() as server:
        good = profile_of(server)
        servers = (ProfileServer("127.0.0.1", closed_port().port), *good.servers)
        both = Profile("Both", servers, verification=good.verification, certificate_pin=good.certificate_pin)
        results = await Prober().test(both, ("x", PASSWORD))
    assert all(result.ok for result in results)


async def test_where_none_works_the_first_tells_why():
    ports = (closed_port().port, closed_port().port)
    servers = tuple(ProfileServer("127.0.0.1", port) for port in ports)
    results = await Prober().test(Profile("None", servers), ("x", "y"))
    assert isinstance(results[-1].error, NothingListens)
    assert results[-1].error.port == ports[0]


async def test_what_cannot_be_tried_is_said(tmp_path):
    broken = profile("X", "127.0.0.1", 1, verification="ca-file", ca_file=str(tmp_path / "missing.pem"))
    with pytest.raises(BadInput):
        await Prober().test(broken, ("x",))


async def test_not_all_are_tried_at_once(monkeypatch):
    free, running, most = asyncio.Event(), 0, 0

    async def slow(*_arguments, **_named):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await free.wait()
        running -= 1
        return [StageResult("dns", True, 1.0)]

    monkeypatch.setattr(prober, "probe", slow)
    one = Prober()
    async with asyncio.TaskGroup() as group:
        tests = [group.create_task(one.test(profile(str(number)), ("x",))) for number in range(20)]
        await until(lambda: running == 8)
        free.set()
    assert most == 8
    assert [test.result()[0].ok for test in tests] == [True] * 20


async def test_a_test_that_is_broken_off_makes_room(monkeypatch):
    async def endless(*_arguments, **_named):
        await asyncio.Event().wait()

    monkeypatch.setattr(prober, "probe", endless)
    one = Prober()
    tests = [asyncio.create_task(one.test(profile(), ("x",))) for _ in range(8)]
    await until(one._room.locked)
    for test in tests:
        test.cancel()
    await asyncio.wait(tests)
    assert not one._room.locked()
