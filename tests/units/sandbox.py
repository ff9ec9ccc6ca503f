"""Runs a command in the sandbox that a unit file describes: `python -m tests.units.sandbox all
UNIT DIRECTORY COMMAND...`, as root. Below DIRECTORY are `run`, `run-agent` and what the unit names
as StateDirectory.

Mounts, user, capabilities and seccomp filters are made as systemd.exec(5) says, and in its order.
What only systemd has (cgroups, DevicePolicy) is left out.
"""

import ctypes
import errno
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

from pyseccomp import ALLOW, EQ, ERRNO, MASKED_EQ, NE, Arg, SyscallFilter

from tests.units.unit_file import Unit, unit

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER = 0x20000, 0x4000000, 0x10000000
NAMESPACES = {
    "cgroup": 0x02000000,
    "ipc": 0x08000000,
    "mnt": CLONE_NEWNS,
    "net": 0x40000000,
    "pid": 0x20000000,
    "user": CLONE_NEWUSER,
    "uts": CLONE_NEWUTS,
}
PROT_WRITE_EXEC, PROT_EXEC = 6, 4
SERVICE_UID = 65_523

libc = ctypes.CDLL(None, use_errno=True)


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def make_mounts(one: Unit, directory: Path) -> None:
    """The file system as the service sees it; ProtectSystem=strict is the ground of it."""
    flags = CLONE_NEWNS | (CLONE_NEWUTS if one.is_on("ProtectHostname") else 0)
    assert libc.unshare(flags) == 0
    run("mount", "--make-rslave", "/")
    assert one.one("ProtectSystem") == "strict"
    # Bound upon themselves first, so that they stay as they are when all else is read-only.
    kept = [
        directory / one.one("StateDirectory"),
        directory / "run",
        directory / f"run{one.one('RuntimeDirectory').removeprefix('ipam')}",
        *map(Path, one.words("ReadWritePaths")),
    ]
    for path in kept:
        run("mount", "--rbind", str(path), str(path))
        run("mount", "--make-rslave", str(path))
    run("mount", "--bind", "/", "/")
    os.chroot("/")
    hidden = []
    if one.is_on("PrivateTmp"):
        hidden += ["/var/tmp"]
    if one.is_on("ProtectHome"):
        hidden += ["/home", "/root"]
    if one.is_on("ProtectKernelModules"):
        hidden += ["/lib/modules"]
    for path in (Path(name) for name in hidden):
        if path.is_dir():
            run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", str(path))
    read_only = [mount for mount in mounts() if not is_kept(mount, kept)]
    if one.is_on("ProtectKernelTunables"):
        run("mount", "--bind", "/proc/sys", "/proc/sys")
        read_only.append("/proc/sys")
    for mount in read_only:
        subprocess.run(
            ["mount", "-o", "remount,bind,ro", mount], check=False, stderr=subprocess.DEVNULL
        )
    if one.is_on("ProtectProc"):
        options = "hidepid=invisible" + (",subset=pid" if one.words("ProcSubset") else "")
        run("mount", "-t", "proc", "-o", options, "proc", "/proc")


def mounts() -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line.split()[1] for line in lines]


def is_kept(mount: str, kept: list[Path]) -> bool:
    """What ProtectSystem=strict leaves writable, and what the unit does."""
    own = any(Path(mount).is_relative_to(path) for path in kept)
    return own or any(Path(mount).is_relative_to(path) for path in ("/dev", "/proc", "/sys"))


def drop_privileges(one: Unit) -> list[str]:
    """The setpriv command that leaves the unit's user and capabilities."""
    words = [word.removeprefix("CAP_").lower() for word in one.words("CapabilityBoundingSet")]
    bounding = ",".join(["-all", *(f"+{word}" for word in words)])
    command = ["setpriv", f"--bounding-set={bounding}", "--inh-caps=-all", "--ambient-caps=-all"]
    if one.is_on("NoNewPrivileges"):
        command.append("--no-new-privs")
    if one.words("User"):
        command += [f"--reuid={SERVICE_UID}", f"--regid={SERVICE_UID}", "--clear-groups"]
    return command


Rule: TypeAlias = tuple[str, *tuple[Any, ...]]
"""A system call, and conditions on its arguments that have to be met together."""


def filter_calls(one: Unit) -> None:
    """Load the seccomp filters, each of which only refuses. The last forbids to load more."""
    families = {getattr(socket, word) for word in one.words("RestrictAddressFamilies")}
    others = [family for family in range(46) if family not in families]
    refuse([("socket", Arg(0, EQ, family)) for family in others], errno.EAFNOSUPPORT)
    allowed = set(one.words("RestrictNamespaces")) - {"yes"}
    rules: list[Rule] = []
    for bit in (bit for name, bit in NAMESPACES.items() if name not in allowed):
        rules += [(call, Arg(0, MASKED_EQ, bit, bit)) for call in ("unshare", "clone")]
        rules.append(("setns", Arg(1, MASKED_EQ, bit, bit)))
    if one.is_on("MemoryDenyWriteExecute"):
        rules.append(("mmap", Arg(2, MASKED_EQ, PROT_WRITE_EXEC, PROT_WRITE_EXEC)))
        rules.append(("mprotect", Arg(2, MASKED_EQ, PROT_EXEC, PROT_EXEC)))
    if one.is_on("RestrictSUIDSGID"):
        for bit in (stat.S_ISUID, stat.S_ISGID):
            rules += [
                (call, Arg(place, MASKED_EQ, bit, bit))
                for call, place in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("mkdir", 1))
            ]
    if one.is_on("LockPersonality"):
        rules.append(("personality", Arg(0, NE, 0)))
    if one.is_on("RestrictRealtime"):
        rules.append(("sched_setscheduler", Arg(1, NE, 0)))
    refuse(rules, errno.EPERM)
    refuse([("clone3",)], errno.ENOSYS)  # a filter cannot see its flags, so systemd has none of it
    refuse([(call,) for call in sorted(one.forbidden_calls)], errno.EPERM)


def refuse(rules: Iterable[Rule], error: int) -> None:
    made = SyscallFilter(ALLOW)
    for call, *conditions in rules:
        try:
            made.add_rule(ERRNO(error), call, *conditions)
        except (RuntimeError, OSError, ValueError):
            continue  # a call of another architecture
    made.load()


def main(stage: str, name: str, directory: str, *command: str) -> None:
    """Mounts and privileges first; the filters, which forbid both, in the next process."""
    one = unit(name)
    if stage == "filter":
        filter_calls(one)
        os.execvp(command[0], command)  # it becomes the service
    make_mounts(one, Path(directory))
    os.umask(int(one.one("UMask"), 8))
    os.environ["TMPDIR"] = f"{directory}/run"
    again = [sys.executable, "-m", "tests.units.sandbox", "filter", name, directory]
    words = [*drop_privileges(one), *again, *command]
    os.execvp(words[0], words)  # see above


if __name__ == "__main__":
    main(*sys.argv[1:])
