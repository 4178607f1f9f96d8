"""The budgets of the house: sizes, tests beside the code, names, and what no file may say.

Who may import whom is import-linter's to check, complexity and style are ruff's (`make check`).
"""

import ast
import io
import re
import statistics
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
APP = ROOT / "app"
TESTS = ROOT / "tests"

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_FUNCTION_LINES_P90 = 25

WITHOUT_OWN_TEST = {
    "app/__main__.py": "one call of cli.main, which the end-to-end tests start as a process",
}

# Hidden names are tools' own, but for these.
HIDDEN_BUT_OURS = {".ci", ".gitignore"}
MADE_BY_TOOLS = {"__pycache__", "build", "dist", "htmlcov"}

MACHINE_PATH = re.compile(r"(?<![\w.}-])/(?:root|home|work|Users|opt/wheels)/|\b[A-Z]:\\Users\\")
REGISTRY = re.compile(
    r"pypi\.org|pythonhosted\.org|crates\.io/|deb\.debian\.org|index[-_]url|find[-_]links", re.IGNORECASE
)
IGNORE_WITH_CODE_AND_REASON = re.compile(r"# type: ignore\[[\w, -]+\]  # \S")


def project_files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file of the project, and none that a tool made."""
    for entry in sorted(folder.iterdir()):
        if entry.name in MADE_BY_TOOLS or (entry.name.startswith(".") and entry.name not in HIDDEN_BUT_OURS):
            continue
        if entry.is_dir():
            yield from project_files(entry)
        else:
            yield entry


def in_project(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def functions(module: Path) -> Iterator[tuple[str, int]]:
    """Place and length of each function and method, in lines from `def` to its end."""
    for node in ast.walk(ast.parse(text(module))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            end = node.end_lineno or node.lineno
            yield f"{in_project(module)}:{node.lineno} {node.name}", end - node.lineno + 1


def is_package_marker(module: Path) -> bool:
    """Whether it is an `__init__.py` that says something and does nothing."""
    return module.name == "__init__.py" and not any(functions(module))


def lines_of_code(folder: Path) -> int:
    """Lines of Python that are not empty."""
    return sum(bool(line.strip()) for path in folder.rglob("*.py") for line in text(path).splitlines())


MODULES = sorted(APP.rglob("*.py"))
PYTHON_FILES = [path for path in project_files() if path.suffix == ".py"]

for_each_module = pytest.mark.parametrize("module", MODULES, ids=in_project)


@for_each_module
def test_file_is_short(module: Path) -> None:
    assert len(text(module).splitlines()) <= MAX_FILE_LINES


@for_each_module
def test_no_function_is_long(module: Path) -> None:
    long = [f"{place}: {length} lines" for place, length in functions(module) if length > MAX_FUNCTION_LINES]
    assert not long


def test_most_functions_are_short() -> None:
    lengths = [length for module in MODULES for _, length in functions(module)]
    assert statistics.quantiles(lengths, n=10)[-1] <= MAX_FUNCTION_LINES_P90


@for_each_module
def test_module_has_its_test_file(module: Path) -> None:
    if is_package_marker(module) or in_project(module) in WITHOUT_OWN_TEST:
        return
    name = "__init__" if module.name == "__init__.py" else module.stem
    assert (TESTS / module.relative_to(APP).parent / f"test_{name}.py").is_file()


def test_exemptions_are_needed() -> None:
    assert all((ROOT / module).is_file() for module in WITHOUT_OWN_TEST)


def test_there_is_as_much_test_as_code() -> None:
    assert lines_of_code(TESTS) >= lines_of_code(APP)


def test_no_name_repeats_a_standard_module() -> None:
    names = {path: path.parent.name if path.name == "__init__.py" else path.stem for path in MODULES}
    repeated = [in_project(path) for path, name in names.items() if name in sys.stdlib_module_names]
    assert not repeated


@pytest.mark.parametrize("path", PYTHON_FILES, ids=in_project)
def test_every_ignored_type_has_its_code_and_reason(path: Path) -> None:
    tokens = tokenize.generate_tokens(io.StringIO(text(path)).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    bare = [it for it in comments if re.match(r"#\s*type:\s*ignore", it) and not IGNORE_WITH_CODE_AND_REASON.match(it)]
    assert not bare


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = []
    for path in project_files():
        try:
            lines = text(path).splitlines()
        except UnicodeDecodeError:  # a picture
            continue
        this_file = path == Path(__file__)
        for number, line in enumerate(lines, 1):
            if not this_file and (MACHINE_PATH.search(line) or REGISTRY.search(line)):
                found.append(f"{in_project(path)}:{number}: {line.strip()[:100]}")
    assert not found


@pytest.mark.parametrize("line", ["see /home/someone/notes", r"C:\Users\me", "INDEX_URL=x"])
def test_a_machine_or_registry_would_be_found(line: str) -> None:
    assert MACHINE_PATH.search(line) or REGISTRY.search(line)
