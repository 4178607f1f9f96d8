"""Plain values: the defaults that were promised, and secrets that no text shows."""

import dataclasses

import pytest

from app.engine.options import (
    EngineOptions,
    LocalOptions,
    PoolOptions,
    Server,
    Strategy,
    Timings,
    TlsOptions,
    Verification,
)


def test_the_pools_defaults_are_the_balanced_ones() -> None:
    assert PoolOptions() == PoolOptions(check_interval=30, idle_timeout=30, min_idle=5)


def test_the_proxy_is_for_this_computer_alone_unless_told_otherwise() -> None:
    options = LocalOptions()
    assert (options.host, options.port) == ("127.0.0.1", 1080)
    assert options.udp_connect
    assert not options.exact_replies


def test_a_certificate_is_checked_unless_told_otherwise() -> None:
    assert TlsOptions().verification is Verification.SYSTEM


def test_whether_the_servers_name_has_to_be_hidden() -> None:
    assert not TlsOptions().hides_name
    assert TlsOptions(ech_config=b"config").hides_name
    assert TlsOptions(ech_resolver="https://resolver.test/").hides_name


def test_a_silent_app_is_given_ten_seconds_after_its_end() -> None:
    assert Timings().half_close == 10


def test_no_password_is_shown() -> None:
    server = Server("a.test", 443, "open sesame")
    local = LocalOptions(credentials=("somebody", "open sesame"))
    for text in (repr(server), str(server), repr(EngineOptions((server,), local=local)), repr(local)):
        assert "sesame" not in text


@pytest.mark.parametrize(
    ("host", "text"),
    [("a.test", "a.test:443"), ("192.0.2.1", "192.0.2.1:443"), ("2001:db8::1", "[2001:db8::1]:443")],
)
def test_a_server_is_written_as_host_and_port(host: str, text: str) -> None:
    assert str(Server(host, 443, "")) == text


def test_values_cannot_be_changed_under_the_engines_feet() -> None:
    options = EngineOptions((Server("a.test", 443, ""),))
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.strategy = Strategy.ROUND_ROBIN  # type: ignore[misc]  # what is tried
    assert options.strategy is Strategy.FAILOVER
