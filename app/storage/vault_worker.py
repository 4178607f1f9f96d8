"""The vault's work that takes large libraries, in a process of its own that then ends.

keyring and cryptography stay in memory with whoever imports them, 17 MB, and Argon2id takes 64 MB more. Here they cost
nothing but the moment, a keyring that hangs can be ended, and foreign backends run where no window is.

One request, JSON, on standard input; its answers, a line of JSON each, on standard output: about the keyring first the
state that it is in, then what was asked for. Nothing stands in arguments, files or logs.
"""

import os
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import msgspec

from app.errors import Failure, KeyringDenied, KeyringMissing, VaultBroken
from app.storage import keyring_calls
from app.storage.keyring_calls import KeyringState, attempted, names_of
from app.storage.sealing import Wrapped, decrypt, encrypt, unwrap, wrap

OPTION: Final = "--vault-worker"
"""The program's own argument for the same, where it is one file and has no interpreter to lend."""


class Look(msgspec.Struct, frozen=True, tag=True):
    """Answered with the keyring's state; never with a failure but those of `attempted`."""


class Get(msgspec.Struct, frozen=True, tag=True):
    """The key in the keyring, or None. This and those below may ask the person, for so many seconds."""

    ask_seconds: float


class Put(msgspec.Struct, frozen=True, tag=True):
    """Store the key."""

    key: bytes
    ask_seconds: float


class Delete(msgspec.Struct, frozen=True, tag=True):
    """Take the key away."""

    ask_seconds: float


class Seal(msgspec.Struct, frozen=True, tag=True):
    """Encrypt each text, bound to what stands before it."""

    key: bytes
    items: tuple[tuple[bytes, bytes], ...]


class Open(msgspec.Struct, frozen=True, tag=True):
    """Decrypt each; None stands for what does not open."""

    key: bytes
    items: tuple[tuple[bytes, bytes], ...]


class Wrap(msgspec.Struct, frozen=True, tag=True):
    """A `Wrapped` of the key. The password is UTF-8."""

    key: bytes
    password: bytes


class Unwrap(msgspec.Struct, frozen=True, tag=True):
    """The key, or None where it is another password."""

    wrapped: Wrapped
    password: bytes


Request = Look | Get | Put | Delete | Seal | Open | Wrap | Unwrap


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """`failure` is the name of the class in `app.errors` that was raised; `cause` names the kinds of foreign errors."""

    value: Any = None
    failure: str = ""
    cause: str = ""


def answers(request: Request) -> Iterator[Answer]:
    """One after the other; none comes after a failure."""
    try:
        for value in _values(request):
            yield Answer(value)
    except Failure as failure:
        yield Answer(failure=type(failure).__name__, cause=" ".join(sorted(names_of(failure.__cause__))))
    except Exception as error:  # a library that is not there, memory that is not there: nobody sees a traceback of this
        yield Answer(failure=VaultBroken.__name__, cause=" ".join(sorted(names_of(error))))


def _values(request: Request) -> Iterator[Any]:
    match request:
        case Seal(key, items):
            yield [encrypt(key, plain, bound_to) for bound_to, plain in items]
        case Open(key, items):
            yield [decrypt(key, sealed, bound_to) for bound_to, sealed in items]
        case Wrap(key, password):
            yield wrap(key, password.decode(errors="surrogatepass"))
        case Unwrap(wrapped, password):
            yield unwrap(wrapped, password.decode(errors="surrogatepass"))
        case _:
            yield from _of_keyring(request)


def _of_keyring(request: Look | Get | Put | Delete) -> Iterator[Any]:
    state = attempted(keyring_calls.state)
    yield state
    match request, state:
        case Look(), _:
            return
        case _, KeyringState.MISSING:
            raise KeyringMissing
        case _, KeyringState.DENIED:
            raise KeyringDenied
        case Get(seconds), _:
            yield attempted(partial(keyring_calls.get, seconds))
        case Put(key, seconds), _:
            yield attempted(partial(keyring_calls.put, key, seconds))
        case Delete(seconds), _:
            yield attempted(partial(keyring_calls.delete, seconds))


def main() -> int:
    """Answer one request."""
    # Foreign backends print what they like, and it is not an answer.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    with out:
        for answer in answers(request):
            out.write(msgspec.json.encode(answer) + b"\n")
            out.flush()
    return 0
