from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.protocols.address import Address
from app.protocols.socks import (
    BadSocks,
    Command,
    Progress,
    Reply,
    SocksRequest,
    SocksServer,
    decode_udp,
    encode_udp,
    failure_reply,
    looks_like_socks,
    reply_for,
    success_reply,
)

LOGIN = ("ann", "let:me in")

# What curl and Chromium send.
CURL_GREETING = bytes.fromhex("05 02 00 01")  # no authentication, GSSAPI
CURL_GREETING_WITH_LOGIN = bytes.fromhex("05 03 00 01 02")
CHROMIUM_GREETING = bytes.fromhex("05 01 00")
CURL_LOGIN = b"\x01\x03ann\x09let:me in"
TO_NAME = b"\x05\x01\x00\x03\x0bexample.com\x01\xbb"
TO_IPV4 = bytes.fromhex("05 01 00 01 7f000001 0050")
TO_IPV6 = bytes.fromhex("05 01 00 04 00000000000000000000000000000001 0050")
ASSOCIATE = bytes.fromhex("05 03 00 01 00000000 0000")
SOCKS4 = bytes.fromhex("04 01 0050 7f000001") + b"\x00"
SOCKS4A = bytes.fromhex("04 01 01bb 00000001") + b"ann\x00example.com\x00"

EXAMPLE = SocksRequest(5, Command.CONNECT, Address("example.com", 443))


def in_pieces(server: SocksServer, data: bytes, sizes: list[int]) -> Progress:
    """What came of it all, as if it had come at once."""
    reply = b""
    for size in [*sizes, len(data)]:
        piece, data = data[:size], data[size:]
        progress = server.receive(memoryview(piece))
        reply += progress.reply
        if progress.failed is not None:
            return Progress(reply, failed=progress.failed)
        if progress.request is not None:
            return Progress(reply, progress.request, progress.rest + data)
    return Progress(reply)


def test_a_socks5_conversation() -> None:
    server = SocksServer()
    assert server.receive(CURL_GREETING) == Progress(b"\x05\x00")
    assert server.receive(TO_NAME) == Progress(request=EXAMPLE)


@pytest.mark.parametrize(
    ("wire", "request_"),
    [
        (CHROMIUM_GREETING + TO_NAME, EXAMPLE),
        (CURL_GREETING + TO_IPV4, SocksRequest(5, Command.CONNECT, Address("127.0.0.1", 80))),
        (CURL_GREETING + TO_IPV6, SocksRequest(5, Command.CONNECT, Address("::1", 80))),
        (CURL_GREETING + ASSOCIATE, SocksRequest(5, Command.UDP_ASSOCIATE, Address("0.0.0.0", 0))),
        (SOCKS4, SocksRequest(4, Command.CONNECT, Address("127.0.0.1", 80))),
        (SOCKS4A, SocksRequest(4, Command.CONNECT, Address("example.com", 443))),
        (
            bytes.fromhex("04 01 0050 00000000") + b"\x00",
            SocksRequest(4, Command.CONNECT, Address("0.0.0.0", 80)),
        ),
    ],
)
@pytest.mark.parametrize("early", [b"", b"GET / HTTP/1.1\r\n"])
def test_a_request_with_what_the_app_sends_behind_it(wire: bytes, request_: SocksRequest, early: bytes) -> None:
    progress = SocksServer().receive(wire + early)
    assert progress.request == request_
    assert progress.rest == early
    assert progress.failed is None


def test_a_login() -> None:
    server = SocksServer(LOGIN)
    assert server.receive(CURL_GREETING_WITH_LOGIN) == Progress(b"\x05\x02")
    assert server.receive(CURL_LOGIN) == Progress(b"\x01\x00")
    assert server.receive(TO_NAME) == Progress(request=EXAMPLE)


@pytest.mark.parametrize(
    "login",
    [
        b"\x01\x03ann\x05wrong",
        b"\x01\x03bob\x09let:me in",
        b"\x01\x00\x00",
        b"\x01\x03ann\x00",
        b"\x05\x03ann\x09let:me in",
    ],
)
def test_a_wrong_login(login: bytes) -> None:
    server = SocksServer(LOGIN)
    server.receive(CURL_GREETING_WITH_LOGIN)
    assert server.receive(login + TO_NAME) == Progress(b"\x01\x01", failed="wrong user or password")


def test_a_required_login_that_is_not_offered() -> None:
    progress = SocksServer(LOGIN).receive(CHROMIUM_GREETING + TO_NAME)
    assert progress == Progress(b"\x05\xff", failed="a login is required")


def test_an_app_that_insists_on_a_login_gets_in_with_any() -> None:
    progress = SocksServer().receive(b"\x05\x01\x02" + b"\x01\x01x\x00" + TO_NAME)
    assert progress == Progress(b"\x05\x02\x01\x00", EXAMPLE)


@pytest.mark.parametrize("greeting", [b"\x05\x00", b"\x05\x02\x01\x80"])
def test_no_usable_method(greeting: bytes) -> None:
    progress = SocksServer().receive(greeting)
    assert progress == Progress(b"\x05\xff", failed="no usable authentication method")


@pytest.mark.parametrize(
    ("request_", "reply", "reason"),
    [
        (bytes.fromhex("05 02 00 01 7f000001 0050"), Reply.COMMAND_NOT_SUPPORTED, "command 2"),
        (bytes.fromhex("05 09 00 01 7f000001 0050"), Reply.COMMAND_NOT_SUPPORTED, "command 9"),
        (bytes.fromhex("05 01 00 02"), Reply.ADDRESS_TYPE_NOT_SUPPORTED, "unknown address type 2"),
        (b"\x05\x01\x00\x03\x03a\nb\x00\x50", Reply.GENERAL_FAILURE, "character"),
        (b"GET ", Reply.GENERAL_FAILURE, "not a SOCKS5 request"),
    ],
)
def test_a_socks5_request_that_is_refused(request_: bytes, reply: Reply, reason: str) -> None:
    progress = SocksServer().receive(CHROMIUM_GREETING + request_)
    assert progress.reply == b"\x05\x00" + b"\x05" + bytes((reply,)) + bytes.fromhex("00 01 00000000 0000")
    assert progress.failed is not None
    assert reason in progress.failed
    assert progress.request is None


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (bytes.fromhex("04 02 0050 7f000001") + b"\x00", "command 2"),
        (bytes.fromhex("04 01 0050 00000001") + b"\x00\x00", "empty"),
        (bytes.fromhex("04 01 0050 00000001") + b"\x00\x1b[0m\x00", "character"),
        (bytes.fromhex("04 01 0050 7f000001") + bytes([120] * 256), "longer than 255"),
        (bytes.fromhex("04 01 0050 00000001") + b"\x00" + bytes([120] * 256), "longer than 255"),
    ],
)
def test_a_socks4_request_that_is_refused(wire: bytes, reason: str) -> None:
    progress = SocksServer().receive(wire)
    assert progress.reply == b"\x00\x5b" + bytes(6)
    assert progress.failed is not None
    assert reason in progress.failed


@pytest.mark.parametrize("wire", [SOCKS4, SOCKS4A])
def test_socks4_cannot_log_in(wire: bytes) -> None:
    progress = SocksServer(LOGIN).receive(wire)
    assert progress.reply == b"\x00\x5b" + bytes(6)
    assert progress.failed is not None
    assert "login" in progress.failed


def test_the_longest_socks4a_request() -> None:
    user, host = b"u" * 255, b".".join([b"h" * 63] * 4)
    progress = SocksServer().receive(bytes.fromhex("04 01 0050 00000001") + user + b"\x00" + host + b"\x00")
    assert progress.request == SocksRequest(4, Command.CONNECT, Address(host.decode(), 80))


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"\x00"])
def test_something_else_gets_no_answer(data: bytes) -> None:
    assert SocksServer().receive(data) == Progress(failed="neither SOCKS4 nor SOCKS5")


@pytest.mark.parametrize(("byte", "socks"), [(4, True), (5, True), (ord("G"), False), (0x16, False)])
def test_socks_is_told_from_http_by_its_first_byte(byte: int, socks: bool) -> None:
    assert looks_like_socks(byte) is socks


WIRES = [
    CURL_GREETING + TO_NAME + b"early",
    CURL_GREETING_WITH_LOGIN + CURL_LOGIN + TO_IPV6 + b"early",
    CURL_GREETING + ASSOCIATE,
    SOCKS4 + b"early",
    SOCKS4A + b"early",
    CURL_GREETING_WITH_LOGIN + b"\x01\x03ann\x05wrong",
    CHROMIUM_GREETING + bytes.fromhex("05 02 00 01 7f000001 0050"),
    bytes.fromhex("04 01 0050 7f000001") + bytes([120] * 256),
]


@given(st.sampled_from(WIRES), st.sampled_from([None, LOGIN]), st.lists(st.integers(0, 9)))
def test_any_pieces_come_to_the_same(wire: bytes, credentials: tuple[str, str] | None, sizes: list[int]) -> None:
    assert in_pieces(SocksServer(credentials), wire, sizes) == in_pieces(SocksServer(credentials), wire, [])


@given(
    st.sampled_from([b"", b"\x04", b"\x05", CURL_GREETING, CURL_GREETING_WITH_LOGIN, b"\x05\x01\x02", SOCKS4A[:9]]),
    st.sampled_from([None, LOGIN]),
    st.lists(st.binary(max_size=600), max_size=5),
)
@example(b"", None, [b"\x05", b"\x01", b"\x00"])
def test_random_bytes_come_to_an_end_or_ask_for_few_more(
    start: bytes, credentials: tuple[str, str] | None, chunks: list[bytes]
) -> None:
    server = SocksServer(credentials)
    for chunk in [start, *chunks]:
        progress = server.receive(chunk)
        if progress.failed is not None:
            assert progress.failed.isprintable()
            break
        if progress.request is not None:
            assert str(progress.request.address).isprintable()
            break
        assert len(server._held) < 8 + 2 * 256


def test_nothing_secret_is_shown() -> None:
    server = SocksServer(LOGIN)
    server.receive(CURL_GREETING_WITH_LOGIN)
    assert "let:me" not in repr(server) + repr(server.receive(b"\x01\x03ann\x09let:me on"))
    assert "early" not in repr(SocksServer().receive(SOCKS4 + b"early"))


def test_success_replies() -> None:
    assert success_reply(5) == bytes.fromhex("05 00 00 01 00000000 0000")
    assert success_reply(5, Address("::1", 1080)) == bytes.fromhex("05 00 00 04 00000000000000000000000000000001 0438")
    assert success_reply(4) == bytes.fromhex("00 5a 0000 00000000")


@pytest.mark.parametrize("reason", list(Reply)[1:])
def test_failure_replies(reason: Reply) -> None:
    assert failure_reply(5, reason) == bytes((5, reason)) + bytes.fromhex("00 01 00000000 0000")
    assert failure_reply(4, reason) == bytes.fromhex("00 5b 0000 00000000")


def test_a_datagram() -> None:
    wire = bytes.fromhex("0000 00 01 01010101 0035") + b"query"
    assert decode_udp(wire) == (Address("1.1.1.1", 53), b"query")
    assert encode_udp(Address("1.1.1.1", 53), b"query") == wire


@given(
    st.builds(Address, st.sampled_from(["example.com", "1.2.3.4", "::1"]), st.integers(0, 65535)),
    st.binary(max_size=100),
)
def test_a_datagram_is_read_back(address: Address, payload: bytes) -> None:
    assert decode_udp(memoryview(encode_udp(address, memoryview(payload)))) == (address, payload)


def test_a_fragment_is_dropped() -> None:
    assert decode_udp(bytes.fromhex("0000 01 01 01010101 0035") + b"part") is None


@pytest.mark.parametrize("datagram", [b"", b"\x00\x00", b"\x00\x00\x00", b"\x00\x00\x00\x01\x7f", b"\x00\x00\x00\x09"])
def test_a_datagram_without_a_whole_address_is_refused(datagram: bytes) -> None:
    with pytest.raises(BadSocks):
        decode_udp(datagram)


@given(st.binary(max_size=300))
def test_a_random_datagram_is_read_or_refused(datagram: bytes) -> None:
    with suppress(BadSocks):
        decode_udp(datagram)


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("dial tcp 127.0.0.1:9: connect: connection refused", Reply.CONNECTION_REFUSED),
        ("Connection refused (os error 111)", Reply.CONNECTION_REFUSED),
        (
            "No connection could be made because the target machine actively refused it.",
            Reply.CONNECTION_REFUSED,
        ),
        ("dial tcp 10.0.0.1:80: i/o timeout", Reply.TTL_EXPIRED),
        ("Connection timed out", Reply.TTL_EXPIRED),
        ("context deadline exceeded", Reply.TTL_EXPIRED),
        ("dial tcp: lookup nowhere.example: no such host", Reply.HOST_UNREACHABLE),
        ("lookup a on 9.9.9.9:53: read udp: connection refused", Reply.HOST_UNREACHABLE),
        ("[Errno -2] Name or service not known", Reply.HOST_UNREACHABLE),
        ("Temporary failure in name resolution", Reply.HOST_UNREACHABLE),
        ("dial tcp 10.0.0.1:80: connect: no route to host", Reply.HOST_UNREACHABLE),
        ("dial tcp [2001:db8::1]:80: connect: network is unreachable", Reply.NETWORK_UNREACHABLE),
        ("address family not supported by protocol", Reply.ADDRESS_TYPE_NOT_SUPPORTED),
        ("blocked by rules: private address", Reply.NOT_ALLOWED),
        ("connect: operation not permitted", Reply.NOT_ALLOWED),
        ("dial tcp: connectionrefused.example: whatever", Reply.GENERAL_FAILURE),
        ("", Reply.GENERAL_FAILURE),
    ],
)
def test_a_servers_words_become_a_code(text: str, reply: Reply) -> None:
    assert reply_for(text) is reply


@given(st.text())
def test_any_words_become_a_failure(text: str) -> None:
    assert reply_for(text) is not Reply.SUCCEEDED


def test_the_usual_greeting_is_answered_like_any_other() -> None:
    usual, pieces, other = SocksServer(), SocksServer(), SocksServer()
    assert usual.receive(b"\x05\x01\x00") == Progress(b"\x05\x00")
    assert in_pieces(pieces, b"\x05\x01\x00" + TO_NAME, [1]) == Progress(b"\x05\x00", EXAMPLE)
    assert other.receive(b"\x05\x02\x00\x01") == Progress(b"\x05\x00")
    assert usual.receive(TO_NAME) == other.receive(TO_NAME) == Progress(request=EXAMPLE)
    assert SocksServer(("user", "word")).receive(b"\x05\x01\x00").failed is not None
