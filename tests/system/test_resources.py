"""The limit on open files is raised where that can be, in a process of its own."""

import subprocess
import sys

import pytest

from app.system.resources import forbid_core_dumps, raise_file_limit

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")

SCRIPT = """
import resource
from app.system import resources
soft, hard, want, most = {soft}, {hard}, {want}, {most}
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
real = resource.setrlimit
def as_macos_does(which, limits):
    if limits[0] > most:
        raise ValueError("current limit exceeds maximum limit")
    real(which, limits)
resource.setrlimit = as_macos_does
print(resources.raise_file_limit(want), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "want", "most", "expected"),
    [
        (64, 512, 256, 1_000_000, 256),  # as much as is wanted
        (64, 512, 1024, 1_000_000, 512),  # never above the hard limit
        (256, 512, 128, 1_000_000, 256),  # never down
        (64, 512, 256, 0, 64),  # refused
    ],
)
def test_it_is_raised_as_far_as_allowed(soft: int, hard: int, want: int, most: int, expected: int) -> None:
    script = SCRIPT.format(soft=soft, hard=hard, want=want, most=most)
    out = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert out.stdout.split() == [str(expected), str(expected), str(hard)]


def test_a_system_that_refuses_much_still_gives_some(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    limits = [256, resource.RLIM_INFINITY]

    def as_macos_does(_which: int, wanted: tuple[int, int]) -> None:
        if wanted[0] > 10_240:
            raise ValueError("current limit exceeds maximum limit")
        limits[0] = wanted[0]

    monkeypatch.setattr(resource, "getrlimit", lambda _which: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", as_macos_does)
    assert raise_file_limit(65_536) == 10_240


def test_an_unlimited_process_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda _which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", lambda *_limits: pytest.fail("nothing is to be set"))
    assert raise_file_limit(4096) == 4096


def test_a_crash_leaves_no_image_of_the_memory() -> None:
    script = (
        "import resource; from app.system.resources import forbid_core_dumps;"
        "before = resource.getrlimit(resource.RLIMIT_CORE);"
        "resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1])); forbid_core_dumps();"
        "print(resource.getrlimit(resource.RLIMIT_CORE) == (0, before[1]))"
    )
    out = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert out.stdout.split() == ["True"]


def test_a_system_that_refuses_that_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    def refuse(_which: int, _limits: tuple[int, int]) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    forbid_core_dumps()
