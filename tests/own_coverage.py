"""Hold each module of protocols and traffic to 100 % branch coverage by its own test file.

Reads what `pytest --cov --cov-context=test` recorded: every line and branch bears the test that reached it, or nothing
where it ran while its module was imported. What other tests reached by the way does not count.
"""

import io
import re
import sys
from pathlib import Path

import coverage

ROOT = Path(__file__).parents[1]
PACKAGES = ("protocols", "traffic")


def own_test_file(module: Path) -> str:
    """`app/protocols/frames.py` is tested by `tests/protocols/test_frames.py`."""
    folder = module.relative_to(ROOT / "app").parent
    return (Path("tests") / folder / f"test_{module.stem}.py").as_posix()


def main() -> int:
    """Print what is missing; 1 if anything is."""
    data = coverage.Coverage(config_file=ROOT / "pyproject.toml", data_file=ROOT / ".coverage")
    data.load()
    modules = sorted(path for package in PACKAGES for path in (ROOT / "app" / package).rglob("*.py"))
    short = []
    for module in modules:
        own = own_test_file(module)
        data.set_option("report:contexts", [rf"^{re.escape(own)}::", r"^$"])
        reached = data.report(morfs=[str(module)], file=io.StringIO())
        if reached < 100:
            short.append(module)
            print(f"\n{own} leaves parts of {module.relative_to(ROOT)} untried:")
            data.report(morfs=[str(module)], show_missing=True)
    print(f"{len(modules) - len(short)} of {len(modules)} modules are covered to the last branch by their own tests")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
