"""Where the pictures lie: beside the package in the source tree, inside it in an installed program."""

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE / "_resources", _PACKAGE.parent / "resources")
_LANGUAGES = (_PACKAGE / "_translations", _PACKAGE.parent / "translations")


@cache
def path(name: str) -> Path:
    """The file `name` ("icons/home.svg") of the resources.

    Raises FileNotFoundError if it is in neither place: the program was packed without it.
    """
    return _first(_PLACES, name)


def languages() -> Path | None:
    """The folder of the built translations, if there is one."""
    return next((place for place in _LANGUAGES if place.is_dir()), None)


def _first(places: tuple[Path, ...], name: str) -> Path:
    for place in places:
        if (place / name).is_file():
            return place / name
    raise FileNotFoundError(f"the resource {name} is missing")
