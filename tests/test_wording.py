"""Words for stages, and for what the protocols find."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import protocols, texts
from app.protocols.address import BadAddress, parse_host_port
from app.protocols.padding import BadScheme, Scheme
from app.wording import FLAWS, reason_of, stage_name

FLAW_KINDS = {"BadAddress", "BadEch", "BadScheme", "ProtocolError", "NotAnyTls"}


@pytest.fixture
def shouting() -> Iterator[None]:
    texts.use(lambda _context, text: f"¡{text}!")
    yield
    texts.use(None)


def flaws_of_protocols() -> Iterator[ast.expr]:
    """The first argument of each flaw that is raised there."""
    for module in Path(protocols.__file__ or "").parent.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FLAW_KINDS:
                yield node.args[0]


def test_every_flaw_can_be_translated() -> None:
    raised = [ast.literal_eval(text) for text in flaws_of_protocols()]
    assert set(raised) == set(FLAWS)


def test_a_flaw_in_english() -> None:
    with pytest.raises(BadScheme) as caught:
        Scheme.parse(b"x" * 9000)
    assert reason_of(caught.value) == str(caught.value) == "it is longer than 8192 bytes"


def test_a_flaw_in_another_language(shouting: None) -> None:
    with pytest.raises(BadAddress) as caught:
        parse_host_port("example.com:70000")
    assert reason_of(caught.value) == "¡the port is missing or not a number up to 65535!"
    assert str(caught.value) == "the port is missing or not a number up to 65535"


def test_stages(shouting: None) -> None:
    assert stage_name("authentication") == "¡password!"
    assert stage_name("dns") == "¡name!"
    assert stage_name("something new") == "something new"
