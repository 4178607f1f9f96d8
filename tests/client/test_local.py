"""Where the local proxy listens, and what apps have to give."""

from pathlib import Path

import pytest

from app.client.local import LocalAccess
from app.storage.passwords import Protection, Vault
from app.storage.settings import ALLOW_LAN, LISTEN_HOST, LISTEN_PORT, LOCAL_AUTH, LOCAL_PASSWORD, LOCAL_USER, Settings
from tests.fakes.questions import Answers

pytestmark = pytest.mark.usefixtures("vault_here")


@pytest.fixture
def settings() -> Settings:
    return Settings({}, lambda _stored: None)


@pytest.fixture
async def vault(tmp_path: Path) -> Vault:
    """Open, its key under a master password."""
    answers = Answers()
    answers.master = ["correct horse"]
    vault = Vault(tmp_path / "vault.json", answers)
    await vault.change_protection(Protection.MASTER)
    return vault


async def test_apps_of_this_computer_need_nothing(settings: Settings, vault: Vault) -> None:
    local = LocalAccess(settings, vault)
    options = await local.options(settings)
    assert (options.host, options.port, options.credentials) == ("127.0.0.1", LISTEN_PORT.default, None)
    assert await local.credentials() is None


@pytest.mark.parametrize(("host", "everywhere"), [("127.0.0.1", "0.0.0.0"), ("::1", "::")])
async def test_others_need_credentials(settings: Settings, vault: Vault, host: str, everywhere: str) -> None:
    settings.set(LISTEN_HOST, host)
    local = LocalAccess(settings, vault)
    options = await local.options(settings.changed(ALLOW_LAN, True))
    assert options.host == everywhere
    assert options.credentials is not None
    assert options.credentials[0] == LOCAL_USER.default
    assert len(options.credentials[1]) >= 12
    assert "credentials" not in repr(options)


async def test_a_password_that_was_never_set_is_random_and_stays_for_this_run(settings: Settings, vault: Vault) -> None:
    settings.set(LOCAL_AUTH, True)
    local = LocalAccess(settings, vault)
    first = await local.credentials()
    assert first == await local.credentials()
    assert settings.get(LOCAL_PASSWORD) == ""
    assert await LocalAccess(settings, vault).credentials() != first


async def test_a_password_that_was_set_is_there_at_the_next_start(settings: Settings, vault: Vault) -> None:
    settings.set(LOCAL_AUTH, True)
    settings.set(LOCAL_USER, "anna")
    await LocalAccess(settings, vault).set_password("opensesame")
    assert "opensesame" not in settings.get(LOCAL_PASSWORD)
    assert await LocalAccess(settings, vault).credentials() == ("anna", "opensesame")


async def test_where_nothing_is_kept_it_holds_for_this_run(settings: Settings, tmp_path: Path) -> None:
    vault = Vault(tmp_path / "other.json", Answers())
    await vault.change_protection(Protection.ASK)
    settings.set(LOCAL_AUTH, True)
    local = LocalAccess(settings, vault)
    await local.set_password("opensesame")
    assert settings.get(LOCAL_PASSWORD) == ""
    assert await local.credentials() == (LOCAL_USER.default, "opensesame")


@pytest.mark.parametrize("sealed", ["QUJD", "QUJDQ", "QUJD" * 25])
async def test_a_kept_password_that_cannot_be_opened_is_replaced_and_said(
    settings: Settings, vault: Vault, sealed: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings.set(LOCAL_AUTH, True)
    settings.set(LOCAL_PASSWORD, sealed)
    credentials = await LocalAccess(settings, vault).credentials()
    assert credentials is not None
    assert len(credentials[1]) >= 12
    assert "a new one is made" in caplog.text
    assert sealed not in caplog.text
