import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocols.login import HASH_SIZE, Accepted, Login, Stranger, password_hash, request

USERS = {"ann": password_hash("letmein"), "bob": password_hash("пароль")}


def login(data: bytes) -> Accepted | None:
    return Login(USERS).receive(data)


def test_the_hash_of_a_password() -> None:
    assert password_hash("letmein").hex() == "1c8bfe8f801d79745c4631d09fff36c82aa37fc4cce4fc946683d7b336b63032"
    assert len(password_hash("")) == HASH_SIZE


def test_the_request_of_a_client() -> None:
    hashed = password_hash("letmein")
    assert request(hashed, 0) == hashed + b"\x00\x00"
    assert request(hashed, 258) == hashed + b"\x01\x02" + bytes(258)


@pytest.mark.parametrize("name", USERS)
@pytest.mark.parametrize("padding", [0, 30, 65_535])
def test_each_user_comes_in(name: str, padding: int) -> None:
    assert login(request(USERS[name], padding)) == Accepted(name, b"")


def test_what_the_padding_holds_does_not_matter() -> None:
    assert login(USERS["ann"] + b"\x00\x05hello") == Accepted("ann", b"")


@pytest.mark.parametrize(
    "data",
    [
        request(password_hash("wrong"), 30),
        USERS["ann"][:31],
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /somewhere HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
)
def test_a_stranger_is_told_apart_at_once_and_its_bytes_are_kept(data: bytes) -> None:
    server = Login(USERS)
    with pytest.raises(Stranger):
        server.receive(data)
    assert server.received == data


def test_nobody_knows_the_password_where_there_are_no_users() -> None:
    with pytest.raises(Stranger):
        Login({}).receive(request(USERS["ann"], 30))


@given(st.integers(0, 200), st.binary(max_size=50), st.lists(st.integers(1, 60)))
def test_after_the_hash_the_request_may_come_in_any_pieces(padding: int, rest: bytes, cuts: list[int]) -> None:
    data = request(USERS["ann"], padding) + rest
    server = Login(USERS)
    answer = server.receive(data[:HASH_SIZE])
    at = HASH_SIZE
    for size in [*cuts, len(data)]:
        if answer is not None:
            break
        answer = server.receive(data[at : at + size])
        at += size
    assert answer is not None
    assert answer.user == "ann"
    assert answer.rest + data[at:] == rest
