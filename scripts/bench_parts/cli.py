"""How long the commands of an admin's day take, beside 100,000 ports, on SQLite."""

import os
import shlex
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any, Final

from ipam.client import Client
from scripts.bench_parts.processes import IPAM, place, process, quantile, wait
from scripts.bench_parts.progress import say

PORTS: Final = 100_000
A_NETWORK: Final = 10_000
AT_ONCE: Final = 500
RUNS: Final = 5
TARGET_MS: Final = 300
HELP_TO_BARE: Final = 4
AS_INSTALLED: Final = (
    "import sys; sys.modules.update(trio=None, rich=None);"
    "from ipam.cli.main import main; sys.exit(main())"
)
"""The command without what httpx loads if it is there, and is only where ipam is developed."""
COMMAND: Final = (sys.executable, "-c", AS_INSTALLED)
COMMANDS: Final = (
    "find 10.0.4.1",
    "find fa:16:3e:00:10:01",
    "find 00:10:01",
    "find m-777",
    "explain m-777 --probe-seconds 0",
    "who-had 10.0.4.1",
    "lease history 10.0.4.1",
    "network list",
    "subnet list",
    "subnet usage",
    "subnet usage s-0",
    "subnet map s-0",
    "subnet addresses s-0 --limit 20",
    "ip availability list",
    "port list --limit 20",
    "port list --limit 20 --sort-column name:desc",
    "port list --name m-777",
    "port list --host node-7 --limit 20",
    "port show m-777",
    "port set m-777 --description x",
    "lease list --limit 20",
    "lease events --limit 20",
    "address history 10.0.4.1",
    "agent list",
    "audit list --limit 20",
    "quota show p",
)


def run(figures: dict[str, Any], *, quick: bool = False) -> None:
    """Fill in milliseconds by command: the median of wall time, and of the CPU of the command."""
    figures["target_ms"] = TARGET_MS
    figures["target_help_to_bare"] = HELP_TO_BARE
    bare = _measured([sys.executable, "-c", "pass"], {})
    shown = _measured([*COMMAND, "--help"], {})
    figures["bare Python"], figures["--help"] = bare, shown
    figures["help_to_bare"] = round(shown["cpu_ms"] / bare["cpu_ms"], 1)
    with ExitStack() as stack:
        made = stack.enter_context(place())
        upgrade = [IPAM, "db", "upgrade", "--config-file", made.config]
        subprocess.run(upgrade, check=True, capture_output=True)
        stack.enter_context(process(made, "api"))
        client = stack.enter_context(made.client())
        wait(lambda: client.get("/v2.0/networks"))
        _fill(client, PORTS // 20 if quick else PORTS)
        environment = {"IPAM_SOCKET": made.socket, "COLUMNS": "80"}
        for line in COMMANDS:
            figures[line] = _measured([*COMMAND, *shlex.split(line)], environment)
            say(f"{line}: {figures[line]}")
    slow = [line for line in COMMANDS if figures[line]["wall_ms"] > TARGET_MS]
    figures["over_target"] = slow


def _fill(client: Client, ports: int) -> None:
    for number in range(-(-ports // A_NETWORK)):
        body = {"network": {"name": f"n-{number}"}}
        network_id = client.post("/v2.0/networks", json=body)["network"]["id"]
        cidr = f"10.{number}.0.0/16"
        subnet = {"network_id": network_id, "ip_version": 4, "cidr": cidr, "name": f"s-{number}"}
        client.post("/v2.0/subnets", json={"subnet": subnet})
        of_network = range(number * A_NETWORK, min(ports, (number + 1) * A_NETWORK))
        for start in of_network[::AT_ONCE]:
            some = range(start, min(start + AT_ONCE, of_network.stop))
            client.post("/v2.0/ports", json={"ports": [_port(network_id, at) for at in some]})
        say(f"{of_network.stop} ports")


def _port(network_id: str, number: int) -> dict[str, Any]:
    octets = number.to_bytes(3).hex(":")
    return {
        "network_id": network_id,
        "name": f"m-{number}",
        "mac_address": f"fa:16:3e:{octets}",
        "binding:host_id": f"node-{number % 100}",
    }


def _measured(words: list[str], environment: dict[str, str]) -> dict[str, float]:
    walls, cpus = [], []
    for _ in range(RUNS):
        begun, before = time.monotonic(), os.times()
        subprocess.run(
            words,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        after = os.times()
        walls.append((time.monotonic() - begun) * 1000)
        spent = after.children_user + after.children_system
        cpus.append((spent - before.children_user - before.children_system) * 1000)
    return {"wall_ms": round(quantile(walls, 0.5)), "cpu_ms": round(quantile(cpus, 0.5))}
