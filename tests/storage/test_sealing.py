"""What is sealed opens with its key and in its place alone; a planted file cannot ask for more than there is."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage.sealing import KEY_LENGTH, Wrapped, decrypt, encrypt, fingerprint, unwrap, wrap

KEY = bytes(range(KEY_LENGTH))
OTHER = bytes(KEY_LENGTH)

# As cheap as the limits allow.
QUICK = Wrapped(salt=b"s" * 16, memory_kib=1024, rounds=1, lanes=1)


@given(plain=st.binary(max_size=300), place=st.binary(max_size=50))
def test_what_is_sealed_is_opened(plain: bytes, place: bytes) -> None:
    assert decrypt(KEY, encrypt(KEY, plain, place), place) == plain


def test_another_key_or_place_opens_nothing() -> None:
    sealed = encrypt(KEY, b"secret", b"here")
    assert decrypt(OTHER, sealed, b"here") is None
    assert decrypt(KEY, sealed, b"there") is None


@given(st.data())
def test_a_changed_bit_opens_nothing(data: st.DataObject) -> None:
    sealed = bytearray(encrypt(KEY, b"secret", b"here"))
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[at // 8] ^= 1 << at % 8
    assert decrypt(KEY, bytes(sealed), b"here") is None


@given(st.binary(max_size=40))
def test_rubbish_opens_nothing(rubbish: bytes) -> None:
    assert decrypt(KEY, rubbish, b"") is None


def test_the_same_is_never_sealed_alike() -> None:
    sealed = {encrypt(KEY, b"secret", b"") for _ in range(100)}
    assert len(sealed) == 100
    assert not any(b"secret" in one for one in sealed)


def test_a_fingerprint_tells_keys_apart_and_shows_none_of_it() -> None:
    assert fingerprint(KEY) == fingerprint(KEY)
    assert fingerprint(KEY) != fingerprint(OTHER)
    assert len(fingerprint(KEY)) == 16
    assert not any(KEY[at : at + 4] in fingerprint(KEY) for at in range(KEY_LENGTH - 4))


def test_a_master_password_opens_what_it_has_wrapped() -> None:
    wrapped = wrap(KEY, "correct horse")
    assert (wrapped.memory_kib, wrapped.rounds, wrapped.lanes) == (64 * 1024, 3, 4)
    assert unwrap(wrapped, "correct horse") == KEY
    assert unwrap(wrapped, "Correct horse") is None
    assert KEY not in wrapped.key
    assert wrap(KEY, "correct horse").salt != wrapped.salt


def test_a_master_password_may_be_typed_on_any_keyboard() -> None:
    wrapped = wrap(KEY, "Grün")
    assert unwrap(wrapped, "Gru\u0308n") == KEY


def test_other_numbers_make_another_key() -> None:
    sealed = wrap(KEY, "pw")
    quick = {"memory_kib": 1024, "rounds": 1}
    changes: list[dict[str, Any]] = [quick, {**quick, "lanes": 2}, {**quick, "salt": b"x" * 16}, {"salt": b"x" * 16}]
    for change in changes:
        assert unwrap(msgspec.structs.replace(sealed, **change), "pw") is None


def test_it_survives_a_file() -> None:
    wrapped = wrap(KEY, "pw")
    assert msgspec.json.decode(msgspec.json.encode(wrapped), type=Wrapped) == wrapped


@pytest.mark.parametrize(
    "change",
    [
        {"memory_kib": 1024 * 1024 * 1024},
        {"memory_kib": 0},
        {"memory_kib": -1},
        {"rounds": 1_000_000},
        {"rounds": 0},
        {"lanes": 1000},
        {"lanes": 0},
        {"salt": ""},
        {"salt": "A" * 1000},
        {"key": "AAAA"},
        {"key": "A" * 100_000},
        {"kdf": "md5"},
    ],
    ids=str,
)
def test_a_planted_file_asks_for_nothing_out_of_bounds(change: dict[str, Any]) -> None:
    good = msgspec.to_builtins(wrap_quickly())
    assert msgspec.convert(good, Wrapped) == wrap_quickly()
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(good | change, Wrapped)


def wrap_quickly() -> Wrapped:
    return msgspec.structs.replace(QUICK, key=bytes(12 + KEY_LENGTH + 16))
