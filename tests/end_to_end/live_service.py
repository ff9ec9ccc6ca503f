"""A running service, and machines with real DHCP clients, for the end-to-end tests.

A machine is a network namespace on a port's tap. All names are unique, so that a real installation
is not disturbed.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE_SECONDS

IPAM = str(Path(sys.executable).with_name("ipam"))
LEASE_SECONDS = 600

# What every client's script writes: one line per fact, in the client's own names.
RECORD = """#!/bin/sh
env | sort >>"$RESULT.env"
{address_command}
exit 0
"""
UDHCPC = RECORD.format(
    address_command='[ "$1" = bound ] && ip address add "$ip/$mask" dev "$interface"'
    ' && echo "$ip" >"$RESULT"'
)
DHCLIENT = RECORD.format(
    address_command="""case $reason in
BOUND|REBOOT)
  ip address add "$new_ip_address/24" dev "$interface"
  echo "$new_ip_address" >"$RESULT";;
BOUND6) echo "$new_ip6_address" >"$RESULT";;
PREINIT|PREINIT6) ip link set "$interface" up;;
esac"""
)
DHCPCD = RECORD.format(
    address_command="""case $reason in
BOUND|REBOOT|RENEW) echo "$new_ip_address" >"$RESULT";;
BOUND6) echo "$new_dhcp6_ia_na1_ia_addr1" >"$RESULT";;
esac"""
)


@dataclass(frozen=True)
class Service:
    """A running `ipam up`."""

    host: str
    run_path: Path
    state_path: Path
    process: subprocess.Popen[str]

    @property
    def socket(self) -> str:
        return str(self.run_path / "api.sock")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [IPAM, "--socket", self.socket, *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
        )

    def json(self, *words: str) -> Any:
        done = self.run(*words, "-f", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def children(self, word: str) -> list[int]:
        """The pids of the service's own processes whose command line has this word."""
        pid = str(self.process.pid)
        listed = subprocess.run(
            ["ps", "--ppid", pid, "-o", "pid=,args="], capture_output=True, text=True, check=False
        )
        return [int(line.split()[0]) for line in listed.stdout.splitlines() if word in line]

    def dnsmasq_pids(self) -> list[int]:
        found = subprocess.run(
            ["pgrep", "-f", f"dnsmasq.*{self.run_path}"],
            capture_output=True,
            text=True,
            check=False,
        )
        return sorted(int(line) for line in found.stdout.split())


@dataclass(frozen=True)
class Machine:
    """A namespace with one interface on a port's tap."""

    namespace: str
    interface: str
    directory: Path

    def run(self, *command: str, environment: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["ip", "netns", "exec", self.namespace, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
            env=os.environ | (environment or {}),
        )
        return done.stdout + done.stderr

    def ask(self, client: str) -> tuple[str, dict[str, str]]:
        """The address the client got ("" for none) and everything it was told."""
        result = self.directory / f"{client}.result"
        result.unlink(missing_ok=True)
        scripts = {"udhcpc": UDHCPC, "dhclient": DHCLIENT, "dhclient6": DHCLIENT, "dhcpcd": DHCPCD}
        script = self.directory / f"{client}.sh"
        script.write_text(scripts[client])
        script.chmod(0o755)
        output = self.run(*self._command(client, script), environment={"RESULT": str(result)})
        if not result.exists():
            return "", {"output": output}
        told = Path(f"{result}.env").read_text().splitlines()
        return result.read_text().strip(), dict(line.split("=", 1) for line in told if "=" in line)

    def _command(self, client: str, script: Path) -> list[str]:
        files = ["-lf", f"{script}.leases", "-pf", f"{script}.pid", "-sf", str(script)]
        passed = ["-e", f"RESULT={script.with_suffix('.result')}"]
        commands = {
            "udhcpc": ["udhcpc", "-f", "-q", "-n", "-t", "60", "-T", "1", "-s", str(script), "-i"],
            "dhclient": ["dhclient", "-4", "-1", "-cf", "/dev/null", *files, *passed],
            "dhclient6": ["dhclient", "-6", "-1", "-cf", "/dev/null", *files, *passed],
            "dhcpcd": [
                *("dhcpcd", "--oneshot", "--nobackground", "--noarp", "--waitip=4", "-4"),
                *("--config", "/dev/null", "--env", f"RESULT={script.with_suffix('.result')}"),
                *("--script", str(script)),
            ],
        }
        return [*commands[client], self.interface]


def run_or_fail(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


def agent_alive(service: Service) -> bool:
    assert service.process.poll() is None, (service.state_path / "log").read_text()
    done = service.run("agent", "list", "-f", "json")
    return done.returncode == 0 and any(agent["Alive"] for agent in json.loads(done.stdout))
