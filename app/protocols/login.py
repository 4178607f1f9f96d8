"""The first bytes of a session: `sha256(password) | padding length u16be | padding` (PROTOCOL.md §1.1)."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HASH_SIZE: Final = 32
_FIXED: Final = HASH_SIZE + 2


class Stranger(ValueError):
    """Whoever connected does not know a password."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A user came in; `rest` are the session's first bytes, if any came along."""

    user: str
    rest: bytes


def password_hash(password: str) -> bytes:
    """The 32 bytes that stand for a password on the wire."""
    return hashlib.sha256(password.encode()).digest()


def request(hashed: bytes, padding: int) -> bytes:
    """The client's login. It has to leave in one TLS record: most servers read it with a single read."""
    return hashed + padding.to_bytes(2, "big") + bytes(padding)


class Login:
    """The server's side of it: feed `receive` until it answers or raises.

    Every known client puts the whole hash into its first record, and some no more than that, so a first piece that is
    shorter is a stranger's: it is told apart at once, which lets a fallback answer a short request without a delay.
    """

    def __init__(self, users: Mapping[str, bytes]) -> None:
        """`users` maps a user's name to `password_hash` of the password."""
        self._users = users
        self.received = bytearray()

    def receive(self, data: bytes | memoryview) -> Accepted | None:
        """None asks for more bytes. Raises `Stranger`; all that came is in `received` then."""
        self.received += data
        user = self._user(bytes(self.received[:HASH_SIZE]))
        if user is None:
            raise Stranger
        if len(self.received) < _FIXED:
            return None
        end = _FIXED + int.from_bytes(self.received[HASH_SIZE:_FIXED], "big")
        if len(self.received) < end:
            return None
        return Accepted(user, bytes(self.received[end:]))

    def _user(self, hashed: bytes) -> str | None:
        # All users are compared every time, in constant time each, so that the time tells nothing about any of them.
        found = [name for name, known in self._users.items() if hmac.compare_digest(known, hashed)]
        return found[0] if found else None
