from dataclasses import replace

import pytest

import app
from app.client.options import engine_options, unmet_wishes
from app.engine.options import LocalOptions, PoolOptions, Server, Strategy, TlsOptions, Verification
from app.storage.profiles import Profile, ProfileServer

LOCAL = LocalOptions(port=0)

PROFILE = Profile(
    name="Berlin",
    servers=(ProfileServer("a.example", 443), ProfileServer("b.example", 8443)),
    strategy="failover",
    server_name="front.example",
    alpn=("h2",),
    verification="pin",
    certificate_pin=b"1" * 32,
    spki_pin=b"2" * 32,
    min_tls="1.3",
    idle_check_interval=15.0,
    idle_timeout=45.0,
    min_idle=10,
)


def test_what_the_engine_is_told_for_a_profile() -> None:
    told = engine_options(PROFILE, ("one", "two"), LOCAL)
    tls = TlsOptions("front.example", ("h2",), Verification.PIN, None, b"1" * 32, b"2" * 32, "1.3", None)
    assert told.servers == (Server("a.example", 443, "one", tls), Server("b.example", 8443, "two", tls))
    assert told.strategy is Strategy.FAILOVER
    assert told.pool == PoolOptions(15.0, 45.0, 10)
    assert told.local is LOCAL
    assert told.client_name == f"anytls-tray/{app.__version__}"


@pytest.mark.parametrize("name", ["", "another/1.0"])
def test_the_client_name_is_the_profiles_where_it_has_one(name: str) -> None:
    assert engine_options(replace(PROFILE, client_name=name), ("one", "two"), LOCAL).client_name == name


def test_every_server_needs_its_password() -> None:
    with pytest.raises(ValueError, match="zip"):
        engine_options(PROFILE, ("one",), LOCAL)


def test_what_cannot_be_done_is_said() -> None:
    assert unmet_wishes(PROFILE) == ()
    (sentence,) = unmet_wishes(replace(PROFILE, fingerprint="chrome"))
    assert "chrome" in sentence


def test_a_page_is_asked_for_only_where_one_is_named() -> None:
    assert engine_options(PROFILE, ("one", "two"), LOCAL).page is None
    page = "http://page.example/"
    assert engine_options(PROFILE, ("one", "two"), LOCAL, page).page == page
