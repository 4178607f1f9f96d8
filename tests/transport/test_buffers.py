"""Connections of one thread receive into the same memory, those of another thread into other memory."""

import threading

import pytest

from app.transport import buffers
from app.transport.buffers import CIPHERTEXT_SIZE, ROOM_SIZE, ciphertext_buffer, plaintext_buffer, room_buffer

each_kind = pytest.mark.parametrize("buffer", [ciphertext_buffer, room_buffer])


def test_a_full_room_with_its_header_is_one_frame_of_64_kib() -> None:
    assert len(room_buffer()) == ROOM_SIZE == 64 * 1024


@each_kind
def test_one_thread_shares(buffer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "_SHARING", True)
    assert buffer().obj is buffer().obj


@each_kind
def test_threads_do_not_share(buffer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "_SHARING", True)
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(buffer().obj))
    thread.start()
    thread.join()
    assert seen[0] is not buffer().obj


@each_kind
def test_where_a_read_is_pending_while_its_buffer_is_lent_nobody_shares(buffer, monkeypatch) -> None:
    monkeypatch.setattr(buffers, "_SHARING", False)
    assert buffer().obj is not buffer().obj
    assert len(buffer()) == 64 * 1024, "each connection pays for it"


def test_what_is_decrypted_at_once_is_shared_everywhere_and_has_room_for_all_of_a_read(monkeypatch) -> None:
    monkeypatch.setattr(buffers, "_SHARING", False)
    assert plaintext_buffer().obj is plaintext_buffer().obj
    assert len(plaintext_buffer()) >= CIPHERTEXT_SIZE + 2 * 16 * 1024, "a record at either end"


def test_the_two_kinds_are_different_memory() -> None:
    assert ciphertext_buffer().obj is not room_buffer().obj
