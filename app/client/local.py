"""Where the local proxy listens, and what apps have to give: made from the settings, the password kept by the vault."""

import base64
import binascii
import logging
import secrets
from typing import Final

from app import logs
from app.engine.options import LocalOptions
from app.errors import Failure
from app.storage.passwords import Place, Vault
from app.storage.settings import (
    ALLOW_LAN,
    LISTEN_HOST,
    LISTEN_PORT,
    LOCAL_AUTH,
    LOCAL_PASSWORD,
    LOCAL_USER,
    Settings,
    listens_beyond_loopback,
)

_log = logging.getLogger("anytls.control")

# What the password is sealed under, beside the profiles' ids.
_PLACE: Final = Place("local", 0)


class LocalAccess:
    """See the module's text."""

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self._settings = settings
        self._vault = vault
        self._password = ""

    async def options(self, settings: Settings) -> LocalOptions:
        """What the engine is told for these settings, which may be others than those in force."""
        host = settings.get(LISTEN_HOST)
        if settings.get(ALLOW_LAN):
            host = "::" if ":" in host else "0.0.0.0"  # noqa: S104 (asked for by the person, never without credentials)
        return LocalOptions(host, settings.get(LISTEN_PORT), await self._credentials(settings))

    async def credentials(self) -> tuple[str, str] | None:
        """User and password; None where apps need none. A password that is not kept is a new one at every start."""
        return await self._credentials(self._settings)

    async def set_password(self, password: str) -> None:
        """Another password from the next listening on. Raises `VaultFailed`; nothing has changed then."""
        await self._vault.unlock()
        sealed = (await self._vault.seal({_PLACE: password})).get(_PLACE)
        self._password = password
        logs.secret(password)
        self._settings.set(LOCAL_PASSWORD, base64.b64encode(sealed).decode() if sealed else "")

    async def _credentials(self, settings: Settings) -> tuple[str, str] | None:
        if not (settings.get(LOCAL_AUTH) or listens_beyond_loopback(settings)):
            return None
        if not self._password:
            self._password = await self._kept() or secrets.token_urlsafe(12)
            logs.secret(self._password)
        return settings.get(LOCAL_USER) or LOCAL_USER.default, self._password

    async def _kept(self) -> str:
        sealed = self._settings.get(LOCAL_PASSWORD)
        if not sealed:
            return ""
        try:
            await self._vault.unlock()
            kept = base64.b64decode(sealed)
            await self._vault.open({_PLACE: kept})
            return self._vault.opened(_PLACE, kept)
        except (Failure, binascii.Error) as error:
            _log.warning("the local proxy's password cannot be read, a new one is made: %s", error)
            return ""
