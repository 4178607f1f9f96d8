"""What a person can look at: open connections, and the last that ended."""

import types
import weakref
from typing import Any, cast

from app.engine.connections import Connection, Connections
from app.errors import SessionLost
from app.protocols.address import Address
from app.transport.stream import Stream

TARGET = Address("example.com", 443)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def stream(sent: int = 0, received: int = 0) -> Stream:
    """As much of a stream as a connection looks at."""
    seen: Any = types.SimpleNamespace(bytes_sent=sent, bytes_received=received, ended_at=None, closed=False)
    return cast(Stream, seen)


def test_connections_are_numbered_and_remember_when_they_began() -> None:
    clock = Clock()
    connections = Connections(clock)
    first = connections.add("socks5", TARGET)
    clock.now = 107.0
    second = connections.add("http", TARGET)
    assert (first.number, first.opened_at, second.number, second.opened_at) == (1, 100.0, 2, 107.0)
    assert list(connections) == [first, second]


def test_a_connections_states() -> None:
    connections = Connections(Clock())
    connection = connections.add("socks5", TARGET)
    assert connection.state == "waiting"
    connection.joined(carrier := stream())
    assert connection.state == "open"
    carrier.ended_at = 101.0
    assert connection.state == "ending"
    carrier.ended_at, carrier.closed = None, True
    assert connection.state == "ending", "the app's socket may take its time"
    connections.remove(connection)
    assert connection.state == "closed"
    failed = connections.add("socks5", TARGET)
    connections.remove(failed, SessionLost("it broke"))
    assert failed.state == "failed"


def test_bytes_are_the_streams_and_stay_when_it_is_gone() -> None:
    connections = Connections(Clock())
    connection = connections.add("socks5", TARGET)
    assert (connection.bytes_sent, connection.bytes_received) == (0, 0)
    connection.joined(carrier := stream(sent=10, received=20))
    carrier.bytes_sent = 11
    assert (connection.bytes_sent, connection.bytes_received) == (11, 20)
    connections.remove(connection)
    assert connection.stream is None
    assert (connection.bytes_sent, connection.bytes_received) == (11, 20)


def test_bytes_of_an_earlier_stream_stay_counted() -> None:
    connection = Connection(1, "socks5", TARGET, 0.0)
    connection.joined(stream(sent=10))
    connection.joined(stream(sent=10, received=5))
    assert (connection.bytes_sent, connection.bytes_received) == (20, 5)


def test_bytes_of_a_stream_that_joins_twice_are_counted_once() -> None:
    connection = Connection(1, "http", TARGET, 0.0)
    carrier = stream(sent=10, received=5)
    connection.joined(carrier)
    connection.joined(carrier)
    assert (connection.bytes_sent, connection.bytes_received) == (10, 5)


def test_an_end_counts_once() -> None:
    clock = Clock()
    connections = Connections(clock)
    connection = connections.add("socks5", TARGET)
    clock.now = 105.0
    connections.remove(connection)
    clock.now = 109.0
    connections.remove(connection, SessionLost("too late to matter"))
    assert connection.closed_at == 105.0
    assert connection.failure is None
    assert connections.open == {}
    assert list(connections) == [connection]


def test_the_last_hundred_that_ended_are_remembered() -> None:
    connections = Connections(Clock())
    for _ in range(150):
        connections.remove(connections.add("udp", TARGET))
    still_open = connections.add("udp", TARGET)
    numbers = [connection.number for connection in connections]
    assert numbers == [*range(51, 151), still_open.number]


def test_an_end_can_be_asked_for_even_before_anyone_serves_it() -> None:
    Connections(Clock()).add("socks5", TARGET).end()


def test_a_connection_that_is_over_lets_go_of_what_served_it() -> None:
    class Relay:
        def end(self) -> None:
            raise AssertionError

    relay = Relay()
    gone = weakref.ref(relay)
    connections = Connections(Clock())
    connection = connections.add("socks5", TARGET)
    connection.end = relay.end
    connections.remove(connection)
    del relay
    assert gone() is None
    connection.end()
