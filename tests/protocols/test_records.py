"""TLS records, cut anywhere and put together again."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.records import Records

record = st.builds(
    lambda kind, body: bytes((kind, 3, 3)) + len(body).to_bytes(2, "big") + body,
    st.integers(20, 24),
    st.binary(max_size=40),
)


def fed(pieces: list[bytes]) -> list[bytes]:
    """What comes of `pieces`, one after the other, each in memory that is used again afterwards."""
    records, found = Records(), []
    for piece in pieces:
        memory = bytearray(piece)
        found += [bytes(one) for one in records.cut(memoryview(memory))]
        memory[:] = bytes(len(memory))
    return found


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(at % (len(data) + 1) for at in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]


@given(st.lists(record, max_size=8), st.lists(st.integers(0, 1000), max_size=12))
def test_records_come_out_whole_however_they_arrive(sent: list[bytes], cuts: list[int]) -> None:
    assert fed(pieces_of(b"".join(sent), cuts)) == sent


@given(st.lists(record, min_size=1, max_size=4), st.data())
def test_what_is_not_whole_yet_waits(sent: list[bytes], data: st.DataObject) -> None:
    short = data.draw(st.integers(1, len(sent[-1])))
    assert fed([b"".join(sent)[:-short]]) == sent[:-1]


@given(st.binary(max_size=2000), st.lists(st.integers(0, 2000), max_size=12))
def test_whatever_it_is_nothing_is_lost_or_moved(data: bytes, cuts: list[int]) -> None:
    found = b"".join(fed(pieces_of(data, cuts)))
    assert data.startswith(found)


def test_the_largest_record_is_one() -> None:
    largest = bytes((23, 3, 3)) + (16 * 1024 + 320).to_bytes(2, "big") + bytes(16 * 1024 + 320)
    assert fed([largest[:3], largest[3:9000], largest[9000:]]) == [largest]


def test_another_protocol_is_not_waited_for_nor_what_follows() -> None:
    assert fed([b"HTTP/1.1 400", b" Bad"]) == [b"HTTP/1.1 400", b" Bad"]
    assert fed([b"SSH", b"-2.0", b"-x"]) == [b"SSH-2", b".0", b"-x"]
    assert fed([b"\x80\x2e\x01", b"\x03", b"\x03"]) == [b"\x80\x2e\x01\x03\x03"], "SSL 2's hello"


@pytest.mark.parametrize("head", [b"\x17\x03\x03\x41\x41", b"\x16\x03\x01\xff\xff", b"\x19\x03\x03\x00\x09"])
def test_a_head_that_no_library_takes_is_not_waited_for(head: bytes) -> None:
    good = bytes((23, 3, 3, 0, 1)) + b"a"
    assert fed([good + head]) == [good, head]
    assert fed([good, head[:3], head[3:]]) == [good, head]


def test_a_slice_is_no_copy() -> None:
    memory = bytearray(bytes((23, 3, 3, 0, 2)) + b"ab")
    (piece,) = Records().cut(memoryview(memory))
    assert isinstance(piece, memoryview)
    assert piece.obj is memory
