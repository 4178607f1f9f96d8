"""Options are plain values that keep their secrets to themselves."""

import dataclasses

from app.protocols.padding import DEFAULT
from app.server.options import Limits, ServerOptions


def test_what_is_not_said_has_a_safe_default() -> None:
    options = ServerOptions({"user": "a password"})
    assert (options.host, options.port) == ("127.0.0.1", 0)
    assert options.scheme is DEFAULT
    assert options.fallback is None
    assert options.limits == Limits()


def test_no_password_is_shown() -> None:
    assert "a password" not in repr(ServerOptions({"user": "a password"}))


def test_every_limit_limits() -> None:
    assert all(value > 0 for value in dataclasses.asdict(Limits()).values())
