"""The stages of a connection tried one by one, each with its time and, where it fails, its reason.

The login is answered by silence, right or wrong, so it is proved by what follows: a server that speaks AnyTLS has
taken the password. To make it speak a stream is opened that costs nobody anything, a UDP association that sends
nothing; servers of version 1, which stay silent even then, say that a closed port is closed.
"""

import asyncio
import itertools
from dataclasses import replace

from app.engine.diagnosis import compared_hello
from app.engine.options import EngineOptions, PoolOptions, Server, Timings
from app.engine.session import ClientSession
from app.engine.stages import OnStage, StageResult, timed, unheard
from app.engine.upstream import Upstream
from app.errors import Failure, HandshakeClosed, SessionLost, StageTimedOut, TargetRefused
from app.protocols import uot
from app.protocols.address import Address, encode_socks
from app.protocols.streams import Sink
from app.tasks import Tasks
from app.transport.stream import Consumer, Stream

__all__ = ["STAGES", "StageResult", "probe", "prove"]

STAGES = ("dns", "tcp", "tls", "authentication", "stream")

_CLOSED_PORT = Address("127.0.0.1", 1)
_NOWHERE = Address("127.0.0.1", 53)

# Servers of version 2 answer the first frames in one round trip; this allows for a very slow one, in seconds.
_SECOND_QUESTION = 3.0


class _Question(Consumer):
    """A stream that is opened for the server's answer alone."""

    def __init__(self, session: ClientSession, target: Address) -> None:
        self.answer: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
        self.stream: Stream = session.open(encode_socks(target), self)

    @property
    def sink(self) -> Sink:
        return lambda _chunk: self.accepted()

    def flush(self) -> None:
        """Nothing is kept."""

    def accepted(self) -> None:
        if not self.answer.done():
            self.answer.set_result(None)

    def ended(self) -> None:
        self.accepted()

    def closed(self, error: Failure | None) -> None:
        if not self.answer.done():
            self.answer.set_result(error)

    def hold(self) -> None:
        """It sends next to nothing."""

    def release(self) -> None:
        """See `hold`."""


def _ask(session: ClientSession) -> _Question:
    question = _Question(session, uot.TARGET_V2)
    question.stream.send(uot.request(False, _NOWHERE))
    return question


async def prove(session: ClientSession, timings: Timings) -> None:
    """See the server speak AnyTLS, once more where it has spoken before.

    Raises the `Failure` that stands in the way; the session is free afterwards.
    """
    await (_prove_again if session.heard else _prove_first)(session, timings)


async def _prove_first(session: ClientSession, timings: Timings) -> None:
    questions = [_ask(session)]
    try:
        async with asyncio.timeout(timings.answer):
            await _spoken(session, questions)
    except TimeoutError:
        failure = StageTimedOut(*session.address, "authentication", timings.answer)
        session.give_up(failure)
        raise failure from None
    finally:
        for question in questions:
            question.stream.close()
    if not session.heard and session.failure is not None:
        raise session.failure


async def _prove_again(session: ClientSession, timings: Timings) -> None:
    fault = await _stream(session, timings, None, "authentication")
    if isinstance(fault, StageTimedOut):
        session.give_up(fault)
    if fault is not None:
        raise fault


async def _spoken(session: ClientSession, questions: list[_Question]) -> None:
    try:
        async with asyncio.timeout(_SECOND_QUESTION):
            await session.spoken.wait()
    except TimeoutError:
        questions.append(_Question(session, _CLOSED_PORT))
        await session.spoken.wait()


async def probe(
    server: Server, timings: Timings, client_name: str, target: Address | None = None, on_stage: OnStage = unheard
) -> list[StageResult]:
    """Try `server` stage by stage; the last result is the first that failed, if one did. Each is told as it ends.

    With `target` the stream goes there, and a refusal counts as a failure; without one any answer about a stream is
    proof that the server works. Raises `BadInput` for TLS options that cannot be used.
    """
    results: list[StageResult] = []
    closed: list[StageResult] = []

    def put(stage: StageResult) -> None:
        results.append(stage)
        on_stage(stage)

    def tell(stage: StageResult) -> None:
        # A handshake that was broken off is told once it is known what becomes of another ClientHello.
        (closed.append if isinstance(stage.error, HandshakeClosed) else put)(stage)

    tasks = Tasks()
    options = EngineOptions((server,), pool=PoolOptions(min_idle=0), timings=timings, client_name=client_name)
    upstream = Upstream(server, options, tasks, itertools.count(1))
    await upstream.prepare()
    try:
        session = await upstream.dial(tell)
        with timed("authentication", tell):
            await prove(session, timings)
        with timed("stream", tell):
            await _probe_stream(upstream, session, timings, target)
    except HandshakeClosed as failure:
        for stage in closed:
            put(replace(stage, error=await compared_hello(failure, server, timings)))
    except Failure:
        return results  # the last of them says it
    finally:
        await upstream.close()
        await tasks.close()
    return results


async def _probe_stream(upstream: Upstream, session: ClientSession, timings: Timings, target: Address | None) -> None:
    fault = await _stream(session, timings, target)
    if isinstance(fault, SessionLost):  # some servers' sessions have room for one stream, and `prove` has had it
        fault = await _stream(await upstream.dial(), timings, target)
    if fault is not None:
        raise fault


async def _stream(
    session: ClientSession, timings: Timings, target: Address | None, stage: str = "stream"
) -> Failure | None:
    if session.over:
        return session.failure
    questions = [_ask(session) if target is None else _Question(session, target)]
    try:
        async with asyncio.timeout(timings.answer):
            failure = await _answer(session, questions, target)
    except TimeoutError:
        return StageTimedOut(*session.address, stage, timings.answer)
    finally:
        for question in questions:
            question.stream.close()
    return None if target is None and isinstance(failure, TargetRefused) else failure


async def _answer(session: ClientSession, questions: list[_Question], target: Address | None) -> Failure | None:
    limit = None if target is not None else _SECOND_QUESTION
    done, _ = await asyncio.wait({questions[0].answer}, timeout=limit)
    if not done:
        questions.append(_Question(session, _CLOSED_PORT))
        done, _ = await asyncio.wait({question.answer for question in questions}, return_when=asyncio.FIRST_COMPLETED)
    return next(iter(done)).result()
