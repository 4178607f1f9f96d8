"""What the project says of itself: what it needs, what is locked, what `make` can do, what is in the wheel."""

import re
import tomllib
import zipfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import hatchling.build
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import app

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")

TARGETS = ("setup", "run", "test", "check", "bench", "bench-ui", "soak", "peers", "lock")
PLATFORMS = {"linux": ("Linux", "posix"), "darwin": ("Darwin", "posix"), "win32": ("Windows", "nt")}
ENVIRONMENTS = [
    {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": platform,
        "platform_system": PLATFORMS[platform][0],
        "os_name": PLATFORMS[platform][1],
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    for python, platform in product(("3.11", "3.12", "3.13", "3.14"), PLATFORMS)
]


class Pin(NamedTuple):
    requirement: Requirement
    hashes: int
    asked_by_us: bool


def pins() -> Iterator[Pin]:
    """What the lock holds, one at a time."""
    for block in re.split(r"\n(?=[a-z0-9])", LOCK.partition("\n#    make lock\n")[2]):
        requirement = Requirement(block.partition("\\")[0].strip())
        yield Pin(requirement, block.count("--hash=sha256:"), f"{PROJECT['project']['name']} (" in block)


def asked() -> list[Requirement]:
    """What pyproject.toml asks for, of all kinds that are locked."""
    project = PROJECT["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["tray"] + PROJECT["dependency-groups"]["dev"]
    return [Requirement(line) for line in lines]


def applies(requirement: Requirement, environment: dict[str, str]) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(environment)


def pinned_version(pin: Requirement) -> str:
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    return specifier.version


def environment_name(environment: dict[str, str]) -> str:
    return f"{environment['python_version']}-{environment['sys_platform']}"


for_each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS, ids=environment_name)


def test_the_lock_names_no_address() -> None:
    assert not re.search(r"://|^-|@ ", LOCK, re.MULTILINE)


def test_every_pin_has_a_hash() -> None:
    assert len(list(pins())) == len(re.findall(r"^[a-z0-9][\w.-]*==", LOCK, re.MULTILINE)) > 0
    assert not [str(pin.requirement) for pin in pins() if pin.hashes == 0]


@for_each_environment
def test_the_lock_satisfies_pyproject(environment: dict[str, str]) -> None:
    locked = {
        canonicalize_name(pin.requirement.name): pinned_version(pin.requirement)
        for pin in pins()
        if applies(pin.requirement, environment)
    }
    unmet = [
        str(requirement)
        for requirement in asked()
        if applies(requirement, environment)
        and not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0.dev0"))
    ]
    assert not unmet


def test_the_lock_holds_nothing_pyproject_no_longer_asks_for() -> None:
    ours = {canonicalize_name(pin.requirement.name) for pin in pins() if pin.asked_by_us}
    assert ours == {canonicalize_name(requirement.name) for requirement in asked()}


@for_each_environment
def test_qt_6_12_0_is_kept_from_the_pythons_it_aborts(environment: dict[str, str]) -> None:
    qt = [it for it in asked() if it.name == "PySide6-Essentials" and applies(it, environment)]
    allowed = all(requirement.specifier.contains("6.12.0") for requirement in qt)
    assert len(qt) == 1
    assert allowed == (environment["python_version"] != "3.11")


@pytest.mark.parametrize("target", TARGETS)
def test_make_has_the_target(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert re.search(rf"^\.PHONY:.*\b{target}\b", makefile, re.MULTILINE)


def test_ci_runs_what_a_developer_runs() -> None:
    run = ROOT / ".ci" / "run"
    lines = run.read_text(encoding="utf-8").splitlines()
    assert run.stat().st_mode & 0o111
    assert "make check" in lines
    assert "make test" in lines


def test_the_wheel_holds_the_package_and_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    name = hatchling.build.build_wheel(str(tmp_path))
    assert name == f"anytls_tray-{app.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(tmp_path / name) as wheel:
        names = wheel.namelist()
        tops = {entry.partition("/")[0] for entry in names}
        info = f"anytls_tray-{app.__version__}.dist-info"
        metadata = wheel.read(f"{info}/METADATA").decode()
        commands = wheel.read(f"{info}/entry_points.txt").decode()
    assert tops == {"app", info}
    assert "License-Expression: MIT\n" in metadata
    assert "Requires-Python: >=3.11\n" in metadata
    assert "anytls-tray = app.__main__:main" in commands
    assert "app/_resources/icons/home.svg" in names
