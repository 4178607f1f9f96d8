"""All that stands behind the window, in a folder of its own: settings, profiles, an open vault, a client."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from app.client.client import Client
from app.client.control import Control
from app.client.profiles import Profiles
from app.engine.host import DirectDoor, EngineDoor
from app.engine.options import Server
from app.storage.passwords import Protection, Vault
from app.storage.profile_file import Entry, ProfileFile
from app.storage.profiles import Profile, ProfileServer
from app.storage.schemes import PushedSchemes
from app.storage.settings import Settings
from tests.fakes.listening import closed_port
from tests.fakes.questions import Answers


def profile(name: str = "Berlin", host: str = "berlin.example.org", port: int = 443, **more: Any) -> Profile:
    """A profile with one server."""
    return Profile(name, (ProfileServer(host, port),), **more)


class Desk:
    """See the module's text. Passwords are remembered, not kept; no page is asked; the local port is a free one."""

    def __init__(self, folder: Path, door: Callable[[], EngineDoor] = DirectDoor) -> None:
        self.answers = Answers()
        self.saved: list[dict[str, Any]] = []
        self.settings = Settings({"check_page": False, "listen_port": closed_port().port}, self.saved.append)
        self.vault = Vault(folder / "vault.json", self.answers)
        self.profiles = Profiles(ProfileFile(folder / "profiles.json"), self.vault)
        self.client = Client(PushedSchemes(None), door)
        self.control = Control(self.settings, self.profiles, self.vault, self.client, self.answers)

    async def add(self, *names: str) -> list[Entry]:
        """Profiles that lead nowhere, in this order."""
        items = [(profile(name, f"{name.lower().replace(' ', '-')}.example.org"), ("secret",)) for name in names]
        return await self.profiles.add_many(items)


@contextlib.asynccontextmanager
async def desk(folder: Path, door: Callable[[], EngineDoor] = DirectDoor) -> AsyncIterator[Desk]:
    """Ready to use; closed at the end."""
    one = Desk(folder, door)
    await one.vault.change_protection(Protection.ASK)
    await one.profiles.load()
    try:
        yield one
    finally:
        await one.control.close()


def profile_of(server: Server, name: str = "Here") -> Profile:
    """A profile that leads to a server of the tests."""
    tls = server.tls
    return Profile(
        name,
        (ProfileServer(server.host, server.port),),
        server_name=tls.server_name,
        verification=tls.verification.value,
        ca_file=tls.ca_file,
        certificate_pin=tls.certificate_pin,
        fingerprint=tls.fingerprint,
        min_idle=1,
    )
