import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols import frames
from app.protocols.frames import HEADER, HEADER_SIZE, MAX_PAYLOAD, NAMES, WASTE, is_http2, pack


def test_the_layout() -> None:
    assert pack(frames.PSH, 0x01020304, b"abc") == bytes.fromhex("02 01020304 0003") + b"abc"
    assert pack(frames.WASTE) == bytes(HEADER_SIZE)


def test_the_numbers_are_those_of_the_specification() -> None:
    counted_up = [
        frames.WASTE,
        frames.SYN,
        frames.PSH,
        frames.FIN,
        frames.SETTINGS,
        frames.ALERT,
        frames.UPDATE_PADDING_SCHEME,
        frames.SYNACK,
        frames.HEART_REQUEST,
        frames.HEART_RESPONSE,
        frames.SERVER_SETTINGS,
    ]
    assert counted_up == list(range(11))


def test_every_command_has_a_name_of_its_own() -> None:
    assert set(NAMES) == {*range(11), frames.END}
    assert len(set(NAMES.values())) == len(NAMES)


@given(st.integers(0, 0xFF), st.integers(0, 0xFFFFFFFF), st.binary(max_size=300))
def test_what_is_packed_is_read_back(command: int, stream_id: int, payload: bytes) -> None:
    packed = pack(command, stream_id, payload)
    assert HEADER.unpack_from(packed) == (command, stream_id, len(payload))
    assert packed[HEADER_SIZE:] == payload


def test_the_longest_payload() -> None:
    assert len(pack(frames.PSH, 1, bytes(MAX_PAYLOAD))) == HEADER_SIZE + MAX_PAYLOAD
    with pytest.raises(struct.error):
        pack(frames.PSH, 1, bytes(MAX_PAYLOAD + 1))


def test_what_an_http2_server_says_first_is_no_frame() -> None:
    assert is_http2(*HEADER.unpack(b"\x00\x00\x12\x04\x00\x00\x00"))
    assert not is_http2(*HEADER.unpack(pack(WASTE)))
    assert not is_http2(*HEADER.unpack(b"\x00\x00\x12\x04\x00\x00\x01"))
