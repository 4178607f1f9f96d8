"""Servers written by others, each with a will of its own: what both libraries make of them, and in which words."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.engine import tls
from app.engine.options import Server, Timings, TlsOptions, Verification
from app.engine.probe import probe
from app.engine.tls_context import make_context
from app.errors import (
    AlpnRefused,
    CertificateExpired,
    DialFailed,
    Failure,
    HandshakeRefused,
    NameRefused,
    NotAnyTls,
    TlsVersionRefused,
)
from app.protocols.address import Address
from tests.fakes import certificates
from tests.fakes.libraries import both_libraries
from tests.fakes.loops import both_loops
from tests.fakes.nginx import needs_nginx, nginx
from tests.fakes.openssl import openssl_server

TIMINGS = Timings()


def at(address: Address, ca_file: str, fingerprint: str, **options: Any) -> Server:
    usual: dict[str, Any] = {"server_name": "server.test", "verification": Verification.CA_FILE, "ca_file": ca_file}
    return Server(address.host, address.port, "secret", TlsOptions(fingerprint=fingerprint, **usual | options))


async def agreed(server: Server) -> tuple[str, str, str | None]:
    """Version, suite and protocol of a connection."""
    link = (await tls.dial(server, make_context(server.tls), TIMINGS)).link
    cipher = link.tls.cipher()
    assert cipher is not None
    found = link.tls.version() or "", cipher[0], link.tls.selected_alpn_protocol()
    link.abort()
    await asyncio.sleep(0.01)
    return found


async def refusal(server: Server) -> DialFailed:
    with pytest.raises(DialFailed) as caught:
        await tls.dial(server, make_context(server.tls), TIMINGS)
    await asyncio.sleep(0.01)
    return caught.value


# ---- OpenSSL's


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
@both_libraries
async def test_each_suite_of_tls_1_3(fingerprint: str, suite: str, ca_file: str) -> None:
    async with openssl_server("-tls1_3", "-ciphersuites", suite) as server:
        assert await agreed(at(server.address, ca_file, fingerprint)) == ("TLSv1.3", suite, None)


@pytest.mark.parametrize("exchange", ["ECDSA", "RSA"])
@pytest.mark.parametrize("suite", ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"])
@both_libraries
async def test_each_suite_of_tls_1_2(fingerprint: str, suite: str, exchange: str, ca_file: str) -> None:
    identity = certificates.good() if exchange == "ECDSA" else certificates.with_a_key_of(2048)
    name = f"ECDHE-{exchange}-{suite}"
    async with openssl_server("-tls1_2", "-cipher", name, identity=identity) as server:
        version, found, _ = await agreed(at(server.address, ca_file, fingerprint))
    assert (version, found) == ("TLSv1.2", name)


@pytest.mark.parametrize("group", ["X25519", "P-256", "P-384"])
@both_libraries
async def test_each_group_also_where_another_hello_is_needed_for_it(fingerprint: str, group: str, ca_file: str) -> None:
    async with openssl_server("-tls1_3", "-groups", group) as server:
        version, _, _ = await agreed(at(server.address, ca_file, fingerprint))
    assert version == "TLSv1.3"


@pytest.mark.parametrize(("alpn", "chosen"), [(("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1")])
@both_libraries
async def test_alpn_is_agreed_on(fingerprint: str, alpn: tuple[str, ...], chosen: str, ca_file: str) -> None:
    async with openssl_server("-alpn", "h2,http/1.1") as server:
        assert (await agreed(at(server.address, ca_file, fingerprint, alpn=alpn)))[2] == chosen


@both_libraries
@both_loops
async def test_no_common_protocol(fingerprint: str, ca_file: str) -> None:
    async with openssl_server("-alpn", "imap") as server:
        failure = await refusal(at(server.address, ca_file, fingerprint, alpn=("h2", "http/1.1")))
    assert type(failure) is AlpnRefused
    assert "h2, http/1.1" in str(failure)


@both_libraries
async def test_a_name_that_it_does_not_answer_to(fingerprint: str, ca_file: str, tmp_path: Path) -> None:
    own = certificates.for_another_name().saved(tmp_path)
    options = ("-servername", "other.test", "-servername_fatal", "-cert2", own, "-key2", own)
    async with openssl_server(*options) as server:
        failure = await refusal(at(server.address, ca_file, fingerprint))
    assert type(failure) is NameRefused
    assert "server.test" in str(failure)


@pytest.mark.parametrize(
    ("options", "limits", "words"),
    [
        (("-tls1_2",), {"min_version": "1.3"}, "the profile asks for 1.3"),
        (("-tls1_3",), {"max_version": "1.2"}, "the profile asks for 1.2"),
        (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), {}, "the profile asks for 1.2–1.3"),
    ],
)
@both_libraries
@both_loops
async def test_no_common_version(
    fingerprint: str, options: tuple[str, ...], limits: dict[str, str], words: str, ca_file: str
) -> None:
    async with openssl_server(*options) as server:
        failure = await refusal(at(server.address, ca_file, fingerprint, **limits))
    assert type(failure) is TlsVersionRefused
    assert words in str(failure)


@both_libraries
async def test_no_common_suite(fingerprint: str, ca_file: str) -> None:
    async with openssl_server("-tls1_2", "-cipher", "ECDHE-ECDSA-CAMELLIA128-SHA256") as server:
        failure = await refusal(at(server.address, ca_file, fingerprint))
    assert type(failure) is HandshakeRefused
    assert "handshake failure" in str(failure)


# ---- nginx, a website


async def probed(server: Server) -> Failure | None:
    results = await probe(server, TIMINGS, "tester")
    await asyncio.sleep(0.01)
    return results[-1].error


@needs_nginx
@pytest.mark.parametrize("http2", [False, True])
@both_libraries
@both_loops
async def test_a_website_is_no_anytls_server(fingerprint: str, http2: bool, ca_file: str) -> None:
    async with nginx(http2=http2) as address:
        failure = await probed(at(address, ca_file, fingerprint, alpn=("h2", "http/1.1")))
    assert type(failure) is NotAnyTls


@needs_nginx
@both_libraries
async def test_a_website_whose_certificate_has_expired_has_the_right_time(fingerprint: str, ca_file: str) -> None:
    async with nginx(identity=certificates.expired_for_years()) as address:
        failure = await probed(at(address, ca_file, fingerprint))
    assert type(failure) is CertificateExpired, "it was asked for its time, and that is ours"


@needs_nginx
@both_libraries
async def test_a_website_that_asks_for_a_certificate_says_so_in_http(fingerprint: str, ca_file: str) -> None:
    async with nginx(f"ssl_client_certificate {ca_file}; ssl_verify_client on;") as address:
        assert type(await probed(at(address, ca_file, fingerprint))) is NotAnyTls


@needs_nginx
@both_libraries
async def test_a_website_of_an_old_or_a_new_version(fingerprint: str, ca_file: str) -> None:
    async with nginx("ssl_protocols TLSv1.3;") as new, nginx("ssl_protocols TLSv1.2;") as old:
        assert (await agreed(at(new, ca_file, fingerprint)))[0] == "TLSv1.3"
        assert (await agreed(at(old, ca_file, fingerprint)))[0] == "TLSv1.2"
        assert type(await refusal(at(new, ca_file, fingerprint, max_version="1.2"))) is TlsVersionRefused
        assert type(await refusal(at(old, ca_file, fingerprint, min_version="1.3"))) is TlsVersionRefused
