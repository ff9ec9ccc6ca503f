"""A file is replaced as a whole, whatever was there and whatever fails."""

import os
from pathlib import Path

import pytest

from ipam import files


def test_new_content_takes_the_place_of_the_old_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "known"
    files.put(path, b"old and longer")
    files.put(path, b"new", durable=True)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_sees_the_old_content_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "known"
    files.put(path, b"old")
    with files.replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_an_error_leaves_the_old_file_alone_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "known"
    files.put(path, b"old")
    with pytest.raises(TypeError), files.replacing(path) as file:
        file.writelines([b"half", "no bytes"])  # type: ignore[list-item]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_not_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "known"
    with files.replacing(path) as file:
        left = Path(file.name)
    left.write_bytes(b"half of something longer")
    files.put(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    path, other = tmp_path / "known", tmp_path / "other"
    other.write_bytes(b"kept")
    with files.replacing(path) as file:
        place = Path(file.name)
    place.symlink_to(other)
    files.put(path, b"new")
    assert other.read_bytes() == b"kept"
    assert not path.is_symlink()


def test_dnsmasq_and_json_readers_pass_over_the_temporary_file(tmp_path: Path) -> None:
    """dnsmasq passes over names that begin with a dot; pathlib's `*.json` does not."""
    with files.replacing(tmp_path / "net.json") as file:
        name = Path(file.name).name
        assert list(tmp_path.glob("*.json")) == []
    assert name.startswith(".")


@pytest.mark.parametrize("mode", [0o600, 0o755])
def test_a_mode_is_set_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "known"
    before = os.umask(0o077)
    try:
        files.put(path, b"new", mode=mode)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o7777 == mode


def test_without_a_mode_the_umask_decides(tmp_path: Path) -> None:
    path = tmp_path / "known"
    before = os.umask(0o027)
    try:
        files.put(path, b"new")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o7777 == 0o640
