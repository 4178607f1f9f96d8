"""Playbooks: what each side sends, and the actions that follow, to the byte."""

import base64
from collections.abc import Callable

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.address import Address
from app.protocols.http_proxy import (
    CONNECTED,
    MAX_HEAD,
    Action,
    CloseLocal,
    CloseUpstream,
    HttpProxy,
    Open,
    Raw,
    ToLocal,
    ToUpstream,
    Tunnel,
)

EXAMPLE = Address("example.com", 80)
SECURE = Address("example.com", 443)
LOGIN = ("ann", "let:me in")
TOKEN = base64.b64encode(b"ann:let:me in")

CURL = (
    b"GET http://example.com/path?q=1 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: curl/7.88.1\r\n"
    b"Accept: */*\r\nProxy-Connection: Keep-Alive\r\n\r\n"
)
CURL_FORWARDED = b"GET /path?q=1 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"
CHROMIUM_CONNECT = (
    b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nProxy-Connection: keep-alive\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\r\n"
)
GET = b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n"
GET_FORWARDED = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"
POST = b"POST http://example.com/ HTTP/1.1\r\nHost: example.com\r\nContent-Length: 10\r\n\r\n"
POST_FORWARDED = b"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 10\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"
UPGRADE = (
    b"GET http://example.com/chat HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def after(*requests: bytes, credentials: tuple[str, str] | None = None) -> HttpProxy:
    """A proxy whose app has sent these."""
    proxy = HttpProxy(credentials)
    for request in requests:
        proxy.local_bytes(request)
    return proxy


def forwarded(request: bytes) -> bytes:
    """What the origin gets of a request to example.com."""
    opened, sent = HttpProxy().local_bytes(request)
    assert opened == Open(EXAMPLE)
    assert isinstance(sent, ToUpstream)
    return sent.data


def answered(request: bytes, response: bytes) -> bytes:
    """What the app gets of a response."""
    first = after(request).upstream_bytes(response)[0]
    assert isinstance(first, ToLocal)
    return first.data


def refusal(action: Action) -> tuple[bytes, bytes]:
    """Status line and body of one of our own answers."""
    assert isinstance(action, ToLocal)
    head, _, body = action.data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert b"Content-Length: %d" % len(body) in lines
    assert b"Content-Type: text/plain; charset=utf-8" in lines
    return lines[0], body


# one request


def test_curl() -> None:
    proxy = HttpProxy()
    assert proxy.local_bytes(CURL) == [Open(EXAMPLE), ToUpstream(CURL_FORWARDED)]
    assert proxy.upstream_opened() == []
    assert proxy.upstream_bytes(OK) == [ToLocal(OK)]
    assert proxy.local_eof() == [CloseUpstream(), CloseLocal()]


@pytest.mark.parametrize(
    ("target", "address", "line", "host"),
    [
        (b"http://example.com", EXAMPLE, b"GET / ", b"example.com"),
        (b"http://example.com:80/", EXAMPLE, b"GET / ", b"example.com:80"),
        (b"HTTP://Example.com:8080?q", Address("Example.com", 8080), b"GET /?q ", b"Example.com:8080"),
        (b"http://[::1]:8080/a//b", Address("::1", 8080), b"GET /a//b ", b"[::1]:8080"),
        (b"http://127.0.0.1/a?b=http://c/", Address("127.0.0.1", 80), b"GET /a?b=http://c/ ", b"127.0.0.1"),
        (b"http://example.com/a#b", EXAMPLE, b"GET /a ", b"example.com"),
    ],
)
def test_the_host_comes_from_the_address(target: bytes, address: Address, line: bytes, host: bytes) -> None:
    request = b"GET " + target + b" HTTP/1.1\r\nhost: elsewhere.example\r\n\r\n"
    sent = line + b"HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"
    assert HttpProxy().local_bytes(request) == [Open(address), ToUpstream(sent)]


def test_options_for_the_whole_server() -> None:
    assert forwarded(b"OPTIONS http://example.com HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"OPTIONS * HTTP/1.1\r\n")
    assert forwarded(b"OPTIONS http://example.com/ HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"OPTIONS / HTTP/1.1\r\n")
    assert forwarded(b"OPTIONS http://example.com?q HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"OPTIONS /?q ")


def test_headers_for_one_hop_stay_here() -> None:
    sent = forwarded(
        b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n"
        b"Proxy-Connection: X-Old\r\nX-Old: 1\r\nKeep-Alive: 300\r\nTE: trailers\r\nUpgrade: h2c\r\n"
        b"Proxy-Authorization: Basic abc\r\nX-CaSe: Kept\r\nCookie: a=b\r\n\r\n"
    )
    assert sent == b"GET / HTTP/1.1\r\nHost: example.com\r\nX-CaSe: Kept\r\nCookie: a=b\r\n\r\n"


def test_connection_cannot_take_the_framing_away() -> None:
    sent = forwarded(
        b"POST http://example.com/ HTTP/1.1\r\nHost: x\r\nConnection: Host, Content-Length\r\n"
        b"Content-Length: 2\r\n\r\nhi"
    )
    assert sent == b"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 2\r\n\r\nhi"


def test_headers_of_the_answer_for_one_hop_stay_here() -> None:
    response = (
        b"HTTP/1.1 200 Fine\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
        b"set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    )
    proxy = after(GET)
    assert proxy.upstream_bytes(response) == [
        ToLocal(b"HTTP/1.1 200 Fine\r\nset-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"),
        CloseUpstream(),
    ]


# bodies


def test_bodies_stream_both_ways() -> None:
    proxy = HttpProxy()
    assert proxy.local_bytes(POST + b"01234") == [Open(EXAMPLE), ToUpstream(POST_FORWARDED + b"01234")]
    assert proxy.local_bytes(b"56789") == [ToUpstream(b"56789")]
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
    assert proxy.upstream_bytes(head) == [ToLocal(head)]
    assert proxy.upstream_bytes(b"abc") == [ToLocal(b"abc")]
    assert proxy.upstream_bytes(b"def") == [ToLocal(b"def")]
    assert proxy.local_bytes(GET) == [ToUpstream(GET_FORWARDED)]


def test_chunked_both_ways_with_trailers() -> None:
    request = (
        b"POST http://example.com/ HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;ext=1\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"
    )
    chunked = b"\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"
    assert forwarded(request) == b"POST / HTTP/1.1\r\nHost: example.com" + chunked
    assert answered(GET, b"HTTP/1.1 200 OK" + chunked) == b"HTTP/1.1 200 OK" + chunked


def test_a_length_beside_chunked_is_not_passed_on() -> None:
    request = (
        b"POST http://example.com/ HTTP/1.1\r\nHost: example.com\r\nContent-Length: 99\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    )
    assert b"Content-Length" not in forwarded(request)
    response = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert b"Content-Length" not in answered(GET, response)


@pytest.mark.parametrize(
    ("method", "response"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (b"GET", NOT_MODIFIED),
    ],
)
def test_answers_without_a_body(method: bytes, response: bytes) -> None:
    request = method + b" http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n"
    proxy = after(request)
    assert proxy.upstream_bytes(response) == [ToLocal(response)]
    assert proxy.local_bytes(request) == [ToUpstream(method + b" / HTTP/1.1\r\nHost: example.com\r\n\r\n")]


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    proxy = after(GET)
    assert proxy.upstream_bytes(b"HTTP/1.1 200 OK\r\n\r\nabc") == [
        ToLocal(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    ]
    assert proxy.upstream_eof() == [ToLocal(b"0\r\n\r\n"), CloseUpstream()]
    assert proxy.local_bytes(GET) == [Open(EXAMPLE), ToUpstream(GET_FORWARDED)]


def test_an_answer_without_a_length_that_breaks_off_is_not_taken_for_whole() -> None:
    proxy = after(GET)
    proxy.upstream_bytes(b"HTTP/1.1 200 OK\r\n\r\nabc")
    assert proxy.upstream_failed("session lost") == [CloseUpstream(), CloseLocal("session lost", reset=True)]


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    ],
)
def test_an_answer_cut_short_is_cut_short_for_the_app(response: bytes) -> None:
    proxy = after(GET)
    proxy.upstream_bytes(response)
    reason = "the connection was closed before the answer was complete"
    assert proxy.upstream_eof() == [CloseUpstream(), CloseLocal(reason, reset=True)]


def test_an_answer_that_turns_to_nonsense_is_cut_short() -> None:
    proxy = after(GET)
    proxy.upstream_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    reason = "what answered there does not speak HTTP/1"
    assert proxy.upstream_bytes(b"nonsense\r\n") == [CloseUpstream(), CloseLocal(reason, reset=True)]


# interim answers


def test_100_continue_passes_through() -> None:
    head = (
        b"POST http://example.com/ HTTP/1.1\r\nHost: example.com\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    )
    proxy = HttpProxy()
    assert proxy.local_bytes(head) == [
        Open(EXAMPLE),
        ToUpstream(b"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
    ]
    assert proxy.upstream_bytes(b"HTTP/1.1 100 Continue\r\n\r\n") == [ToLocal(b"HTTP/1.1 100 Continue\r\n\r\n")]
    assert proxy.local_bytes(b"hi") == [ToUpstream(b"hi")]
    assert proxy.upstream_bytes(OK) == [ToLocal(OK)]


def test_early_hints_pass_through() -> None:
    response = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + OK
    assert answered(GET, response) == response


def test_switching_protocols() -> None:
    proxy = HttpProxy()
    sent = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert proxy.local_bytes(UPGRADE) == [Open(EXAMPLE), ToUpstream(sent)]
    assert proxy.upstream_bytes(SWITCHED) == [ToLocal(SWITCHED), Raw()]


def test_bytes_behind_the_switch_are_not_lost() -> None:
    proxy = after(UPGRADE, b"from the app")
    assert proxy.paused
    assert proxy.upstream_bytes(SWITCHED + b"from the origin") == [
        ToLocal(SWITCHED + b"from the origin"),
        ToUpstream(b"from the app"),
        Raw(),
    ]


def test_a_switch_that_is_declined() -> None:
    proxy = after(UPGRADE)
    assert proxy.upstream_bytes(OK) == [ToLocal(OK)]
    assert proxy.local_bytes(GET) == [ToUpstream(GET_FORWARDED)]


@pytest.mark.parametrize("request_", [GET, UPGRADE.replace(b"Connection: Upgrade\r\n", b"")])
def test_a_switch_nobody_asked_for(request_: bytes) -> None:
    closed, answer = after(request_).upstream_bytes(SWITCHED)
    assert closed == CloseUpstream()
    assert refusal(answer)[0] == b"HTTP/1.1 502 Bad Gateway"


def test_connection_upgrade_without_upgrade() -> None:
    sent = forwarded(b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n\r\n")
    assert sent == GET_FORWARDED


# HTTP/1.0

OLD = b"GET http://example.com/ HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def test_an_old_app() -> None:
    proxy = HttpProxy()
    assert proxy.local_bytes(OLD) == [Open(EXAMPLE), ToUpstream(GET_FORWARDED)]
    response = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"
    assert proxy.upstream_bytes(b"HTTP/1.1 100 Continue\r\n\r\n" + response) == [
        ToLocal(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"),
        CloseUpstream(),
        CloseLocal(),
    ]


def test_an_old_origin() -> None:
    proxy = after(GET)
    assert proxy.upstream_bytes(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok") == [ToLocal(OK), CloseUpstream()]


# keep-alive


def test_the_stream_is_used_again_for_the_same_host() -> None:
    proxy = after(GET)
    proxy.upstream_bytes(OK)
    assert proxy.local_bytes(CURL) == [ToUpstream(CURL_FORWARDED)]


def test_another_host_gets_its_own_stream() -> None:
    proxy = after(GET)
    proxy.upstream_bytes(OK)
    assert proxy.local_bytes(GET.replace(b".com", b".org")) == [
        CloseUpstream(),
        Open(Address("example.org", 80)),
        ToUpstream(GET_FORWARDED.replace(b".com", b".org")),
    ]


@pytest.mark.parametrize(
    "end", [HttpProxy.upstream_eof, lambda it: it.upstream_failed("lost"), lambda it: it.upstream_bytes(OK)]
)
def test_an_idle_stream_that_ends_is_replaced(end: Callable[[HttpProxy], list[Action]]) -> None:
    proxy = after(GET)
    proxy.upstream_bytes(OK)
    assert end(proxy) == [CloseUpstream()]
    assert end(proxy) == []
    assert proxy.local_bytes(GET) == [Open(EXAMPLE), ToUpstream(GET_FORWARDED)]


def test_bytes_behind_an_answer_end_the_stream() -> None:
    assert after(GET).upstream_bytes(OK + b"more") == [ToLocal(OK), CloseUpstream()]


def test_an_idle_stream_that_ends_as_a_request_comes_leaves_the_app_to_ask_again() -> None:
    proxy = after(GET)
    proxy.upstream_bytes(OK)
    proxy.local_bytes(GET)
    reason = "the connection was closed before the answer was complete"
    assert proxy.upstream_eof() == [CloseUpstream(), CloseLocal(reason)]


def test_a_new_stream_that_ends_without_an_answer() -> None:
    closed, answer = after(GET).upstream_eof()
    assert closed == CloseUpstream()
    assert refusal(answer) == (
        b"HTTP/1.1 502 Bad Gateway",
        b"the connection was closed before the answer was complete\n",
    )


def test_the_app_asks_to_close() -> None:
    request = b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"
    proxy = after(request)
    assert proxy.local_bytes(b"\r\nleft over") == []
    assert proxy.upstream_bytes(OK) == [
        ToLocal(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
        CloseUpstream(),
        CloseLocal(),
    ]


def test_pipelined_requests_are_answered_in_order() -> None:
    proxy = HttpProxy()
    assert proxy.local_bytes(CURL + GET + GET) == [Open(EXAMPLE), ToUpstream(CURL_FORWARDED)]
    assert proxy.paused
    assert proxy.upstream_bytes(OK) == [ToLocal(OK), ToUpstream(GET_FORWARDED)]
    assert proxy.paused
    assert proxy.upstream_bytes(OK) == [ToLocal(OK), ToUpstream(GET_FORWARDED)]
    assert not proxy.paused
    assert proxy.local_eof() == []
    assert proxy.upstream_bytes(NOT_MODIFIED) == [
        ToLocal(NOT_MODIFIED),
        CloseUpstream(),
        CloseLocal(),
    ]


def test_pipelined_behind_an_answer_that_closes_the_stream() -> None:
    proxy = after(GET + GET)
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    assert proxy.upstream_bytes(closing) == [ToLocal(OK), CloseUpstream(), Open(EXAMPLE), ToUpstream(GET_FORWARDED)]


def test_an_app_that_ends_its_sending_gets_its_answer() -> None:
    proxy = after(GET)
    assert proxy.local_eof() == []
    assert proxy.upstream_bytes(OK) == [ToLocal(OK), CloseUpstream(), CloseLocal()]


def test_an_app_that_says_nothing() -> None:
    assert HttpProxy().local_eof() == [CloseLocal()]


# answers that come before their request is complete


def test_an_early_answer_and_the_rest_of_the_body() -> None:
    proxy = after(POST)
    assert proxy.upstream_bytes(OK) == [ToLocal(OK)]
    assert proxy.local_bytes(b"01234") == [ToUpstream(b"01234")]
    assert proxy.local_bytes(b"56789" + GET) == [ToUpstream(b"56789" + GET_FORWARDED)]


def test_an_early_answer_and_nobody_left_to_take_the_body() -> None:
    proxy = after(POST)
    proxy.upstream_bytes(OK)
    assert proxy.upstream_eof() == [CloseUpstream()]
    assert proxy.local_bytes(b"0123456789" + GET) == [Open(EXAMPLE), ToUpstream(GET_FORWARDED)]


def test_an_early_answer_with_the_end_of_the_stream_behind_it() -> None:
    proxy = after(POST)
    proxy.upstream_bytes(b"HTTP/1.1 400 No\r\n\r\n")
    assert proxy.upstream_eof() == [ToLocal(b"0\r\n\r\n"), CloseUpstream()]
    assert proxy.local_bytes(b"0123456789") == []


def test_an_early_answer_with_nonsense_behind_it() -> None:
    proxy = after(POST)
    response = b"HTTP/1.1 400 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert proxy.upstream_bytes(response + b"more") == [
        ToLocal(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"),
        CloseUpstream(),
    ]


def test_a_body_for_a_stream_that_failed_is_dropped() -> None:
    proxy = after(POST)
    closed, answer = proxy.upstream_failed("dial tcp: no such host")
    assert closed == CloseUpstream()
    assert refusal(answer) == (b"HTTP/1.1 502 Bad Gateway", b"dial tcp: no such host\n")
    assert proxy.local_bytes(b"0123456789" + GET) == [Open(EXAMPLE), ToUpstream(GET_FORWARDED)]


# failures


def test_a_reason_is_made_fit_to_show() -> None:
    _, answer = after(GET).upstream_failed("no\r\n\x1b[31mway\u202e" + "x" * 65535)
    _, body = refusal(answer)
    assert body.decode().strip().isprintable()
    assert len(body) < 1000


def test_head_gets_a_refusal_without_a_body() -> None:
    proxy = after(b"HEAD http://example.com/ HTTP/1.1\r\nHost: x\r\n\r\n")
    _, answer = proxy.upstream_failed("refused")
    assert isinstance(answer, ToLocal)
    assert answer.data.endswith(b"Content-Length: 8\r\n\r\n")
    assert proxy.local_bytes(GET) == [Open(EXAMPLE), ToUpstream(GET_FORWARDED)]
    assert refusal(proxy.upstream_failed("refused")[1])[1] == b"refused\n"


def test_what_answers_may_not_speak_http() -> None:
    closed, answer = after(GET).upstream_bytes(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    assert closed == CloseUpstream()
    assert refusal(answer) == (b"HTTP/1.1 502 Bad Gateway", b"what answered there does not speak HTTP/1\n")


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "this is a proxy"),
        (b"GET https://example.com/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "this is a proxy"),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400, "this is a proxy"),
        (b"GET http:/// HTTP/1.1\r\nHost: x\r\n\r\n", 400, "host name"),
        (b"GET http://user:pass@example.com/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "expected host:port"),
        (b"GET http://example.com:99999/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "port"),
        (b"CONNECT example.com HTTP/1.1\r\nHost: x\r\n\r\n", 400, "port"),
        (b"CONNECT http://example.com:443/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "expected host:port"),
        (b"GET http://example.com/ HTTP/1.1\r\n\r\n", 400, "Missing mandatory Host: header"),
        (b"GET http://example.com/\r\n\r\n", 400, "illegal request line"),
        (b"\x16\x03\x01\x02\x00", 400, "illegal request line"),
        (b"GET http://example.com/ HTTP/1.1\r\nHost: x\r\nCookie : secret\r\n\r\n", 400, "illegal header line"),
        (b"POST http://example.com/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "chunked"),
        (b"GET http://example.com/ HTTP/1.1\r\nCookie: " + b"x" * MAX_HEAD, 431, "too long"),
    ],
)
def test_a_request_that_is_refused(request_: bytes, status: int, reason: str) -> None:
    proxy = HttpProxy()
    answer, closed = proxy.local_bytes(request_)
    line, body = refusal(answer)
    assert line.startswith(b"HTTP/1.1 %d " % status)
    assert isinstance(answer, ToLocal)
    assert b"Connection: close" in answer.data
    assert isinstance(closed, CloseLocal)
    assert closed.reason is not None
    assert reason in closed.reason
    assert closed.reason == body.decode().strip()
    assert "secret" not in closed.reason
    assert proxy.local_bytes(GET) == []


def test_a_request_that_breaks_off() -> None:
    answer, closed_upstream, closed = after(POST, b"0123").local_eof()
    assert refusal(answer)[0] == b"HTTP/1.1 400 Bad Request"
    assert closed_upstream == CloseUpstream()
    assert isinstance(closed, CloseLocal)


def test_a_body_that_turns_to_nonsense_during_its_answer() -> None:
    proxy = after(b"POST http://example.com/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    proxy.upstream_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc")
    assert proxy.local_bytes(b"secret\r\n") == [CloseUpstream(), CloseLocal("illegal chunk header", reset=True)]


def test_a_body_that_turns_to_nonsense_after_its_answer() -> None:
    proxy = after(b"POST http://example.com/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    proxy.upstream_bytes(OK)
    assert proxy.local_bytes(b"secret\r\n") == [CloseUpstream(), CloseLocal("illegal chunk header")]


def test_nothing_follows_the_end() -> None:
    proxy = HttpProxy()
    proxy.local_bytes(b"nonsense\r\n\r\n")
    assert proxy.local_bytes(GET) == []
    assert proxy.local_eof() == []
    assert proxy.upstream_opened() == []
    assert proxy.upstream_bytes(OK) == []
    assert proxy.upstream_eof() == []
    assert proxy.upstream_failed("late") == []


# CONNECT


def test_chromium_connects() -> None:
    proxy = HttpProxy()
    assert proxy.local_bytes(CHROMIUM_CONNECT) == [Tunnel(SECURE)]
    assert proxy.upstream_opened() == [ToLocal(CONNECTED)]
    assert proxy.upstream_opened() == []
    assert proxy.upstream_failed("late") == []


def test_what_follows_connect_goes_along() -> None:
    assert HttpProxy().local_bytes(CHROMIUM_CONNECT + b"\x16\x03\x01") == [Tunnel(SECURE, b"\x16\x03\x01")]


def test_a_body_of_connect_means_nothing() -> None:
    proxy = HttpProxy()
    assert proxy.local_bytes(b"CONNECT [::1]:443 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nh") == []
    assert proxy.local_bytes(b"iTLS") == [Tunnel(Address("::1", 443), b"TLS")]


def test_a_tunnel_that_cannot_be() -> None:
    proxy = after(CHROMIUM_CONNECT)
    answer, closed = proxy.upstream_failed("dial tcp 127.0.0.1:9: connect: connection refused")
    reason = "dial tcp 127.0.0.1:9: connect: connection refused"
    assert refusal(answer) == (b"HTTP/1.1 502 Bad Gateway", reason.encode() + b"\n")
    assert closed == CloseLocal(reason)


def test_connect_on_a_connection_used_before() -> None:
    proxy = after(GET)
    proxy.upstream_bytes(OK)
    assert proxy.local_bytes(CHROMIUM_CONNECT) == [CloseUpstream(), Tunnel(SECURE)]


# login


def with_login(request: bytes, value: bytes) -> bytes:
    return request.replace(b"\r\n\r\n", b"\r\nProxy-Authorization: " + value + b"\r\n\r\n")


@pytest.mark.parametrize("value", [b"Basic " + TOKEN, b"basic  " + TOKEN])
def test_a_login(value: bytes) -> None:
    assert HttpProxy(LOGIN).local_bytes(with_login(CHROMIUM_CONNECT, value)) == [Tunnel(SECURE)]
    assert HttpProxy(LOGIN).local_bytes(with_login(GET, value)) == [Open(EXAMPLE), ToUpstream(GET_FORWARDED)]


@pytest.mark.parametrize(
    "request_",
    [
        GET,
        POST + b"0123456789",
        CHROMIUM_CONNECT,
        with_login(GET, b"Basic " + base64.b64encode(b"ann:wrong")),
        with_login(GET, b"Bearer " + TOKEN),
        with_login(GET, b"Basic"),
    ],
)
def test_a_missing_or_wrong_login_may_be_tried_again(request_: bytes) -> None:
    proxy = HttpProxy(LOGIN)
    [answer] = proxy.local_bytes(request_)
    assert refusal(answer) == (b"HTTP/1.1 407 Proxy Authentication Required", b"This proxy asks for a login.\n")
    assert isinstance(answer, ToLocal)
    assert b'\r\nProxy-Authenticate: Basic realm="AnyTLS Tray"\r\n' in answer.data
    assert proxy.local_bytes(with_login(CHROMIUM_CONNECT, b"Basic " + TOKEN)) == [Tunnel(SECURE)]


def test_nothing_secret_is_shown() -> None:
    proxy = HttpProxy(LOGIN)
    shown = repr(proxy) + repr(proxy.local_bytes(with_login(GET, b"Basic " + TOKEN) + b"payload"))
    assert TOKEN.decode() not in shown
    assert "payload" not in shown
    assert "GET" not in shown


# whatever the pieces

PLAYS: list[list[tuple[str, bytes]]] = [
    [("local", CURL), ("upstream", OK), ("local", GET), ("upstream", NOT_MODIFIED)],
    [("local", CURL + GET + POST + b"0123456789"), ("upstream", OK), ("upstream", OK), ("upstream", OK)],
    [("local", POST + b"01234"), ("upstream", b"HTTP/1.1 100 Continue\r\n\r\n"), ("local", b"56789"), ("upstream", OK)],
    [("local", POST), ("upstream", OK), ("local", b"0123456789" + GET.replace(b".com", b".org")), ("upstream", OK)],
    [("local", UPGRADE), ("upstream", SWITCHED)],
    [("local", GET), ("upstream", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")],
    [("local", OLD), ("upstream", b"HTTP/1.0 200 OK\r\n\r\nuntil the end"), ("upstream", b"")],
    [("local", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
    [("local", GET), ("upstream", b"SSH-2.0-OpenSSH_9.2\r\n\r\n")],
    [("local", CHROMIUM_CONNECT)],
]


def perform(play: list[tuple[str, bytes]], sizes: list[int]) -> list[tuple[type, bytes, Action | None]]:
    """All actions of a play whose bytes come in pieces of these sizes; writes to one side made one."""
    proxy = HttpProxy()
    cuts = iter(sizes)
    written: list[tuple[type, bytes, Action | None]] = []
    for side, data in play:
        feed = proxy.local_bytes if side == "local" else proxy.upstream_bytes
        actions = proxy.upstream_eof() if not data else []
        left = data
        while left:
            size = next(cuts, len(left))
            actions += feed(left[:size])
            left = left[size:]
        for action in actions:
            if not isinstance(action, ToLocal | ToUpstream):
                written.append((type(action), b"", action))
            elif written and written[-1][0] is type(action):
                written[-1] = (type(action), written[-1][1] + action.data, None)
            else:
                written.append((type(action), action.data, None))
    return written


@given(st.sampled_from(PLAYS), st.lists(st.integers(0, 60), max_size=60))
def test_any_pieces_come_to_the_same(play: list[tuple[str, bytes]], sizes: list[int]) -> None:
    assert perform(play, sizes) == perform(play, [])


@given(st.lists(st.integers(1, 20), max_size=30), st.lists(st.binary(min_size=1, max_size=20), max_size=6))
def test_a_chunked_answer_arrives_whole_in_any_pieces(sizes: list[int], chunks: list[bytes]) -> None:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    response = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"
    proxy = after(GET)
    app = h11.Connection(h11.CLIENT)
    app.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    app.send(h11.EndOfMessage())
    for size in [*sizes, len(response)]:
        piece, response = response[:size], response[size:]
        for action in proxy.upstream_bytes(piece):
            assert isinstance(action, ToLocal)
            app.receive_data(action.data)
    received = b""
    while not isinstance(event := app.next_event(), h11.EndOfMessage):
        received += bytes(event.data) if isinstance(event, h11.Data) else b""
    assert received == b"".join(chunks)


# whatever the peers do


class Carrier:
    """Carries actions out, and knows which of them make no sense."""

    def __init__(self, proxy: HttpProxy) -> None:
        self.proxy = proxy
        self.open = False
        self.tunnel = False
        self.over = False
        self.deaf = False

    def step(self, kind: str, data: bytes) -> None:
        if kind == "local" and not (self.deaf or self.tunnel or self.proxy.paused):
            self.carry_out(self.proxy.local_bytes(data))
        elif kind == "local_eof" and not (self.deaf or self.tunnel):
            self.deaf = True
            self.carry_out(self.proxy.local_eof())
        elif kind == "upstream" and self.open and not self.tunnel:
            self.carry_out(self.proxy.upstream_bytes(data))
        elif kind == "upstream_eof" and self.open and not self.tunnel:
            self.carry_out(self.proxy.upstream_eof())
        elif kind == "failed" and self.open:
            self.carry_out(self.proxy.upstream_failed("failed"))
        elif kind == "opened" and self.open:
            self.carry_out(self.proxy.upstream_opened())

    def carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            assert not self.over
            if isinstance(action, Open | Tunnel):
                assert not self.open
                self.open, self.tunnel = True, isinstance(action, Tunnel)
            elif isinstance(action, ToUpstream | CloseUpstream):
                assert self.open
                self.open = isinstance(action, ToUpstream)
            elif isinstance(action, CloseLocal | Raw):
                assert self.open is isinstance(action, Raw) or self.tunnel
                self.over = True
        self.over = self.over or ToLocal(CONNECTED) in actions


HEAD = b"HEAD http://example.com/ HTTP/1.1\r\nHost: x\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.0 200 OK\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
UNKNOWN = b"HTTP/1.1 099 x\r\n\r\n"
requests = [CURL, GET, HEAD, POST, OLD, UPGRADE, CHROMIUM_CONNECT, b"0123456789", b"\r\n"]
responses = [OK, NOT_MODIFIED, CONTINUE, SWITCHED, UNTIL_CLOSE, CHUNKED, UNKNOWN, b"5\r\nab", b"0\r\n\r\n"]
words = st.sampled_from(requests + responses)
kinds = st.sampled_from(["local", "local", "upstream", "upstream", "upstream_eof", "local_eof", "failed", "opened"])


@given(st.lists(st.tuples(kinds, words | st.binary(max_size=20)), max_size=20), st.sampled_from([None, LOGIN]))
def test_no_conversation_makes_it_stumble(steps: list[tuple[str, bytes]], credentials: tuple[str, str] | None) -> None:
    carrier = Carrier(HttpProxy(credentials))
    for kind, data in steps:
        carrier.step(kind, data)
        if carrier.over:
            break
