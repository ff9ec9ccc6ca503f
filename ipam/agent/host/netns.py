"""Names of network namespaces, as `ip netns` has them, and the way into one.

Everything is done to the calling thread, because each thread has a namespace of its own.
"""

import ctypes
import os
from pathlib import Path
from typing import Final

NETNS_DIRECTORY: Final = Path("/run/netns")
MOUNTS_OF_HOST: Final = Path("/proc/1/ns/mnt")
OF_THREAD: Final = b"/proc/thread-self/ns/net"
CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MNT_DETACH: Final = 2
MS_BIND, MS_REC, MS_SHARED = 1 << 12, 1 << 14, 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)


def enter(name: str) -> None:
    """Put this thread into the namespace. Raises OSError if there is none."""
    descriptor = os.open(f"{NETNS_DIRECTORY}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(descriptor, CLONE_NEWNET), f"cannot enter the namespace {name}")
    finally:
        os.close(descriptor)


def enter_new(name: str = "") -> None:
    """Put this thread into a new namespace, which an error calls by this name."""
    _check(_libc.unshare(CLONE_NEWNET), f"cannot make the namespace {name}".rstrip())


def attach(name: str) -> None:
    """Give this thread's namespace a name, under which it outlives the thread.

    Raises FileExistsError if there is one of this name.
    """
    _enter_mounts_of_host()
    directory, path = os.fsencode(NETNS_DIRECTORY), NETNS_DIRECTORY / name
    if _libc.mount(b"", directory, b"none", MS_SHARED | MS_REC, None) != 0:
        # It is no mount yet: made one, it passes on to all what is mounted in it.
        own = _libc.mount(directory, directory, b"none", MS_BIND | MS_REC, None)
        _check(own, f"cannot mount {NETNS_DIRECTORY}")
        shared = _libc.mount(b"", directory, b"none", MS_SHARED | MS_REC, None)
        _check(shared, f"cannot share {NETNS_DIRECTORY}")
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0))
    _check(
        _libc.mount(OF_THREAD, os.fsencode(path), b"none", MS_BIND, None), f"cannot mount {path}"
    )


def remove(name: str) -> None:
    """Have no such name. Raises FileNotFoundError if there is none."""
    _enter_mounts_of_host()
    path = NETNS_DIRECTORY / name
    _libc.umount2(os.fsencode(path), MNT_DETACH)  # what is no mount is only a file
    path.unlink()


def _enter_mounts_of_host() -> None:
    """Put this thread where the whole host sees its mounts, if a unit gave the agent its own.

    The name of a namespace is a mount. One in the agent's own mounts would end with the agent.
    """
    try:
        if MOUNTS_OF_HOST.samefile("/proc/thread-self/ns/mnt"):
            return
    except PermissionError:  # in some containers process 1 is not to be looked at
        return
    descriptor = os.open(MOUNTS_OF_HOST, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # A thread that shares its working directory with others cannot change its mounts.
        said = "cannot enter the host's mounts"
        _check(_libc.unshare(CLONE_FS), said)
        _check(_libc.setns(descriptor, CLONE_NEWNS), said)
    finally:
        os.close(descriptor)


def _check(result: int, what: str) -> None:
    """Raise OSError if the call before has failed."""
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
