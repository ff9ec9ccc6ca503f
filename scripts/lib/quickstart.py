"""Shows ipam on one machine: a network, a port, and a machine that asks for its address.

`scripts/quickstart` runs it as root. Everything it makes has names of its own and is removed at
the end.
"""

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

IPAM = str(Path(sys.executable).with_name("ipam"))
MACHINE = "ipam-quickstart"
RUN_PATH = "/run/ipam-quickstart"
SOCKET = f"{RUN_PATH}/api.sock"
PATIENCE_SECONDS = 180
"""For each thing that is waited for: a slow machine is no failure."""

SUBNET = ["-c", "cidr", "-c", "gateway_ip", "-c", "allocation_pools"]
PORT = ["-c", "mac_address", "-c", "fixed_ips", "-c", "status"]

UDHCPC_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip address add "$ip/$mask" dev "$interface"
echo "$ip $hostname $lease" >"$IPAM_QUICKSTART_RESULT"
"""


def main() -> int:
    arguments = argparse.ArgumentParser(prog="scripts/quickstart")
    arguments.add_argument("--once", action="store_true")
    once = arguments.parse_args().once
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        try:
            port_address, leased, recorded = _demonstrate(stack, started)
        except KeyboardInterrupt:
            return 130
        except DemoError as error:
            print(f"\nquickstart: {error}", file=sys.stderr)
            return 1
        if not once:
            _stay()
        seconds = round(time.monotonic() - started, 1)
        stack.close()
    result = {
        "port_address": port_address,
        "leased_address": leased,
        "lease_recorded": recorded,
        "seconds": seconds,
    }
    if once:
        print(json.dumps(result))
    return 0 if recorded and leased == port_address else 1


class DemoError(Exception):
    """A step that did not come out as it should."""


def _demonstrate(stack: contextlib.ExitStack, started: float) -> tuple[str, str, bool]:
    service = stack.enter_context(_service())
    _wait_for_api(service)
    _say("a network with a subnet, and a port for a machine on this host")
    host = socket.gethostname()
    _ipam(*["network", "create", "demo", "-c", "id", "-c", "name", "-c", "status"])
    _ipam(
        *["subnet", "create", "demo-v4", "--network", "demo", "--subnet-range", "10.77.0.0/24"],
        *SUBNET,
    )
    _ipam(*f"port create web-1 --network demo --dns-name web-1 --host {host}".split(), *PORT)
    _ipam("port", "wait", "web-1", "--timeout", str(PATIENCE_SECONDS))
    port = _ipam_json("port", "show", "web-1")
    address = _fixed_address(port)
    _say("a simulated machine on the bridge, which asks for its address with udhcpc")
    leased = stack.enter_context(_machine(port))
    _say(f"the machine got {leased}; the port's address is {address}; this is the lease:")
    recorded = _wait_for_lease(address)
    _ipam("port", "list")
    _ipam("lease", "list")
    _ipam("lease", "events", "-c", "Time", "-c", "Action", "-c", "IP Address", "-c", "Hostname")
    bridge = f"brq{port['network_id']}"[:14]
    _run("ip", "-brief", "link", "show", "master", bridge)
    print(f"\nFrom nothing to a recorded lease in {time.monotonic() - started:.1f} s.", flush=True)
    return address, leased, recorded


@contextlib.contextmanager
def _service() -> Iterator[subprocess.Popen[bytes]]:
    """`ipam up` on a state of its own, told at the end to leave the host as it was."""
    state = tempfile.mkdtemp(prefix="ipam-quickstart-")
    port = str(free_port(9696))
    command = [IPAM, "up", "--state-path", state, "--run-path", RUN_PATH, "--port", port]
    _say(f"$ {shlex.join(command)}")
    process = subprocess.Popen(command, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(state, ignore_errors=True)
        shutil.rmtree(RUN_PATH, ignore_errors=True)


def free_port(wanted: int) -> int:
    """The wanted TCP port, or a free one where something already listens there."""
    for candidate in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", candidate))
            return int(probe.getsockname()[1])
    raise DemoError("no free TCP port on 127.0.0.1")


def _wait_for_api(service: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if service.poll() is not None:
            raise DemoError(f"`ipam up` ended with status {service.returncode}; see above")
        answer = _try_ipam("agent", "list", "-f", "json")
        if answer and any(agent["Alive"] for agent in json.loads(answer)):
            return
        time.sleep(0.1)
    raise DemoError(f"no agent reported within {PATIENCE_SECONDS} s")


@contextlib.contextmanager
def _machine(port: dict[str, Any]) -> Iterator[str]:
    """A namespace with a veth pair, named outside as Nova names a tap: the leased address."""
    tap = f"tap{port['id']}"[:14]
    with tempfile.TemporaryDirectory() as directory:
        script, result = Path(directory, "udhcpc.sh"), Path(directory, "result")
        script.write_text(UDHCPC_SCRIPT)
        script.chmod(0o755)
        _run("ip", "netns", "add", MACHINE)
        try:
            inside = ["address", port["mac_address"], "netns", MACHINE]
            _run("ip", "link", "add", tap, "type", "veth", "peer", "name", "eth0", *inside)
            _run("ip", "netns", "exec", MACHINE, "ip", "link", "set", "eth0", "up")
            client = ["udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "60", "-T", "1"]
            environment = os.environ | {"IPAM_QUICKSTART_RESULT": str(result)}
            command = ["ip", "netns", "exec", MACHINE, *client, "-s", str(script)]
            _run(*command, environment=environment)
            yield result.read_text().split()[0] if result.exists() else ""
        finally:
            subprocess.run(["ip", "netns", "del", MACHINE], check=False)
            subprocess.run(["ip", "link", "del", tap], check=False, stderr=subprocess.DEVNULL)


def _wait_for_lease(address: str) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        leases = _ipam_json("lease", "list")
        if any(lease["IP Address"] == address for lease in leases):
            return True
        time.sleep(0.1)
    return False


def _stay() -> None:
    base = f"sudo {IPAM} --socket {SOCKET}"
    print("\nIt keeps running. Try in another terminal:")
    for words in ("port list", "lease list", "lease events", "agent list", "port create --help"):
        print(f"  {base} {words}")
    print("Ctrl-C stops it and leaves this host as it was.", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
    print()


def _fixed_address(port: dict[str, Any]) -> str:
    return str(port["fixed_ips"][0]["ip_address"])


def _ipam(*words: str) -> None:
    _run(IPAM, "--socket", SOCKET, *words, shown=f"ipam {shlex.join(words)}")


def _ipam_json(*words: str) -> Any:
    return json.loads(_try_ipam(*words, "-f", "json") or "[]")


def _try_ipam(*words: str) -> str | None:
    command = [IPAM, "--socket", SOCKET, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def _run(*command: str, shown: str = "", environment: dict[str, str] | None = None) -> None:
    print(f"$ {shown or shlex.join(command)}", flush=True)
    done = subprocess.run(command, check=False, env=environment)
    if done.returncode:
        raise DemoError(f"that ended with status {done.returncode}")


def _say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m", flush=True)


if __name__ == "__main__":
    sys.exit(main())
