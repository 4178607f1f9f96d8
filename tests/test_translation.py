"""Whatever a person can read goes through `translate` or `tr`, so that every language can have it.

These read the code for what lupdate cannot collect, and for sentences that never meet a translator. That the window
changes its language while it runs is shown in tests/ui/test_window_language.py.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from app import errors
from app.errors import Failure

ROOT: Final = Path(__file__).parents[1]
MODULES: Final = sorted((ROOT / "app").rglob("*.py"))

FAILURES: Final = {
    name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Failure)
}

TRANSLATING: Final = r"((texts|QCoreApplication)\.)?translate|.*\.tr|QT_TRANSLATE_NOOP"

# These translate a text that they are given, which is marked where it stands.
GIVEN_ITS_TEXT: Final = {
    "app/errors.py": {"self.text"},
    "app/wording.py": {"flaw.text"},
    "app/engine/session.py": {"_NO_SIGN"},
    "app/ui/application.py": {"context", "text"},
}

# Two words of small letters: names, keys, formats and single words of protocols have none.
SENTENCE: Final = re.compile(r"[A-Za-z][a-z]+,? [a-z]{2,}")

LOGGED: Final = {"debug", "info", "warning", "error", "exception", "critical", "log"}
DEFECTS: Final = {"RuntimeError", "ValueError", "TypeError", "AssertionError", "LookupError", "FileNotFoundError"}
NAMES_TASKS: Final = {"run", "start"}

# What puts a text on a widget: even a single word there is read.
SHOWING: Final = {
    *(
        "setText",
        "setToolTip",
        "setTitle",
        "setWindowTitle",
        "setPlaceholderText",
        "setInformativeText",
        "setStatusTip",
    ),
    *(
        "setAccessibleName",
        "setAccessibleDescription",
        "setWhatsThis",
        "setPrefix",
        "setSuffix",
        "addItem",
        "addAction",
    ),
}

# Pure: `app.wording` has the texts of theirs that are shown, the others go over the wire.
PROTOCOLS: Final = ROOT / "app" / "protocols"

# What begins like these, and why nobody reads it on a screen.
NOT_SHOWN: Final = {
    "connect on another port": "a task's name",
    "there are too many UDP associations": "logged",
    "no UDP port could be had": "logged",
    "closed during the handshake": "logged; a client says it in words of its own",
    "ended abruptly: ": "logged",
    "session stream limit reached": "other programs' words, to be recognised",
    "session reached its maximum age": "other programs' words, to be recognised",
    "Object missing required field": "a library's words, to be recognised",
    "too many streams": "sent to a client",
    "bad address: ": "sent to a client",
    "bad request: ": "sent to a client",
    "connection timed out": "sent to a client",
    "connect udp ": "sent to a client",
    "id, name, servers": "keys",
    "import sys; ": "a program",
    "no tray": "a message's name",
    "first run": "a page's name",
}


def in_project(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def callee(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    called = call.func
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def calls(tree: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call) and callee(node) in names)


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every literal text with the identity of its place, the parts of f-strings too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield id(node), node.value


def translated(tree: ast.AST) -> Iterator[ast.Call]:
    """What lupdate looks at. (Painters have a `translate` of their own.)"""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and re.fullmatch(TRANSLATING, ast.unparse(node.func)):
            yield node


def not_collected(tree: ast.AST) -> Iterator[str]:
    """What is translated without being a literal, so that lupdate cannot collect it."""
    for call in translated(tree):
        yield from (ast.unparse(it) for it in call.args if not isinstance(it, ast.Constant))


def untranslated(tree: ast.AST) -> Iterator[str]:
    """Sentences that meet no translator and are neither logged, nor a task's name, nor the text of a defect."""
    fine = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for call in (*translated(tree), *calls(tree, LOGGED | DEFECTS | NAMES_TASKS)):
        fine.update(place for place, _text in strings(call))
    for place, text in strings(tree):
        if place not in fine and SENTENCE.search(text):
            yield text


def spoken_by_failures(tree: ast.AST) -> Iterator[str]:
    """Failures that are given a sentence in English, or one with values inside."""
    for call in calls(tree, FAILURES):
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            literal = isinstance(argument, ast.Constant | ast.JoinedStr)
            if literal and any(" " in text for _place, text in strings(argument)):
                yield ast.unparse(call)


def put_on_widgets(tree: ast.AST) -> Iterator[str]:
    """Words that a widget is given as they stand in the code."""
    for call in calls(tree, SHOWING):
        for argument in call.args:
            literals = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
            for literal in literals:
                if isinstance(literal, ast.Constant) and re.search("[a-z]{3}", str(literal.value)):
                    yield str(literal.value)


each_module = pytest.mark.parametrize("module", MODULES, ids=in_project)


@cache
def tree_of(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


@each_module
def test_what_is_translated_can_be_collected(module: Path) -> None:
    assert set(not_collected(tree_of(module))) <= GIVEN_ITS_TEXT.get(in_project(module), set())


@each_module
def test_no_failure_is_given_a_sentence_that_nobody_translates(module: Path) -> None:
    assert PROTOCOLS in module.parents or not list(spoken_by_failures(tree_of(module)))


@each_module
def test_no_sentence_misses_its_translator(module: Path) -> None:
    if PROTOCOLS not in module.parents and module.name != "stylesheet.py":
        found = [text for text in untranslated(tree_of(module)) if not text.startswith(tuple(NOT_SHOWN))]
        assert not found


@each_module
def test_no_widget_is_given_words_that_nobody_translates(module: Path) -> None:
    assert not list(put_on_widgets(tree_of(module)))


def test_every_exception_is_needed() -> None:
    found = [text for module in MODULES for text in untranslated(tree_of(module))]
    assert [start for start in NOT_SHOWN if not any(text.startswith(start) for text in found)] == []


@pytest.mark.parametrize(
    "code",
    ['translate("cli", text)', 'translate("cli", f"{count} profiles")', 'self.tr("a" + "b")', "widget.tr(words)"],
)
def test_what_lupdate_would_pass_over_is_found(code: str) -> None:
    assert list(not_collected(ast.parse(code)))


@pytest.mark.parametrize("code", ["painter.translate(0.5, height)", 'translate("cli", "one {count}").format(count=1)'])
def test_what_lupdate_can_collect_is_not(code: str) -> None:
    assert not list(not_collected(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        'raise BadInput("it is too long")',
        'raise BadFile(f"line {number} is empty", path)',
        'SessionLost(reason="the login took too long")',
    ],
)
def test_a_failure_in_english_alone_is_found(code: str) -> None:
    assert list(spoken_by_failures(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    ['raise StageTimedOut(*address, "authentication", 1.0)', 'raise BadInput(translate("cli", "it is too long"))'],
)
def test_a_failure_that_is_translated_is_not(code: str) -> None:
    assert not list(spoken_by_failures(ast.parse(code)))


def test_a_sentence_on_a_widget_is_found() -> None:
    assert list(untranslated(ast.parse('label.setText("No connection yet")'))) == ["No connection yet"]
    assert list(untranslated(ast.parse('text = f"{count} sessions are open"'))) == [" sessions are open"]


def test_a_single_word_on_a_widget_is_found() -> None:
    assert list(put_on_widgets(ast.parse('button.setText("Connect")'))) == ["Connect"]
    assert list(put_on_widgets(ast.parse('button.setToolTip(f"{count} open")'))) == [" open"]


@pytest.mark.parametrize(
    "code", ['"""A text of a module."""', '_log.info("it is over")', 'RuntimeError("not before start")']
)
def test_what_no_person_reads_is_not(code: str) -> None:
    assert not list(untranslated(ast.parse(code)))
