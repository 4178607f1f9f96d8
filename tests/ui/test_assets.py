"""Pictures are found in the source tree and in an installed program."""

from pathlib import Path

import pytest

from app.ui import assets


def test_found_beside_the_package() -> None:
    assert assets.path("icons/home.svg").read_text(encoding="utf-8").startswith("<svg")


def test_a_missing_one_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="icons/nothing"):
        assets.path("icons/nothing.svg")


def test_found_inside_an_installed_package_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, beside = tmp_path / "app" / "_resources", tmp_path / "resources"
    for place in (inside, beside):
        place.mkdir(parents=True)
        (place / "only-a-test.svg").touch()
    monkeypatch.setattr(assets, "_PLACES", (inside, beside))
    assert assets.path("only-a-test.svg") == inside / "only-a-test.svg"
    (beside / "another-test.svg").touch()
    assert assets.path("another-test.svg") == beside / "another-test.svg"


def test_the_folder_of_translations_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_LANGUAGES", (tmp_path / "one", tmp_path / "two"))
    assert assets.languages() is None
    (tmp_path / "two").mkdir()
    assert assets.languages() == tmp_path / "two"
