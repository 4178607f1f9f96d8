"""The stages of a connection, each failing in its own ways, and the proof that a session works."""

import asyncio
import dataclasses

import pytest

from app.engine import probe as probing
from app.engine.options import Server, Timings, TlsOptions, Verification
from app.engine.probe import STAGES, StageResult, probe, prove
from app.errors import (
    BadInput,
    CertificateUnknownIssuer,
    ClosedSilently,
    Failure,
    NameNotResolved,
    NotAnyTls,
    NothingListens,
    NotTls,
    PinMismatch,
    SessionLost,
    StageTimedOut,
    TargetRefused,
)
from app.protocols.address import Address
from app.protocols.frames import FIN, PSH, SYN, SYNACK, pack
from tests.fakes.clients import log_in
from tests.fakes.listening import closed_port, deaf, listening, unanswering
from tests.fakes.loops import both_loops
from tests.fakes.peers import (
    Peer,
    Script,
    answer_http,
    echo,
    echo_v1,
    mute,
    scripted,
    server_at,
    wrong_password,
)
from tests.fakes.servers import anytls_server
from tests.fakes.targets import echo_target
from tests.fakes.waiting import PATIENCE

PATIENT = Timings(answer=PATIENCE)
# Each hasty about one thing alone: what comes before it may take its time on a busy machine.
HASTY = Timings(answer=0.2)
LESS_HASTY = Timings(answer=0.8)

CLOSED_PORT = b"\1\x7f\0\0\1\0\1"
"""127.0.0.1, port 1, as a stream's target."""
NO_TARGET = b"\3\x17sp.v2.udp-over-tcp.arpa\0\0"
"""A UDP association, which leads nowhere by itself."""


async def closes(peer: Peer) -> None:
    """A server of version 1: it says nothing about a stream, but that a closed port is closed."""
    await peer.greet(version=1)
    while True:
        command, stream_id, payload = await peer.frame()
        if command == PSH and payload == CLOSED_PORT:
            peer.send(pack(FIN, stream_id))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of version 1 are asked their own question without delay."""
    monkeypatch.setattr(probing, "_SECOND_QUESTION", 0.05)


def names(results: list[StageResult]) -> list[str]:
    return [result.name for result in results]


async def failure_of(server: Server, stage: str, target: Address | None = None, timings: Timings = PATIENT) -> Failure:
    """What stands in the way; all stages before `stage` have to be fine, and none comes after it."""
    results = await probe(server, timings, "test", target)
    assert names(results) == list(STAGES[: STAGES.index(stage) + 1])
    *passed, last = results
    assert all(result.ok and result.error is None and result.ms >= 0 for result in passed)
    assert not last.ok
    assert last.ms >= 0
    assert last.error is not None
    return last.error


async def succeeds(server: Server, target: Address | None = None) -> None:
    results = await probe(server, PATIENT, "test", target)
    assert names(results) == ["dns", "tcp", "tls", "authentication", "stream"]
    assert all(result.ok and result.error is None and result.ms >= 0 for result in results)


# ---- all is well


@both_loops
async def test_a_server_that_works() -> None:
    async with anytls_server() as server:
        await succeeds(server)


async def test_a_server_that_works_reaches_a_target() -> None:
    async with echo_target() as target, anytls_server() as server:
        await succeeds(server, target)


@both_loops
async def test_a_server_of_version_1() -> None:
    async with scripted(closes) as server:
        await succeeds(server.server)


async def test_a_server_of_version_1_reaches_a_target_when_it_answers() -> None:
    async def greets(peer: Peer) -> None:
        await peer.greet(version=1)
        while True:
            command, stream_id, payload = await peer.frame()
            if command == PSH and payload == b"\1\xc0\0\2\1\0\x19":
                peer.send(pack(PSH, stream_id, b"220 mail.test"))
            elif command == PSH and payload == CLOSED_PORT:
                peer.send(pack(FIN, stream_id))

    async with scripted(greets) as server:
        await succeeds(server.server, Address("192.0.2.1", 25))


async def test_the_probe_says_who_asks_and_leaves() -> None:
    left = asyncio.Event()

    async def script(peer: Peer) -> None:
        try:
            await echo(peer)
        finally:
            left.set()

    async with scripted(script) as server:
        assert all(result.ok for result in await probe(server.server, PATIENT, "name/1"))
        async with asyncio.timeout(PATIENCE):
            await left.wait()
        assert len(server.peers) == 1
        assert server.peers[0].settings["client"] == "name/1"


# ---- stage by stage


async def test_a_name_that_does_not_resolve() -> None:
    failure = await failure_of(server_at(Address("no-such-name.invalid", 443)), "dns")
    assert isinstance(failure, NameNotResolved)


async def test_a_port_where_nothing_listens() -> None:
    assert isinstance(await failure_of(server_at(closed_port()), "tcp"), NothingListens)


async def test_a_port_that_does_not_answer() -> None:
    with unanswering() as address:
        failure = await failure_of(server_at(address), "tcp", timings=Timings(tcp=0.2))
    assert isinstance(failure, StageTimedOut)
    assert failure.stage == "tcp"


async def test_a_server_that_never_shakes_hands() -> None:
    with deaf() as address:
        failure = await failure_of(server_at(address), "tls", timings=Timings(tls=0.2))
    assert isinstance(failure, StageTimedOut)
    assert failure.stage == "tls"


async def test_a_server_that_speaks_no_tls() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        await reader.read()

    async with listening(greet) as address:
        failure = await failure_of(server_at(address), "tls")
    assert type(failure) is NotTls


@pytest.mark.parametrize(
    ("tls", "kind"),
    [
        ({"verification": Verification.PIN, "certificate_pin": bytes(32)}, PinMismatch),
        ({"verification": Verification.SYSTEM}, CertificateUnknownIssuer),
    ],
)
async def test_a_certificate_that_is_not_accepted(tls: dict[str, object], kind: type[Failure]) -> None:
    async with scripted(mute) as server:
        assert isinstance(await failure_of(server_at(server.address, **tls), "tls"), kind)


async def test_options_that_cannot_be_used_are_no_stage() -> None:
    options = TlsOptions(server_name="", verification=Verification.SYSTEM)
    with pytest.raises(BadInput):
        await probe(Server("127.0.0.1", 1, "x", options), PATIENT, "test")


@pytest.mark.parametrize(
    ("script", "kind"), [(wrong_password, ClosedSilently), (answer_http, NotAnyTls)], ids=["silent", "http"]
)
@both_loops
async def test_a_server_that_does_not_know_the_password(script: Script, kind: type[Failure]) -> None:
    async with scripted(script) as server:
        assert isinstance(await failure_of(server.server, "authentication"), kind)


async def test_a_wrong_password_at_a_real_server() -> None:
    async with anytls_server() as server:
        wrong = dataclasses.replace(server, password="guesswork")
        failure = await failure_of(wrong, "authentication")
    assert isinstance(failure, ClosedSilently)
    assert "guesswork" not in str(failure)


@both_loops
async def test_a_server_that_never_says_a_word() -> None:
    async with scripted(mute) as server:
        failure = await failure_of(server.server, "authentication", timings=HASTY)
    assert isinstance(failure, StageTimedOut)
    assert failure.stage == "authentication"


@both_loops
async def test_a_target_that_is_refused() -> None:
    target = closed_port()
    async with anytls_server() as server:
        failure = await failure_of(server, "stream", target)
    assert isinstance(failure, TargetRefused)
    assert failure.message == f"connect {target}: connection refused"


@pytest.mark.parametrize("target", [None, Address("192.0.2.1", 80)])
async def test_a_server_that_greets_and_opens_no_stream(target: Address | None) -> None:
    async def script(peer: Peer) -> None:
        await peer.greet()
        await peer.left()

    async with scripted(script) as server:
        failure = await failure_of(server.server, "stream", target, LESS_HASTY)
    assert isinstance(failure, StageTimedOut)
    assert failure.stage == "stream"


async def test_a_server_of_version_1_whose_target_says_nothing() -> None:
    """It takes what it is told and opens the stream, which is all that can be known."""

    async with scripted(closes) as server:
        failure = await failure_of(server.server, "stream", Address("192.0.2.1", 80), LESS_HASTY)
    assert isinstance(failure, StageTimedOut)


@pytest.mark.parametrize("target", [None, Address("192.0.2.1", 80)])
async def test_a_server_that_leaves_after_its_greeting(target: Address | None) -> None:
    async def script(peer: Peer) -> None:
        await peer.greet()

    async with scripted(script) as server:
        failure = await failure_of(server.server, "stream", target)
    assert isinstance(failure, SessionLost)


async def test_a_session_that_is_gone_already_is_asked_nothing() -> None:
    """The same, with the end where it does most harm: between the two stages."""

    async def script(peer: Peer) -> None:
        await peer.greet()

    async with scripted(script) as server, log_in(server.server) as session:
        await prove(session, PATIENT)
        await session.gone.wait()
        assert isinstance(await probing._stream(session, PATIENT, None), SessionLost)


async def test_a_server_that_leaves_when_a_target_is_named() -> None:
    async def script(peer: Peer) -> None:
        await peer.greet()
        while (frame := await peer.frame())[2] != b"\1\xc0\0\2\1\0\x50":
            if frame[2] == NO_TARGET:
                peer.send(pack(SYNACK, frame[1]))

    async with scripted(script) as server:
        failure = await failure_of(server.server, "stream", Address("192.0.2.1", 80))
    assert isinstance(failure, SessionLost)


# ---- prove


@both_loops
async def test_prove_leaves_the_session_free() -> None:
    async with scripted(echo) as server, log_in(server.server) as session:
        await prove(session, PATIENT)
        assert session.heard
        assert session.at_rest
        assert not session.streams


async def test_prove_costs_the_servers_targets_nothing() -> None:
    """No connection is made anywhere: the stream is a UDP association that sends nothing."""
    async with scripted(echo) as server, log_in(server.server) as session:
        await prove(session, PATIENT)
        frames = server.peers[0].frames
        assert [command for command, _, _ in frames][1:3] == [SYN, PSH]
        assert frames[2][2] == NO_TARGET


async def test_prove_asks_a_server_of_version_1_another_question() -> None:
    async with scripted(closes) as server, log_in(server.server) as session:
        await prove(session, PATIENT)
        assert session.machine.version < 2
        assert session.at_rest


@pytest.mark.parametrize(
    ("script", "kind"), [(wrong_password, ClosedSilently), (answer_http, NotAnyTls), (mute, StageTimedOut)]
)
@both_loops
async def test_prove_raises_what_stands_in_the_way(script: Script, kind: type[Failure]) -> None:
    timings = HASTY if script is mute else PATIENT
    async with scripted(script) as server, log_in(server.server) as session:
        with pytest.raises(kind):
            await prove(session, timings)
        await session.gone.wait()


async def test_a_v1_echo_needs_no_second_question_once_it_has_spoken() -> None:
    async with scripted(echo_v1) as server, log_in(server.server) as session:
        await prove(session, PATIENT)
        assert session.heard


# ---- prove a session that has been proved before


@pytest.mark.parametrize("script", [echo, closes])
async def test_a_session_can_be_proved_again(script: Script) -> None:
    async with scripted(script) as server, log_in(server.server) as session:
        await prove(session, PATIENT)
        asked = len(server.peers[0].frames)
        await prove(session, PATIENT)
        assert len(server.peers[0].frames) > asked, "a proof asks the server"
        assert session.at_rest


async def test_a_session_that_died_meanwhile_is_not_proved() -> None:
    async def dies(peer: Peer) -> None:
        await peer.greet()
        while (await peer.frame())[0] != FIN:
            pass
        await peer.expect(SYN)
        peer.reset()

    async with scripted(dies) as server, log_in(server.server) as session:
        await prove(session, PATIENT)
        with pytest.raises(SessionLost):
            await prove(session, PATIENT)


async def test_a_session_that_falls_silent_is_given_up() -> None:
    async def falls_silent(peer: Peer) -> None:
        await peer.greet()
        await peer.left()

    async with scripted(falls_silent) as server, log_in(server.server) as session:
        await prove(session, PATIENT)
        with pytest.raises(StageTimedOut, match="password"):
            await prove(session, HASTY)
        await session.gone.wait()
