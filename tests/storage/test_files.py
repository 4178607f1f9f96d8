"""Files are written whole or not at all, and read within a limit."""

import errno
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadFile
from app.storage.files import plain_reason, read_limited, write_atomically

posix = pytest.mark.skipif(os.name != "posix", reason="file modes and symbolic links are POSIX")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@given(old=st.binary(max_size=200), new=st.binary(max_size=200))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, old: bytes, new: bytes) -> None:
    path = tmp_path_factory.mktemp("files") / "state.json"
    write_atomically(path, old)
    write_atomically(path, new)
    assert read_limited(path, len(new)) == new
    assert names(path.parent) == ["state.json"]


@posix
def test_a_private_file_is_its_owners_alone_and_another_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_atomically(tmp_path / "key.pem", b"secret")
        write_atomically(tmp_path / "cert.pem", b"public", private=False)
    finally:
        os.umask(before)
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "cert.pem").stat().st_mode & 0o777 == 0o644


@posix
def test_replacing_an_open_file_makes_it_private(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.touch(mode=0o644)
    write_atomically(path, b"secret")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "state.json"
    write_atomically(path, b"old")

    def fail(_handle: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((BadFile, KeyboardInterrupt)) as caught:
        write_atomically(path, b"new")
    if isinstance(caught.value, BadFile):
        assert caught.value.reason == "no space left on device"
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["state.json"]


def test_a_failed_rename_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "state.json").mkdir()
    with pytest.raises(BadFile) as caught:
        write_atomically(tmp_path / "state.json", b"new")
    assert caught.value.path == str(tmp_path / "state.json")
    assert names(tmp_path) == ["state.json"]


@posix
def test_a_file_system_that_cannot_sync_a_folder_is_good_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    real = os.fsync

    def refuse_folders(handle: int) -> None:
        synced.append(not stat.S_ISDIR(os.fstat(handle).st_mode))
        if not synced[-1]:
            raise OSError(errno.EINVAL, "Invalid argument")
        real(handle)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    write_atomically(tmp_path / "state.json", b"new")
    assert synced == [True, False]
    assert (tmp_path / "state.json").read_bytes() == b"new"


def test_the_limit_itself_is_allowed_and_one_more_is_not(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_limited(path, 5) == b"12345"
    with pytest.raises(BadFile) as caught:
        read_limited(path, 4)
    assert caught.value.reason == "it is larger than 4 bytes"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "it does not exist"),
        (".", "it is a folder"),
        ("file/below", "a file stands where a folder is needed"),
        ("nul\0byte", "its name is not valid"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadFile) as caught:
        read_limited(tmp_path / name, 100)
    assert caught.value.reason == reason


def test_a_name_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as caught:
        write_atomically(tmp_path / "nul\0byte", b"new")
    assert caught.value.reason == "its name is not valid"


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as caught:
        write_atomically(tmp_path / "missing" / "file", b"new")
    assert caught.value.reason == "it does not exist"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "this program is not allowed to use it"),
        (OSError(errno.EIO, "Input/output error"), "input/output error"),
        (OSError(), "it cannot be used"),
        (ValueError("embedded null byte"), "its name is not valid"),
    ],
)
def test_reasons_are_half_a_sentence(error: OSError | ValueError, reason: str) -> None:
    assert plain_reason(error) == reason
