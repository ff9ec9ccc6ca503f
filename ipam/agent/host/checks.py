"""Checks what dnsmasq needs of the host: its version, buffers, inotify instances."""

import logging
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ipam.agent.host.confinement import landlock_version
from ipam.errors import HostUnfit

LOG = logging.getLogger(__name__)

OLDEST = (2, 87)
"""The oldest version whose dhcp-script and inotify behaviour is tested."""
FORGETS_NAMES = (2, 88)
"""From this version on, dnsmasq forgets what a file of names said before its change."""
CVE_FIXED = (2, 92)
"""2.92rel2 repairs CVE-2026-4892, a heap overflow in the root-owned helper."""
DEBIAN_FIXED = {"2.90": "2.90-4~deb12u2"}
"""Debian's own repairs, by upstream version."""

SYSCTLS = {
    # dnsmasq uses the default. 208 KiB hold about 128 requests, and a rack boots more at once.
    Path("/proc/sys/net/core/rmem_default"): 4 << 20,
    # Each dnsmasq uses one, and all count for one user. 128 is the usual limit.
    Path("/proc/sys/fs/inotify/max_user_instances"): 8192,
    # Two directories of each network by dnsmasq, three by the agent; old kernels allow 8,192.
    Path("/proc/sys/fs/inotify/max_user_watches"): 65_536,
}


@dataclass(frozen=True, slots=True)
class DnsmasqVersion:
    """The upstream version, such as `2.92rel2`, and the number in it."""

    text: str
    number: tuple[int, int]
    has_lua: bool = False
    """Whether it takes a `dhcp-luascript`."""

    @property
    def forgets_names(self) -> bool:
        """Whether it forgets a name that goes, without a SIGHUP."""
        return self.number >= FORGETS_NAMES


def parse_version(output: str) -> DnsmasqVersion:
    """The version in the output of `dnsmasq --version`. Raises HostUnfit if there is none."""
    match = re.match(r"Dnsmasq version ((\d+)\.(\d+)\S*)", output)
    if match is None:
        raise HostUnfit(f"this is not dnsmasq's version: {output[:80]!r}")
    has_lua = re.search(r"^Compile time options:.* Lua\b", output, re.MULTILINE) is not None
    return DnsmasqVersion(match[1], (int(match[2]), int(match[3])), has_lua)


def may_have_cve_2026_4892(version: DnsmasqVersion) -> bool:
    """True unless the upstream version has the repair."""
    release = re.search(r"rel(\d+)$", version.text)
    repaired = version.number == CVE_FIXED and release is not None and int(release[1]) >= 2
    return not (repaired or version.number > CVE_FIXED)


def check_dnsmasq(program: str, *, allow_vulnerable: bool = False) -> DnsmasqVersion:
    """The program's version. Raises HostUnfit if it is too old or may have CVE-2026-4892.

    With `allow_vulnerable` the vulnerability is only warned of.
    """
    version = parse_version(_output(program, "--version"))
    if version.number < OLDEST:
        raise HostUnfit(
            f"{program} is version {version.text}; {OLDEST[0]}.{OLDEST[1]} or later is needed:"
            " `apt install dnsmasq-base` of Debian 12 or Ubuntu 24.04 has it."
        )
    if may_have_cve_2026_4892(version) and not _debian_repaired(program, version):
        fault = (
            f"dnsmasq {version.text} may have CVE-2026-4892, which lets DHCP clients overflow a"
            " buffer of a root process: fixed in 2.92rel2 and in Debian's"
            f" {', '.join(DEBIAN_FIXED.values())}"
        )
        if not allow_vulnerable:
            raise HostUnfit(
                f"{fault}. Install one of these. If your distribution has repaired this one, which"
                " its version does not tell, set [agent] allow_vulnerable_dnsmasq."
            )
        LOG.warning("%s", fault)
    return version


def raise_limits() -> None:
    """Raise the limits for many dnsmasqs and machines. Logs what could not be raised."""
    for path, least in SYSCTLS.items():
        try:
            if int(path.read_text()) < least:
                path.write_text(str(least))
        except (OSError, ValueError) as error:
            name = ".".join(path.parts[3:])
            LOG.warning("cannot raise %s to %d (%s): set it in /etc/sysctl.d", name, least, error)


def warn_without_landlock() -> None:
    """Say what is not kept apart on a kernel without Landlock."""
    if landlock_version() == 0:
        LOG.warning(
            "this kernel has no Landlock (lsm=… on its command line leaves it out): a dnsmasq that"
            " was taken over could write into the lease spools of other networks"
        )


def _debian_repaired(program: str, version: DnsmasqVersion) -> bool:
    """True if the version of the program's Debian package has the repair."""
    fixed = DEBIAN_FIXED.get(version.text)
    if fixed is None or not program.startswith(("/usr/sbin/", "/sbin/")):
        return False
    package = "dnsmasq-base-lua" if version.has_lua else "dnsmasq-base"
    installed = _output("dpkg-query", "-W", "-f=${Version}", package)
    compare = ["dpkg", "--compare-versions", installed, "ge", fixed]
    return bool(installed) and subprocess.run(compare, check=False).returncode == 0


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout
