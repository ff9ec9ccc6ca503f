"""Makes files and directories, each with a mode that is chosen here and not by the umask.

A file is replaced atomically: a reader sees the old content or the new one, never a part. What
root makes in another user's directory does not follow a link that this user has put there.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

PRIVATE: Final = 0o600
"""Only the owner reads and writes it."""
PUBLIC: Final = 0o644
"""What another user's process has to read."""
PRIVATE_DIRECTORY: Final = 0o700
WAY_DIRECTORY: Final = 0o711
"""Others reach what they may open in it by its name, and cannot list it."""
PUBLIC_DIRECTORY: Final = 0o755


def put(path: Path, content: bytes, *, durable: bool = False, mode: int = PRIVATE) -> None:
    """Write this content to the file with `replacing`."""
    with replacing(path, durable=durable, mode=mode) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = False, mode: int = PRIVATE) -> Iterator[BinaryIO]:
    """A file to write. It is renamed to `path` when the block ends without an error.

    Until then it is in the same directory, under a name that begins with a dot and ends in `.new`.
    With `durable` its content is synced to disk before the rename. Only one writer at a time may
    use a path.
    """
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)  # left by a killed writer
    try:
        with open(temporary, "xb", opener=_private) as file:
            os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def opened(path: Path, flags: int, *, mode: int = PRIVATE, like: Path | None = None) -> int:
    """A descriptor of the file, which is made if there is none.

    A new one that root makes gets the owner of `like`. Raises OSError for a symbolic link.
    """
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, flags)
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, PRIVATE)
        except FileExistsError:  # another process was faster
            continue
        os.fchmod(descriptor, mode)
        if like is not None and os.geteuid() == 0:
            owner = like.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        return descriptor


def make(path: Path, *, mode: int = PRIVATE, like: Path | None = None) -> None:
    """Make an empty file, if there is none. See `opened`."""
    os.close(opened(path, os.O_WRONLY, mode=mode, like=like))


def directory(path: Path, mode: int = PRIVATE_DIRECTORY) -> None:
    """The directory has this mode, and is made if need be.

    Root's is root's alone: one that another user has made first becomes root's, and a link of
    another user does not lead root elsewhere.
    """
    if os.getuid() == 0:
        _take_from_others(path)
    if not make_directory(path, mode) and stat.S_IMODE(path.stat().st_mode) != mode:
        path.chmod(mode)


def _take_from_others(path: Path) -> None:
    """What stands at this place of root's is root's directory, root's own link, or nothing."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if found.st_uid == 0:
        return
    if stat.S_ISDIR(found.st_mode):
        os.chown(path, 0, 0, follow_symlinks=False)
    else:
        path.unlink()


def make_directory(path: Path, mode: int) -> bool:
    """Make the directory and those above it; whether it was missing.

    One that exists keeps its mode, which an administrator may have chosen.
    """
    if path.is_dir():
        return False
    if not path.parent.exists():
        make_directory(path.parent, WAY_DIRECTORY)
    try:
        path.mkdir(PRIVATE_DIRECTORY)
    except FileExistsError:
        if path.is_dir():  # another process was faster
            return False
        raise
    path.chmod(mode)
    return True


def own_again(path: Path, mode: int, *, uid: int, gid: int) -> bool:
    """Have the file or directory this mode and owner again; whether they were other ones.

    A link or nothing at all is left as it is.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    has = (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
    if stat.S_ISLNK(found.st_mode) or has == (mode, uid, gid):
        return False
    os.chown(path, uid, gid, follow_symlinks=False)
    path.chmod(mode)
    return True


def open_socket_file(path: Path, mode: int, *, like: Path | None = None) -> None:
    """Give the socket that was just bound a mode, and from root the owner of `like`.

    Raises OSError if it is no socket of this process's user, as when another who may write in the
    directory has put something in its place.
    """
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(f"{path} is not the socket that was bound there")
        itself = f"/proc/self/fd/{descriptor}"
        os.chmod(itself, mode)  # noqa: PTH101  # a path would be looked up again
        if like is not None and os.geteuid() == 0:
            owner = like.stat()
            os.chown(itself, owner.st_uid, owner.st_gid)
    finally:
        os.close(descriptor)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, PRIVATE)
