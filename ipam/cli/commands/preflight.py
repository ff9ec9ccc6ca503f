"""Checks before `ipam up` starts anything. Each fault is a sentence with its remedy."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator

from ipam.agent.host.checks import check_dnsmasq
from ipam.errors import HostUnfit


def faults(
    dnsmasq: str, bind_host: str, bind_port: int, *, allow_vulnerable: bool = False
) -> list[str]:
    """Everything that prevents a start, not only the first fault."""
    of_dnsmasq = dnsmasq_faults(dnsmasq, allow_vulnerable=allow_vulnerable)
    return [*_privilege(), *of_dnsmasq, *_door(bind_host, bind_port)]


def dnsmasq_faults(program: str, *, allow_vulnerable: bool = False) -> Iterator[str]:
    """Faults if the program is missing, too old, or vulnerable and not allowed to be."""
    path = find_program(program)
    if path is None:
        yield (
            f"The program {program} is not there: `apt install dnsmasq-base` (Debian, Ubuntu) or"
            " `dnf install dnsmasq` (Fedora, RHEL), or name it as [agent] dnsmasq in the settings."
        )
        return
    try:
        check_dnsmasq(path, allow_vulnerable=allow_vulnerable)
    except (HostUnfit, OSError, subprocess.TimeoutExpired) as error:
        yield f"{path}: {error}"


def find_program(program: str) -> str | None:
    """The program's path. The sbin directories are searched even if they are not in PATH."""
    path = os.environ.get("PATH", os.defpath)
    return shutil.which(program, path=f"{path}:/usr/local/sbin:/usr/sbin:/sbin")


def free_port(bind_host: str) -> int:
    """A TCP port that nobody listens on at the moment."""
    with _probe(bind_host, 0) as probe:
        return int(probe.getsockname()[1])


def _privilege() -> Iterator[str]:
    if os.geteuid() != 0:
        yield "It makes bridges and namespaces, which only root may: `sudo ipam up`."


def _door(bind_host: str, bind_port: int) -> Iterator[str]:
    try:
        _probe(bind_host, bind_port).close()
    except OSError as error:
        yield (
            f"Cannot listen on {bind_host} port {bind_port} ({error.strerror}): choose another"
            " with --port, or stop what listens there (`ss -ltnp` shows it)."
        )


def _probe(bind_host: str, bind_port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind_host else socket.AF_INET
    probe = socket.socket(family, socket.SOCK_STREAM)
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((bind_host, bind_port))
        probe.listen(1)
    except OSError:
        probe.close()
        raise
    return probe
