"""A stream is closed when both ends have been said, in whichever order."""

import itertools

from app.protocols.streams import GET_END, SEND_END, OpenStream, StreamState, discard


def test_both_ends_close_a_stream_in_either_order_and_one_does_not() -> None:
    for first, second in itertools.permutations((SEND_END, GET_END)):
        after = first[OpenStream(discard).state]
        assert after is not None
        assert second[after] is None


def test_no_end_is_said_twice() -> None:
    assert StreamState.SENT_END not in SEND_END
    assert StreamState.GOT_END not in GET_END


def test_what_nobody_waits_for_is_kept_nowhere() -> None:
    chunk = memoryview(b"lost")
    stream = OpenStream(discard)
    stream.sink(chunk)
    chunk.release()  # raises where somebody holds a part of it
