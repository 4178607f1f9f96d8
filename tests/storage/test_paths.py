"""The program's folders: where they are, that they are made, and whose they are."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import BadFile
from app.storage import paths

FOLDERS = {
    "XDG_CONFIG_HOME": paths.config_dir,
    "XDG_DATA_HOME": paths.data_dir,
    "XDG_STATE_HOME": paths.state_dir,
}
posix = pytest.mark.skipif(os.name != "posix", reason="file modes and XDG folders are POSIX")


@posix
@pytest.mark.parametrize(("variable", "folder"), FOLDERS.items())
def test_follows_xdg_and_belongs_to_its_owner_alone(
    variable: str, folder: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "deep" / "down"))
    made = folder()
    assert made == tmp_path / "deep" / "down" / "anytls-tray"
    assert made.stat().st_mode & 0o777 == 0o700


@posix
def test_an_open_folder_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "anytls-tray").mkdir(mode=0o755)
    assert paths.state_dir().stat().st_mode & 0o777 == 0o700


@posix
def test_without_xdg_the_folders_lie_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in FOLDERS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    made = {folder() for folder in FOLDERS.values()}
    assert all(tmp_path in path.parents and path.name == "anytls-tray" for path in made)


@posix
def test_a_file_in_the_way_is_one_plain_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "anytls-tray").write_text("in the way")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(BadFile) as caught:
        paths.config_dir()
    assert caught.value.reason == "a file stands where a folder is needed"
    assert caught.value.path == str(tmp_path / "anytls-tray")
