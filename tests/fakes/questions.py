"""Answers what a person would be asked, and remembers the questions."""

from typing import Literal

from app.storage.passwords import Protection


class Answers:
    """None everywhere: "never mind"."""

    def __init__(self) -> None:
        self.protection: Protection | None = None
        self.master: list[str | None] = []
        self.password: str | None = None
        self.connections: Literal["drain", "close"] | None = None
        self.asked: list[str] = []

    async def choose_protection(self) -> Protection | None:
        self.asked.append("protection")
        return self.protection

    async def master_password(self, new: bool, wrong: bool) -> str | None:
        self.asked.append(f"master{' new' * new}{' wrong' * wrong}")
        return self.master.pop(0) if self.master else None

    async def profile_password(self, name: str) -> str | None:
        self.asked.append(f"password of {name}")
        return self.password

    async def old_connections(self, count: int) -> Literal["drain", "close"] | None:
        self.asked.append(f"{count} connections")
        return self.connections
