"""Prepares a host for dnsmasq: programs, limits, directories, and shared files."""

import contextlib
import logging
import os
import pwd
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ipam
from ipam import files, model
from ipam.agent.dnsmasq import safe_words
from ipam.agent.dnsmasq.config import LUA_HOOK, PYTHON_HOOK, Site, mac_tags_file
from ipam.agent.dnsmasq.process import DnsmasqProcesses
from ipam.agent.forwarder.forwarder import ADDRESS
from ipam.agent.host import checks, file_lease
from ipam.agent.outside import Processes
from ipam.errors import HostUnfit
from ipam.settings import Settings
from ipam.settings.dnsmasq import DnsmasqSettings
from ipam.templating import Word

LOG = logging.getLogger(__name__)

DURABLE_LEASES: Final = "dhcp-leases"
"""In the state directory: the lease files of networks with dynamic ranges."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """A host that can serve: its processes, and the values that all dnsmasqs share."""

    processes: Processes
    dnsmasq_version: str
    site: Site
    installation: str
    """A name of the state directory, by which the API tells a restart from another agent."""
    forgets_names: bool = True
    """Whether dnsmasq forgets a name that goes, without a SIGHUP."""
    files: tuple[Path, ...] = ()
    """What the agent has put into its state directory for itself and every dnsmasq."""


def prepare(settings: Settings) -> Preparation:
    """Check the host, raise its limits, and put the agent's own files in place.

    Raises HostUnfit, before anything is touched, if the host cannot do it.
    """
    processes = _check_host(settings)
    allowed = settings.agent.allow_vulnerable_dnsmasq
    version = checks.check_dnsmasq(processes.dnsmasq, allow_vulnerable=allowed)
    state = settings.agent.state_path
    _make_directories(state, settings.agent.run_path)
    in_lua = _takes_lua(settings, version)
    hook, mac_tags = _install_hook(state, in_lua=in_lua), _write_mac_tags(state)
    name = _installation(state)
    durable = state / DURABLE_LEASES
    return Preparation(
        processes,
        version.text,
        _site(settings, hook, mac_tags, in_lua=in_lua),
        name.read_text(),
        version.forgets_names,
        (hook, mac_tags, name, *([durable] if durable.is_dir() else [])),
    )


def _check_host(settings: Settings) -> DnsmasqProcesses:
    """Check the host and raise its limits. Gives the programs."""
    if os.geteuid() != 0:
        raise HostUnfit("The agent makes bridges and namespaces: run it as root.")
    try:
        pwd.getpwnam(settings.agent.hook_user)
    except KeyError as error:
        raise HostUnfit(
            f"[agent] hook_user: there is no user {settings.agent.hook_user!r}; the package"
            " dnsmasq-base makes `dnsmasq`."
        ) from error
    processes = DnsmasqProcesses(settings.agent.dnsmasq)
    checks.raise_limits()
    checks.warn_without_landlock()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # some per network
    return processes


def _make_directories(state: Path, run_path: Path) -> None:
    """Make the directories so that dnsmasq and the hook, not run as root, reach their files."""
    files.make_directory(run_path, files.PUBLIC_DIRECTORY)
    with contextlib.suppress(OSError):  # read-only: it is used as it is
        files.directory(state, files.WAY_DIRECTORY)
        files.directory(state / DURABLE_LEASES)
    for directory in (run_path, state.parent):
        mode = directory.stat().st_mode
        if not mode & 0o001:
            with contextlib.suppress(OSError):
                directory.chmod(mode | 0o011)


def _takes_lua(settings: Settings, version: checks.DnsmasqVersion) -> bool:
    """Whether the hook is the one in Lua. Raises HostUnfit if it is to be and cannot."""
    wanted, state = settings.agent.hook, settings.agent.state_path
    if wanted == "python" or (wanted == "auto" and not version.has_lua):
        return False
    if not version.has_lua:
        raise HostUnfit(
            f"[agent] hook is lua, but dnsmasq {version.text} is built without Lua:"
            " `apt install dnsmasq-base-lua` (Debian and Ubuntu)."
        )
    if file_lease.is_possible(state):
        return True
    refusal = (
        f"files in {state} can have no lease (fcntl(2), F_SETLEASE), which its hook in Lua needs"
    )
    if wanted == "lua":
        raise HostUnfit(f"[agent] hook is lua, but {refusal}.")
    LOG.warning("%s: dnsmasq gets the one in Python", refusal)
    return False


def _install_hook(state: Path, *, in_lua: bool) -> Path:
    """Copy the hook to a place that only root can change, because a checkout may be a user's.

    It is not in the run path, because /run is often mounted noexec.
    """
    hook = state / ("dnsmasq_hook.lua" if in_lua else "dnsmasq_hook")
    source = Path(ipam.__file__).parent / f"dnsmasq_hook.{'lua' if in_lua else 'py'}"
    _put(hook, source.read_bytes(), mode=0o755)
    return hook


def _installation(state: Path) -> Path:
    """The file with the name that was made at the first start."""
    file = state / "installation"
    if not file.exists():
        _put(file, model.new_id().encode(), mode=files.PRIVATE, durable=True)
    return file


def _write_mac_tags(state: Path) -> Path:
    """The file that every dnsmasq of this host reads at its start."""
    file = state / "mac_tags.conf"
    _put(file, mac_tags_file().encode(), mode=files.PRIVATE)
    return file


def _put(file: Path, content: bytes, *, mode: int, durable: bool = False) -> None:
    """Write the file, unless a disk that is full or read-only has it from before.

    Raises HostUnfit if it has none: DHCP cannot be served without.
    """
    try:
        files.put(file, content, durable=durable, mode=mode)
    except OSError as error:
        if not file.exists():
            raise HostUnfit(f"{file} cannot be made: {error}") from error
        if file.read_bytes() != content:
            LOG.error("%s stays as an older agent has left it: %s", file, error)  # noqa: TRY400  # the message says it


def _site(settings: Settings, hook: Path, mac_tags: Path, *, in_lua: bool) -> Site:
    try:
        return Site(
            run_path=safe_words.path(str(settings.agent.run_path.absolute() / "dhcp")),
            mac_tags=safe_words.path(str(mac_tags.absolute())),
            hook=safe_words.path(str(hook.absolute())),
            hook_option=LUA_HOOK if in_lua else PYTHON_HOOK,
            hook_user=safe_words.user(settings.agent.hook_user),
            forwarder=safe_words.name_server(*ADDRESS),
            forwards=settings.dnsmasq.forwards,
            rebind_domains=_rebind_domains(settings.dnsmasq),
            durable_path=safe_words.path(
                str((settings.agent.state_path / DURABLE_LEASES).absolute())
            ),
        )
    except safe_words.UnfitError as error:
        raise HostUnfit(f"run_path, state_path or [agent] hook_user: {error}") from error


def _rebind_domains(dnsmasq: DnsmasqSettings) -> tuple[Word, ...] | None:
    if not dnsmasq.stop_dns_rebind:
        return None
    try:
        return tuple(safe_words.dns_name(one.strip(".")) for one in dnsmasq.rebind_domains_ok)
    except safe_words.UnfitError as error:
        raise HostUnfit(f"[dnsmasq] rebind_domains_ok: {error}") from error
