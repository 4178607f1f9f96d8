"""A server's first bytes: real ones and others."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.opening import ALERTS, MAX_OPENING, Opening, read
from tests.fakes import certificates


def flight(version: ssl.TLSVersion) -> bytes:
    """What a real server sends first."""
    server = certificates.good().context()
    server.minimum_version = server.maximum_version = version
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client.wrap_bio(to_client, to_server, server_hostname="localhost").do_handshake()
    with pytest.raises(ssl.SSLWantReadError):
        server.wrap_bio(to_server, to_client, server_side=True).do_handshake()
    return to_client.read()


@pytest.mark.parametrize(("version", "name"), [(ssl.TLSVersion.TLSv1_2, "1.2"), (ssl.TLSVersion.TLSv1_3, "1.3")])
def test_a_real_server_hello(version: ssl.TLSVersion, name: str) -> None:
    data = flight(version)
    assert read(data) == read(data[:MAX_OPENING]) == Opening(True, version=name)


@pytest.mark.parametrize("code", [40, 70, 112, 120])
def test_an_alert_has_a_name(code: int) -> None:
    assert read(bytes((21, 3, 3, 0, 2, 2, code))) == Opening(True, alert=ALERTS[code])


def test_an_alert_without_a_name_has_a_number() -> None:
    assert read(bytes((21, 3, 1, 0, 2, 2, 250))) == Opening(True, alert="250")


@pytest.mark.parametrize("data", [b"HTTP/1.1 400 Bad Request\r\n", b"SSH-2.0", b"\x16\x09\x00\x00\x00", b"\x00"])
def test_something_else(data: bytes) -> None:
    assert read(data) == Opening(False)


def test_nothing_yet() -> None:
    assert read(b"") == Opening(None)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16",
        b"\x16\x03\x03",
        b"\x15\x03\x03\x00\x02\x02",
        b"\x14\x03\x03\x00\x01\x01",
        b"\x16\x03\x03\x00\x04\x0b\0\0\0",
    ],
)
def test_tls_that_says_no_more(data: bytes) -> None:
    assert read(data) == Opening(True)


def hello(version: tuple[int, int], *extensions: bytes) -> bytes:
    body = b"".join(extensions)
    text = bytes(version) + bytes(32) + b"\0" + b"\x13\x01\0" + (len(body).to_bytes(2, "big") + body if body else b"")
    return b"\x16\x03\x03\x01\x00\x02" + len(text).to_bytes(3, "big") + text


@pytest.mark.parametrize(
    ("data", "version"),
    [
        (hello((3, 3), b"\xff\x01\0\1\0", b"\0\x2b\0\2\3\4"), "1.3"),
        (hello((3, 3), b"\xff\x01\0\1\0"), "1.2"),
        (hello((3, 1)), "1.0"),
        (hello((3, 0)), "3.0"),
        (hello((3, 3), b"\0\x2b\0\2\x7f\x1c"), "127.28"),
        (hello((3, 3), b"\0\x2b\0\2\3"), None),
        (hello((3, 3), b"\0\x2b\0"), None),
        (hello((3, 3))[:20], None),
    ],
)
def test_the_version_it_chooses(data: bytes, version: str | None) -> None:
    assert read(data) == Opening(True, version=version)


@given(st.binary(max_size=MAX_OPENING))
def test_any_bytes_are_read(data: bytes) -> None:
    assert read(data).speaks_tls in (None, True, False)
