"""The server's name sent encrypted, or not at all: what becomes of a key, and where one is found."""

import asyncio
import base64
import contextlib
import ssl
import struct
import sys
from collections.abc import Callable
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from app.engine import tls
from app.engine.ech import EchSource
from app.engine.options import Server, Timings, TlsOptions, Verification
from app.engine.tls_context import make_context
from app.errors import (
    CertificateExpired,
    CertificateRejected,
    CertificateWrongName,
    DialFailed,
    EchFailed,
    HandshakeClosed,
    PinMismatch,
    TlsVersionRefused,
)
from app.protocols import client_hello
from app.protocols.address import Address
from app.protocols.anytls import Buffer
from app.transport.link import Owner
from app.transport.options import TcpOptions
from tests.fakes import certificates
from tests.fakes.ech import INNER, PUBLIC, Passage, ech_server, needs_go, watched
from tests.fakes.listening import closed_port, deaf, listening, reset
from tests.fakes.loops import both_loops
from tests.fakes.resolver import RESOLVER, Resolver, http, record, resolver

TIMINGS = Timings()
OPTIONS: dict[str, Any] = {"fingerprint": "chrome", "server_name": INNER}


@pytest.fixture
def checked(ca_file: str) -> dict[str, Any]:
    """Options of a server whose certificate is checked."""
    return OPTIONS | {"verification": Verification.CA_FILE, "ca_file": ca_file}


def at(address: Address, host: str = "127.0.0.1", **options: Any) -> Server:
    return Server(host, address.port, "", TlsOptions(**options))


class Heard(Owner):
    """What a server says."""

    def __init__(self) -> None:
        self.data = b""
        self.over = asyncio.Event()

    def received(self, data: Buffer) -> None:
        self.data += data
        self.over.set()

    def batch_received(self) -> None: ...

    def hold(self) -> None: ...

    def release(self) -> None: ...

    def lost(self, _error: Exception | None) -> None:
        self.over.set()


async def dialled(server: Server, source: EchSource | None = None) -> str:
    """What the server says of the connection that it has from us: `true NAME` if that came encrypted."""
    connection = await tls.dial(server, make_context(server.tls), TIMINGS, ech=source)
    heard = Heard()
    connection.link.attach(heard)
    await heard.over.wait()
    connection.link.abort()
    await asyncio.sleep(0.01)
    return heard.data.decode().strip()


async def failure_of(server: Server, source: EchSource | None = None) -> Any:
    with pytest.raises(DialFailed) as caught:
        await tls.dial(server, make_context(server.tls), TIMINGS, ech=source)
    await asyncio.sleep(0.01)
    return caught.value


def names_sent(passage: Passage) -> list[str | None]:
    """The name in each hello that has passed."""
    return [client_hello.parse(bytes(sent)).server_name for sent in passage.sent if sent]


def nobody_saw(passage: Passage) -> bool:
    """Whether the name that was to be hidden was hidden."""
    return not any(INNER.encode() in sent for sent in passage.sent)


# ---- a key that is known


@needs_go
@both_loops
async def test_the_server_alone_learns_the_name(checked: dict[str, Any]) -> None:
    async with ech_server() as server, watched(server.address) as passage:
        said = await dialled(at(passage.address, **checked, ech_config=server.configs[0]))
        assert said == f"true {INNER}"
        assert names_sent(passage) == [PUBLIC]
        assert nobody_saw(passage)


@needs_go
async def test_a_second_hello_hides_the_name_too(checked: dict[str, Any]) -> None:
    async with ech_server("-narrow") as server, watched(server.address) as passage:
        said = await dialled(at(passage.address, **checked, ech_config=server.configs[0]))
        assert said == f"true {INNER}"
        assert nobody_saw(passage)


@needs_go
async def test_one_key_of_several_is_enough(checked: dict[str, Any]) -> None:
    async with ech_server() as server:
        both = b"".join(config[2:] for config in reversed(server.configs))
        config = struct.pack(">H", len(both)) + both
        # BoringSSL takes the first that it can use, which is the one that the server does not take.
        said = await dialled(at(server.address, **checked, ech_config=config))
        assert said == f"true {INNER}"


@needs_go
async def test_the_hidden_name_is_the_one_that_is_checked(checked: dict[str, Any]) -> None:
    async with ech_server(identity=certificates.for_names(PUBLIC)) as server:
        failure = await failure_of(at(server.address, **checked, ech_config=server.configs[0]))
        assert type(failure) is CertificateWrongName


# ---- a key that the server does not take


@needs_go
@pytest.mark.parametrize("verification", [Verification.CA_FILE, Verification.PIN])
@pytest.mark.parametrize("options", [(), ("-narrow",)])
@both_loops
async def test_the_key_that_is_offered_instead_is_taken_and_remembered(
    verification: Verification, options: tuple[str, ...], ca_file: str
) -> None:
    identity = certificates.for_names(INNER, PUBLIC)
    proof: dict[str, Any] = {"ca_file": ca_file, "certificate_pin": identity.pin, "spki_pin": identity.spki_pin}
    async with ech_server(*options) as server, watched(server.address) as passage:
        config = server.configs[1]
        dialling = at(passage.address, **OPTIONS, verification=verification, **proof, ech_config=config)
        source = EchSource(dialling)
        assert await dialled(dialling, source) == f"true {INNER}"
        assert len(passage.sent) == 3, "refused, asked for another, taken"
        assert await source.config() == server.configs[0]
        assert await dialled(dialling, source) == f"true {INNER}"
        assert len(passage.sent) == 4, "the next one needs no second try"
        assert nobody_saw(passage)


@needs_go
async def test_without_an_offer_there_is_no_connection(checked: dict[str, Any]) -> None:
    async with ech_server("-retry=false") as server, watched(server.address) as passage:
        failure = await failure_of(at(passage.address, **checked, ech_config=server.configs[1]))
        assert type(failure) is EchFailed
        assert "offers no other" in str(failure)
        assert nobody_saw(passage)


@needs_go
async def test_an_offer_that_is_refused_too_ends_it(checked: dict[str, Any]) -> None:
    async with ech_server("-lie") as server, watched(server.address) as passage:
        failure = await failure_of(at(passage.address, **checked, ech_config=server.configs[1]))
        assert type(failure) is EchFailed
        assert "neither the key nor the one that it offers" in str(failure)
        assert len(passage.sent) == 3
        assert nobody_saw(passage)


@needs_go
async def test_an_offer_of_the_same_key_ends_it(checked: dict[str, Any]) -> None:
    async with ech_server("-lie") as server, watched(server.address) as passage:
        failure = await failure_of(at(passage.address, **checked, ech_config=server.configs[0]))
        assert type(failure) is EchFailed
        assert len(passage.sent) == 2
        assert nobody_saw(passage)


@needs_go
async def test_what_nobody_vouches_for_is_not_an_offer() -> None:
    """Who answers in the server's place would else be told the name for the asking."""
    async with ech_server() as server, watched(server.address) as passage:
        failure = await failure_of(
            at(passage.address, **OPTIONS, verification=Verification.NONE, ech_config=server.configs[1])
        )
        assert type(failure) is EchFailed
        assert await server.met(1) == [f"false {PUBLIC}"]
        assert nobody_saw(passage)


@needs_go
@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        (lambda: certificates.for_names(INNER), CertificateWrongName),
        (lambda: certificates.for_names("stranger.test"), CertificateWrongName),
        (certificates.self_signed, CertificateRejected),
    ],
)
async def test_who_is_not_the_public_name_is_not_told_the_name(
    identity: Callable[[], certificates.Identity], kind: type, checked: dict[str, Any]
) -> None:
    async with ech_server(identity=identity()) as server, watched(server.address) as passage:
        failure = await failure_of(at(passage.address, **checked, ech_config=server.configs[1]))
        assert isinstance(failure, kind)
        assert all(handshake.startswith("failed") for handshake in await server.met(1))
        assert nobody_saw(passage)


@needs_go
async def test_who_has_another_certificate_than_the_pinned_one_is_not_told_the_name() -> None:
    async with ech_server() as server, watched(server.address) as passage:
        failure = await failure_of(
            at(
                passage.address,
                **OPTIONS,
                verification=Verification.PIN,
                certificate_pin=certificates.good().pin,
                ech_config=server.configs[1],
            )
        )
        assert type(failure) is PinMismatch
        assert len(passage.sent) == 1
        assert nobody_saw(passage)


# ---- servers without


def plain_server(**limits: ssl.TLSVersion) -> contextlib.AbstractAsyncContextManager[Address]:
    """OpenSSL's, which knows no ECH, with a certificate for both names."""

    async def take(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    context = certificates.for_names(INNER, PUBLIC).context()
    for name, version in limits.items():
        setattr(context, name, version)
    return listening(take, context=context)


@needs_go
@pytest.mark.parametrize("limits", [{}, {"maximum_version": ssl.TLSVersion.TLSv1_2}])
async def test_a_server_without_ech_is_not_told_the_name(limits: Any, checked: dict[str, Any]) -> None:
    async with ech_server() as other, plain_server(**limits) as address, watched(address) as passage:
        failure = await failure_of(at(passage.address, **checked, ech_config=other.configs[0]))
        assert type(failure) is EchFailed
        assert nobody_saw(passage)
        assert set(names_sent(passage)) == {PUBLIC}


@needs_go
async def test_a_server_of_tls_1_2_that_has_ech_keys_is_not_told_the_name(checked: dict[str, Any]) -> None:
    async with ech_server("-old") as server, watched(server.address) as passage:
        failure = await failure_of(at(passage.address, **checked, ech_config=server.configs[0]))
        assert type(failure) is TlsVersionRefused
        assert "the profile asks for 1.3;" in str(failure)
        assert nobody_saw(passage)


@needs_go
async def test_who_closes_is_said_to_have_closed(checked: dict[str, Any]) -> None:
    async def close(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with ech_server() as other, listening(close) as address:
        failure = await failure_of(at(address, **checked, ech_config=other.configs[0]))
        assert type(failure) is HandshakeClosed


@pytest.mark.parametrize("config", [b"", b"\0", b"\0\0", b"\0\x04\xfe\x0d\0\0", b"\xff" * 40, b"\0\x05\x12\x34\0\x01x"])
async def test_a_key_in_no_known_form_sends_nothing(config: bytes, checked: dict[str, Any]) -> None:
    async with plain_server() as address, watched(address) as passage:
        failure = await failure_of(at(passage.address, **checked, ech_config=config))
        assert type(failure) is EchFailed
        assert "in no form that is known" in str(failure)
        assert not any(passage.sent)


@needs_go
async def test_the_name_stays_hidden_when_the_certificate_is_looked_at_again(checked: dict[str, Any]) -> None:
    """What BoringSSL does not keep of a refused handshake is seen by a second connection, which names nobody."""
    async with (
        ech_server(identity=certificates.expired_for(INNER)) as server,
        watched(server.address) as passage,
    ):
        failure = await failure_of(at(passage.address, **checked, ech_config=server.configs[0]))
        assert type(failure) is CertificateExpired
        assert len(passage.sent) == 2
        assert nobody_saw(passage)


# ---- a key in the DNS


@pytest.fixture
def trusting(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


def asking(asks: Resolver | str, trusting: ssl.SSLContext, port: int = 443, name: str = INNER) -> EchSource:
    url = asks if isinstance(asks, str) else asks.url
    return EchSource(Server(name, port, "", TlsOptions(fingerprint="chrome", ech_resolver=url)), trusting)


CONFIG = b"\0\x04\xfe\x0d\0\0"


@both_loops
async def test_the_key_is_asked_of_the_resolver(trusting: ssl.SSLContext) -> None:
    async with resolver({INNER: (300, record(CONFIG))}) as asks:
        source = asking(asks, trusting)
        assert await source.config() == CONFIG
        (request,) = asks.requests
    headers = dict(request.headers)
    assert (request.method, request.target) == (b"POST", b"/dns-query?who=us")
    assert headers[b"content-type"] == headers[b"accept"] == b"application/dns-message"
    assert headers[b"host"] == asks.url.split("/")[2].encode()


@needs_go
async def test_a_connection_with_a_key_from_the_dns(trusting: ssl.SSLContext, checked: dict[str, Any]) -> None:
    async with ech_server() as server, watched(server.address) as passage:
        name = f"_{passage.address.port}._https.{INNER}"
        async with resolver({name: (300, record(server.configs[0]))}) as asks:
            dialling = at(passage.address, **checked, ech_resolver=asks.url)
            assert await dialled(dialling, EchSource(dialling, trusting)) == f"true {INNER}"
        assert nobody_saw(passage)


@needs_go
async def test_a_key_from_the_dns_that_is_refused_is_asked_for_again(
    trusting: ssl.SSLContext, checked: dict[str, Any]
) -> None:
    async with ech_server("-retry=false") as server, resolver({INNER: (300, record(server.configs[1]))}) as asks:
        dialling = at(server.address, **checked, ech_resolver=asks.url)
        source = EchSource(dialling, trusting)
        await source.config()
        asks.records[INNER] = 300, record(server.configs[0])  # the key has changed meanwhile
        assert await dialled(dialling, source) == f"true {INNER}"


@pytest.mark.skipif(sys.platform != "linux", reason="only there every address 127.x is this computer's")
@both_loops
async def test_the_question_leaves_from_where_the_connections_do(trusting: ssl.SSLContext) -> None:
    async with resolver({INNER: (300, record(CONFIG))}) as asks:
        options = TlsOptions(fingerprint="chrome", ech_resolver=asks.url)
        server = Server(INNER, 443, "", options, TcpOptions(source="127.0.0.2"))
        assert await EchSource(server, trusting).config() == CONFIG
        assert asks.came_from == ["127.0.0.2"]


async def test_without_that_place_nothing_is_asked(trusting: ssl.SSLContext) -> None:
    async with resolver({INNER: (300, record(CONFIG))}) as asks:
        options = TlsOptions(fingerprint="chrome", ech_resolver=asks.url)
        server = Server(INNER, 443, "", options, TcpOptions(source="192.0.2.1"))
        with pytest.raises(EchFailed, match="cannot be asked"):
            await EchSource(server, trusting).config()
        assert not asks.came_from


@pytest.mark.parametrize(
    ("port", "there", "asked"),
    [
        (443, INNER, [INNER]),
        (8443, f"_8443._https.{INNER}", [f"_8443._https.{INNER}"]),
        (8443, INNER, [f"_8443._https.{INNER}", INNER]),
    ],
)
async def test_a_record_may_stand_under_the_port(
    port: int, there: str, asked: list[str], trusting: ssl.SSLContext
) -> None:
    async with resolver({there: (300, record(CONFIG))}) as asks:
        assert await asking(asks, trusting, port).config() == CONFIG
        assert asks.asked == asked


async def test_the_server_name_is_what_is_asked_about(trusting: ssl.SSLContext) -> None:
    async with resolver({"other.test": (300, record(CONFIG))}) as asks:
        options = TlsOptions(fingerprint="chrome", server_name="other.test", ech_resolver=asks.url)
        assert await EchSource(Server(INNER, 443, "", options), trusting).config() == CONFIG


async def test_the_record_with_the_best_priority_counts(trusting: ssl.SSLContext) -> None:
    better, worse = (f"{number} . ech={base64.b64encode(CONFIG[:5] + bytes((number,))).decode()}" for number in (1, 2))
    async with resolver({INNER: (300, f"{worse}|{better}")}) as asks:
        assert await asking(asks, trusting).config() == CONFIG[:5] + b"\1"


@pytest.mark.parametrize(("life", "good_for"), [(300, 300.0), (1, 60.0), (10_000_000, 24 * 3600.0)])
async def test_an_answer_is_good_for_its_time(
    life: int, good_for: float, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    real, ahead = loop.time, 0.0
    async with resolver({INNER: (life, record(CONFIG))}) as asks:
        source = asking(asks, trusting)
        await source.config()
        for ahead, questions in ((0.0, 1), (good_for - 10, 1), (good_for + 1, 2)):
            with monkeypatch.context() as patch:
                patch.setattr(loop, "time", lambda ahead=ahead: real() + ahead)
                await source.config()
            assert len(asks.asked) == questions


async def test_a_key_that_stands_in_the_profile_is_not_asked_for() -> None:
    options = TlsOptions(fingerprint="chrome", ech_config=CONFIG, ech_resolver="https://nobody.invalid/")
    assert await EchSource(Server(INNER, 443, "", options)).config() == CONFIG


@pytest.mark.parametrize("records", [{}, {INNER: (300, "1 . alpn=h2")}, {INNER: (300, "0 elsewhere.test.")}])
async def test_without_a_record_there_is_no_key(records: dict[str, tuple[int, str]], trusting: ssl.SSLContext) -> None:
    async with resolver(records) as asks:
        assert "the DNS has no key for it" in await refusal(asking(asks, trusting))


async def refusal(source: EchSource) -> str:
    """The sentence that says why there is no key."""
    with pytest.raises(EchFailed) as caught:
        await source.config()
    assert caught.value.host == INNER
    return str(caught.value)


@pytest.mark.parametrize(
    "reply",
    [
        lambda asks, body: http(b"", "500 Internal Server Error"),
        lambda asks, body: http(b"", "404 Not Found"),
        lambda asks, body: http(b"<html>a website</html>"),
        lambda asks, body: http(b""),
        lambda asks, body: http(asks.answer(dns.message.from_wire(body))[:-9]),
        lambda asks, body: b"220 mail.test ESMTP ready\r\n",
        lambda asks, body: http(bytes(70_000)),
        lambda asks, body: b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort",
        lambda asks, body: b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
        lambda asks, body: b"",
    ],
    ids=["500", "404", "website", "empty", "cut", "mail", "long", "short", "endless header", "nothing"],
)
@both_loops
async def test_what_is_no_resolver(reply: Any, trusting: ssl.SSLContext) -> None:
    async with resolver({INNER: (300, record(CONFIG))}, reply) as asks:
        assert "what answers there is no DNS-over-HTTPS resolver" in await refusal(asking(asks, trusting))


async def test_another_question_s_answer_is_not_believed(trusting: ssl.SSLContext) -> None:
    def about_another(asks: Resolver, _body: bytes) -> bytes:
        return http(asks.answer(dns.message.make_query("other.test", "HTTPS", id=0)))

    async with resolver({"other.test": (300, record(CONFIG))}, about_another) as asks:
        await refusal(asking(asks, trusting))


async def test_a_name_may_stand_for_another(trusting: ssl.SSLContext) -> None:
    def by_alias(asks: Resolver, body: bytes) -> bytes:
        answer = dns.message.make_response(dns.message.from_wire(body))
        answer.answer.append(dns.rrset.from_text(f"{INNER}.", 60, "IN", "CNAME", "real.test."))
        answer.answer.append(dns.rrset.from_text("real.test.", 60, "IN", "HTTPS", record(CONFIG)))
        return http(answer.to_wire())

    async with resolver({}, by_alias) as asks:
        assert await asking(asks, trusting).config() == CONFIG


async def test_an_answer_may_come_in_chunks(trusting: ssl.SSLContext) -> None:
    def in_chunks(asks: Resolver, body: bytes) -> bytes:
        whole = asks.answer(dns.message.from_wire(body))
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (whole[:20], whole[20:], b""))
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks

    async with resolver({INNER: (300, record(CONFIG))}, in_chunks) as asks:
        assert await asking(asks, trusting).config() == CONFIG


async def test_a_resolver_that_is_down(trusting: ssl.SSLContext) -> None:
    said = await refusal(asking(f"https://{closed_port()}/", trusting))
    assert "the resolver cannot be asked: connection refused" in said


async def test_a_resolver_that_nobody_vouches_for(trusting: ssl.SSLContext) -> None:
    async with resolver({INNER: (300, record(CONFIG))}, identity=certificates.self_signed()) as asks:
        said = await refusal(asking(asks, trusting))
        assert "the resolver cannot be asked: " in said
        assert not asks.asked


async def test_a_resolver_that_resets(trusting: ssl.SSLContext) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        reset(writer)

    async with listening(hang_up, host=RESOLVER) as address:
        assert "the resolver cannot be asked: " in await refusal(asking(f"https://{address}/", trusting))


async def test_a_resolver_that_is_silent(trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.engine.ech._PATIENCE", 0.05)
    with deaf() as address:
        said = await refusal(asking(f"https://{address}/", trusting))
    assert "the resolver did not answer within 0.05 s" in said


async def test_an_address_has_no_record(trusting: ssl.SSLContext) -> None:
    source = asking("https://nobody.invalid/", trusting, name="192.0.2.1")
    with pytest.raises(EchFailed, match="an address has no record"):
        await source.config()


async def test_what_no_dns_name_can_be(trusting: ssl.SSLContext) -> None:
    source = asking("https://nobody.invalid/", trusting, name="two..dots")
    with pytest.raises(EchFailed):
        await source.config()


async def test_without_a_context_the_system_s_authorities_vouch(
    ca_file: str, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with resolver({INNER: (300, record(CONFIG))}) as asks:
        options = TlsOptions(fingerprint="chrome", ech_resolver=asks.url)
        await refusal(EchSource(Server(INNER, 443, "", options)))
        monkeypatch.setenv("SSL_CERT_FILE", ca_file)
        assert await EchSource(Server(INNER, 443, "", options)).config() == CONFIG
