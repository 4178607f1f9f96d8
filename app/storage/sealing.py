"""Cryptography of the vault: AES-GCM for everything sealed, Argon2id for a key made of a master password."""

import hashlib
import hmac
import os
import unicodedata
from typing import Annotated, Final, Literal

import msgspec

KEY_LENGTH: Final = 32  # bytes: AES-256

_NONCE: Final = 12  # bytes, as AES-GCM wants them (NIST SP 800-38D §8.2)
_TAG: Final = 16  # bytes
_SALT: Final = 16  # bytes, as RFC 9106 §3.1 recommends
_WRAPPED_LENGTH: Final = _NONCE + KEY_LENGTH + _TAG
_WRAP_LABEL: Final = b"anytls-tray vault key v1"
_FINGERPRINT_LABEL: Final = b"anytls-tray vault key fingerprint v1"


class Wrapped(msgspec.Struct, frozen=True):
    """A key under a master password, as it stands in a file.

    The limits keep a planted file from taking all memory or time. The defaults are what is written: 64 MiB, 3 rounds
    and 4 lanes, a quarter of a second (RFC 9106 §4, the second recommended option).
    """

    salt: Annotated[bytes, msgspec.Meta(min_length=8, max_length=64)]
    key: Annotated[bytes, msgspec.Meta(min_length=_WRAPPED_LENGTH, max_length=_WRAPPED_LENGTH)] = b""
    kdf: Literal["argon2id"] = "argon2id"
    memory_kib: Annotated[int, msgspec.Meta(ge=1024, le=512 * 1024)] = 64 * 1024
    rounds: Annotated[int, msgspec.Meta(ge=1, le=16)] = 3
    lanes: Annotated[int, msgspec.Meta(ge=1, le=16)] = 4


def encrypt(key: bytes, plain: bytes, bound_to: bytes) -> bytes:
    """A nonce of 12 bytes, then the ciphertext with its tag; it opens for the same key and `bound_to` alone."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def decrypt(key: bytes, sealed: bytes, bound_to: bytes) -> bytes | None:
    """None where it was sealed with another key, for another place, or has been changed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(sealed) < _NONCE + _TAG:
        return None
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to)
    except InvalidTag:
        return None


def fingerprint(key: bytes) -> bytes:
    """16 bytes by which a key is known again, and from which it cannot be found."""
    return hmac.digest(key, _FINGERPRINT_LABEL, hashlib.sha256)[:16]


def wrap(key: bytes, password: str) -> Wrapped:
    """Put a key under a master password. Takes a quarter of a second and 64 MiB: for a thread."""
    empty = Wrapped(salt=os.urandom(_SALT))
    return msgspec.structs.replace(empty, key=encrypt(_derived(password, empty), key, _WRAP_LABEL))


def unwrap(wrapped: Wrapped, password: str) -> bytes | None:
    """The key; None where the master password is another one. For a thread, as `wrap`."""
    return decrypt(_derived(password, wrapped), wrapped.key, _WRAP_LABEL)


def _derived(password: str, wrapped: Wrapped) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    kdf = Argon2id(
        salt=wrapped.salt,
        length=KEY_LENGTH,
        iterations=wrapped.rounds,
        lanes=wrapped.lanes,
        memory_cost=wrapped.memory_kib,
    )
    # Keyboards compose the same letter differently, hence NFC.
    return kdf.derive(unicodedata.normalize("NFC", password).encode(errors="surrogatepass"))
