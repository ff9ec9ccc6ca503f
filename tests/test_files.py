"""A file is replaced as a whole, whatever was there and whatever fails."""

import os
import socket
import stat
from collections.abc import Iterator
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


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def any_umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("wanted", [0o600, 0o644, 0o755])
def test_a_mode_is_set_whatever_the_umask(any_umask: None, tmp_path: Path, wanted: int) -> None:
    files.put(tmp_path / "put", b"new", mode=wanted)
    files.make(tmp_path / "made", mode=wanted)
    files.directory(tmp_path / "directory", wanted)
    assert files.make_directory(tmp_path / "made directory", wanted)
    assert {mode(path) for path in tmp_path.iterdir()} == {wanted}


def test_without_a_mode_a_file_is_its_owners_alone(any_umask: None, tmp_path: Path) -> None:
    files.put(tmp_path / "put", b"new")
    files.make(tmp_path / "made")
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}


def test_a_directory_above_lets_others_through_and_shows_nothing(
    any_umask: None, tmp_path: Path
) -> None:
    files.directory(tmp_path / "above" / "below")
    assert mode(tmp_path / "above") == 0o711
    assert mode(tmp_path / "above" / "below") == 0o700


def test_an_administrators_directory_keeps_its_mode_and_ours_gets_it_back(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    assert not files.make_directory(tmp_path, 0o711)
    assert mode(tmp_path) == 0o750
    files.directory(tmp_path, 0o711)
    assert mode(tmp_path) == 0o711


def test_what_is_there_is_opened_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "known"
    path.write_bytes(b"kept")
    path.chmod(0o640)
    descriptor = files.opened(path, os.O_RDONLY)
    assert os.read(descriptor, 16) == b"kept"
    os.close(descriptor)
    assert mode(path) == 0o640


def test_no_link_is_followed_to_another_file(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        files.opened(tmp_path / "dangling", os.O_WRONLY)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_belongs_to_the_service(tmp_path: Path) -> None:
    os.chown(tmp_path, 65_533, 65_532)
    files.make(tmp_path / "lock", like=tmp_path)
    found = (tmp_path / "lock").stat()
    assert (found.st_uid, found.st_gid) == (65_533, 65_532)


def test_a_socket_is_opened_to_others_and_nothing_that_took_its_place(
    any_umask: None, tmp_path: Path
) -> None:
    path, victim = tmp_path / "sock", tmp_path / "victim"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
        files.open_socket_file(path, 0o666)
        assert mode(path) == 0o666
    files.make(victim)
    path.unlink()
    path.symlink_to(victim)
    with pytest.raises(PermissionError):
        files.open_socket_file(path, 0o666)
    assert mode(victim) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root takes what others have made")
def test_a_directory_that_another_user_made_in_roots_place_becomes_roots(tmp_path: Path) -> None:
    for name in ("dhcp", "elsewhere"):
        (tmp_path / name).mkdir(mode=0o777)
    os.chown(tmp_path / "dhcp", 1234, 1234)
    (tmp_path / "spool").symlink_to(tmp_path / "elsewhere")
    os.chown(tmp_path / "spool", 1234, 1234, follow_symlinks=False)
    (tmp_path / "roots").symlink_to(tmp_path / "elsewhere")
    before = (tmp_path / "elsewhere").stat().st_mode
    for name in ("dhcp", "spool"):
        files.directory(tmp_path / name, files.WAY_DIRECTORY)
        found = (tmp_path / name).lstat()
        assert stat.S_ISDIR(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == files.WAY_DIRECTORY
        assert (found.st_uid, found.st_gid) == (0, 0)
    assert (tmp_path / "elsewhere").stat().st_mode == before
    files.directory(tmp_path / "roots")
    assert (tmp_path / "roots").is_symlink(), "an administrator may put a directory elsewhere"
