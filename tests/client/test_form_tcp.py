"""What a form says about TCP, and what is wrong with it."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.client.form_tcp import NEW_TCP, TcpDraft
from app.transport.options import USUAL_TCP, Family, TcpOptions

SECONDS = st.none() | st.floats(1, 30_000)


def test_a_new_form_is_the_usual_tcp() -> None:
    assert NEW_TCP.problems() == {}
    assert NEW_TCP.options() == USUAL_TCP


@given(
    st.builds(
        TcpOptions,
        keepalive=SECONDS,
        user_timeout=SECONDS,
        no_delay=st.booleans(),
        multipath=st.booleans(),
        source=st.sampled_from([None, "eth0", "192.0.2.7"]),
        family=st.sampled_from(get_args(Family)),
    )
)
def test_what_is_saved_comes_back_as_it_was(options: TcpOptions) -> None:
    draft = TcpDraft.of(options)
    assert draft.problems() == {}
    assert draft.options() == options


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"source": " "}, {}),
        ({"source": "a/b"}, {"source": "The source is neither a local address nor the name of an interface."}),
        ({"keepalive": 0.5}, {"keepalive": "From 1 to 32767 seconds, or 0 for none."}),
        ({"keepalive": 40_000.0}, {"keepalive": "From 1 to 32767 seconds, or 0 for none."}),
        ({"user_timeout": 0.1}, {"user_timeout": "From 1 to 86400 seconds, or 0 for none."}),
        ({"keepalive": 0.0, "user_timeout": 0.0}, {}),
    ],
)
def test_what_cannot_be_is_said(changes: dict[str, Any], problems: dict[str, str]) -> None:
    assert TcpDraft(**changes).problems() == problems
