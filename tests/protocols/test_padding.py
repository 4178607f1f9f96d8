import hashlib
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.frames import HEADER, HEADER_SIZE, MAX_PAYLOAD, PSH, WASTE, pack
from app.protocols.padding import (
    CHECK,
    DEFAULT,
    MAX_AUTH_PADDING,
    MAX_ITEMS,
    MAX_PACKET,
    MAX_SCHEME,
    MAX_STOP,
    MAX_TOTAL,
    BadScheme,
    Padding,
    Scheme,
    cut,
)


def lowest(_n: int) -> int:
    return 0


def highest(n: int) -> int:
    return n - 1


def no_dice(_n: int) -> int:
    raise AssertionError("nothing is left to chance here")


# ---- what a scheme says


def test_the_default_scheme_is_the_references() -> None:
    assert len(DEFAULT.raw) == 137
    assert DEFAULT.md5 == "75cff2ad89aadf5e257059ee571ebe11"
    assert DEFAULT.stop == 8
    assert sorted(DEFAULT.packets) == list(range(8))
    assert DEFAULT.packets[2] == ((400, 500), *[CHECK, (500, 1000)] * 4)


@pytest.mark.parametrize(
    ("text", "stop", "packets"),
    [
        (b"stop=3\n1=5-9", 3, {1: ((5, 9),)}),
        (b"stop=3", 3, {}),
        (b"stop=3\n1=", 3, {1: ()}),
        (b"stop=3\r\n1=5-9,c\r\n", 3, {1: ((5, 9), CHECK)}),
        (b" stop = 3 \n\n 1 = 5-9 , c , 7-7 ", 3, {1: ((5, 9), CHECK, (7, 7))}),
        (b"stop=3\n1=9-5", 3, {1: ((5, 9),)}),
        (b"stop=3\n1=5-9\n1=6-6", 3, {1: ((6, 6),)}),
        (b"stop=9\nstop=3\n1=5-9", 3, {1: ((5, 9),)}),
        (b"stop=3\nstop\n1=5-9\n1", 3, {1: ((5, 9),)}),
        (b"stop=3\nname=x\n01=5-9\n-1=5-9\n1x=5-9\n1000=5-9", 3, {}),
        (b"stop=3\n1=0-0,0-5,5,5-,-5,1-2-3,C,x,5 - 9,1e2-200,5-9", 3, {1: ((5, 9),)}),
        (b"stop=3\n1=1-99999999999999999999,5-9", 3, {1: ((5, 9),)}),  # no 64-bit number
        (b"stop=3\n2=5-9\n3=5-9", 3, {2: ((5, 9),)}),  # nothing is padded from `stop` on
        (b"stop=0\n0=30-30\n1=5-9", 0, {0: ((30, 30),)}),
        (b"stop=101\n100=5-9\n10=5-9", 101, {10: ((5, 9),), 100: ((5, 9),)}),
        (b"stop=300\n255=5-9\n256=5-9", MAX_STOP, {255: ((5, 9),)}),
        (b"stop=4294967295\n1=5-9", MAX_STOP, {1: ((5, 9),)}),
        (b"stop=4294967296\n1=5-9", MAX_STOP, {1: ((5, 9),)}),
        (b"stop=2\n1=65535-65535,65535-65535", 2, {1: ((65535, 65535),) * 2}),
    ],
)
def test_a_scheme_is_read(text: bytes, stop: int, packets: dict[int, object]) -> None:
    scheme = Scheme.parse(text)
    assert (scheme.stop, scheme.packets) == (stop, packets)
    assert scheme.raw == text
    assert scheme.md5 == hashlib.md5(text).hexdigest()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "stop"),
        (b"1=100-400", "stop"),
        (b"stop=\n1=100-400", "stop"),
        (b"stop=x\n1=100-400", "stop"),
        (b"stop=-1\n1=100-400", "stop"),
        (b"stop=8.0\n1=100-400", "stop"),
        ("stop=٣".encode(), "stop"),
        (b"stop=" + b"9" * 21, "stop"),
        (b"stop=8\n1=\xff\xfe", "UTF-8"),
        (b"stop=8\n" + b"#" * (MAX_SCHEME - 6), "longer than 8192"),
        (b"stop=8\n1=" + b"1-1," * MAX_ITEMS + b"1-1", "more than 16 sizes"),
        (b"stop=8\n1=65536-65536", "larger than 65535"),
        (b"stop=8\n1=1-9223372036854775807", "larger than 65535"),
        (b"stop=8\n1=65535-65535,65535-65535,3-3", "more than 131072"),
        (b"stop=20\n" + b"\n".join(b"%d=65535-65535,65535-65535" % n for n in range(9)), "more than 1048576"),
    ],
)
def test_a_scheme_outside_the_budget_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(BadScheme, match=reason):
        Scheme.parse(text)


def test_the_budget_may_be_used_up() -> None:
    assert len(Scheme.parse(b"stop=2\n" + b"#" * (MAX_SCHEME - 7)).raw) == MAX_SCHEME
    assert len(Scheme.parse(b"stop=2\n1=" + b",".join([b"5-9"] * MAX_ITEMS)).packets[1]) == MAX_ITEMS
    full = b"65535-65535,65535-65535,2-2"
    scheme = Scheme.parse(b"stop=20\n" + b"\n".join(b"%d=" % n + full for n in range(8)))
    assert [sum(scheme.sizes(packet, highest)) for packet in range(8)] == [MAX_PACKET] * 8
    assert MAX_PACKET * 8 == MAX_TOTAL


SCHEME_LINES = st.lists(
    st.one_of(
        st.builds("stop={}".format, st.one_of(st.integers(-2, 300), st.integers(), st.text(max_size=3))),
        st.builds(
            "{}={}".format,
            st.integers(-1, 300),
            st.lists(
                st.one_of(
                    st.builds("{}-{}".format, st.integers(-1, 70_000), st.integers(-1, 70_000)),
                    st.sampled_from(["c", "C", "", " 5-9 ", "5", "1-2-3", "1-9223372036854775807"]),
                ),
                max_size=MAX_ITEMS + 2,
            ).map(",".join),
        ),
        st.text(max_size=10),
    ),
    max_size=12,
).map("\n".join)


@given(st.one_of(SCHEME_LINES, SCHEME_LINES.map("stop=8\n{}".format)).map(str.encode) | st.binary(max_size=60))
def test_a_scheme_keeps_within_the_budget_or_is_refused(text: bytes) -> None:
    try:
        scheme = Scheme.parse(text)
    except BadScheme:
        return
    assert 0 <= scheme.stop <= MAX_STOP
    assert sum(sum(scheme.sizes(packet, highest)) for packet in scheme.packets) <= MAX_TOTAL
    for packet, ranges in scheme.packets.items():
        assert packet < max(scheme.stop, 1)
        assert len(ranges) <= MAX_ITEMS
        assert sum(scheme.sizes(packet, highest)) <= MAX_PACKET
        for item, small, large in zip(ranges, scheme.sizes(packet, lowest), scheme.sizes(packet, highest), strict=True):
            low, high = item
            assert item == CHECK or 1 <= low <= high <= MAX_PAYLOAD
            assert (small, large) == (low, high if low == high else high - 1)
    assert 0 <= scheme.auth_padding(highest) <= MAX_AUTH_PADDING


def test_the_upper_end_of_a_range_is_excluded() -> None:
    scheme = Scheme.parse(b"stop=3\n1=100-400,c,7-7")
    asked: list[int] = []

    def dice(n: int) -> int:
        asked.append(n)
        return n - 1

    assert scheme.sizes(1, dice) == [399, 0, 7]
    assert asked == [300]
    assert scheme.sizes(2, no_dice) == []


@pytest.mark.parametrize(
    ("line", "padding"),
    [
        (b"", 0),
        (b"0=", 0),
        (b"0=0-0", 0),
        (b"0=c", 0),
        (b"0=c,30-30", 0),
        (b"0=30-30,50-50", 30),
        (b"0=50-100", 99),
        (b"0=16350-16350", 16_350),
        (b"0=16351-16351", 16_350),
        (b"0=20000-30000", 16_350),
    ],
)
def test_the_login_is_padded_by_the_first_size_and_fits_one_record(line: bytes, padding: int) -> None:
    assert Scheme.parse(b"stop=8\n" + line).auth_padding(highest) == padding


def test_a_pushed_scheme_reaches_all_sessions_of_a_server() -> None:
    padding = Padding(DEFAULT)
    seen_by_a_session = padding
    padding.scheme = Scheme.parse(b"stop=0")
    assert seen_by_a_session.scheme.stop == 0


# ---- how a packet is cut


def waste(size: int) -> bytes:
    return pack(WASTE, 0, bytes(size))


TEN = b"0123456789"


@pytest.mark.parametrize(
    ("sizes", "payload", "writes"),
    [
        ([], TEN, [TEN]),
        ([4], TEN, [b"0123", b"456789"]),
        ([4, 3], TEN, [b"0123", b"456", b"789"]),
        ([30], TEN, [TEN + waste(13)]),
        ([18], TEN, [TEN + waste(1)]),
        ([17], TEN, [TEN]),  # a waste frame without data says nothing
        ([10], TEN, [TEN]),
        ([9], TEN, [b"012345678", b"9"]),
        ([10, 20], TEN, [TEN, waste(20)]),  # the header comes on top
        ([10, 0, 20], TEN, [TEN]),
        ([4, 0, 30], TEN, [b"0123", b"456789" + waste(17)]),
        ([0, 0, 4, 0], TEN, [b"0123", b"456789"]),
        ([10, 5, 0, 5], TEN, [TEN, waste(5)]),
        ([65_535, 65_535], TEN, [TEN + waste(65_518), waste(65_535)]),
    ],
)
def test_a_packet_is_cut(sizes: list[int], payload: bytes, writes: list[bytes]) -> None:
    assert list(cut(sizes, payload)) == writes


def without_waste(data: bytes) -> bytes:
    kept, at = b"", 0
    while at < len(data):
        command, _, length = HEADER.unpack_from(data, at)
        end = at + HEADER_SIZE + length
        if command != WASTE:
            kept += data[at:end]
        at = end
    return kept


def lengths(sizes: Sequence[int], left: int) -> Iterator[int]:
    """PROTOCOL.md §1.5 in lengths alone."""
    for size in sizes:
        if size == 0 and left == 0:
            return
        if size == 0:
            continue
        if left > size:
            yield size
            left -= size
        elif left == 0:
            yield size + 7
        else:
            yield size if size - left > 7 else left
            left = 0
    if left:
        yield left


SIZES = st.lists(st.one_of(st.just(0), st.integers(1, 40), st.integers(1, MAX_PAYLOAD)), max_size=MAX_ITEMS)


@given(SIZES, st.lists(st.binary(max_size=60), min_size=1, max_size=4))
def test_cutting_keeps_the_payload_and_the_sizes(sizes: list[int], payloads: list[bytes]) -> None:
    packet = b"".join(pack(PSH, number, payload) for number, payload in enumerate(payloads))
    writes = list(cut(sizes, packet))
    assert without_waste(b"".join(writes)) == packet
    assert [len(write) for write in writes] == list(lengths(sizes, len(packet)))
    assert all(writes)
    assert sum(map(len, writes)) <= len(packet) + sum(size + HEADER_SIZE for size in sizes)
