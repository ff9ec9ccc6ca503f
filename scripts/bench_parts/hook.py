"""What a DHCP event costs: the hook in Python beside a bare interpreter, in Lua beside none.

The hook in Python is run as dnsmasq runs it, beside `python3 -IS -c pass`, in turn. Of a dnsmasq
with Lua the rate of leases is measured without a script, with either hook, in turn, too: each
time a new one, whose machines ask in a namespace of their own.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import ipam
from scripts.bench_parts import dhcp_load, progress
from scripts.bench_parts.api_load import cpu_seconds
from tests.servers.lua_dnsmasq import lua_dnsmasq

PYTHON: Final = "/usr/bin/python3"
RUNS: Final = 100
ROUNDS: Final = 15
MACHINES: Final = 200
"""As many as a network mostly has: each lease costs dnsmasq more than the one before."""
MACS: Final = [(b"\xfa\x16\x3e" + n.to_bytes(3, "big")).hex(":") for n in range(MACHINES)]
WINDOW: Final = 32
TARGET_PYTHON: Final = 1.15
TARGET_LUA: Final = 0.9


def run(figures: dict[str, Any], *, quick: bool = False) -> None:
    """Fill in the ratios and what they come from."""
    figures["targets"] = {"python": TARGET_PYTHON, "lua, of the rate without": TARGET_LUA}
    with tempfile.TemporaryDirectory(prefix="ipam-bench-hook-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        _python(figures.setdefault("python", {}), directory, RUNS // 5 if quick else RUNS)
        program = lua_dnsmasq()
        if program is None:
            progress.say("no dnsmasq with Lua: apt install dnsmasq-base-lua")
            return
        _dnsmasq(figures.setdefault("dnsmasq", {}), directory, program, 2 if quick else ROUNDS)


def _python(figures: dict[str, Any], directory: Path, runs: int) -> None:
    hook = Path(ipam.__file__).parent / "dnsmasq_hook.py"
    arguments = ["add", "fa:16:3e:00:00:01", "10.0.0.5", "web"]
    commands = {
        "pass": [PYTHON, "-IS", "-c", "pass"],
        "hook": [PYTHON, "-IS", str(hook), *arguments],
    }
    spool = directory / "spool"
    spool.touch()
    environment = {
        "IPAM_NETWORK": str(uuid.uuid4()),
        "IPAM_INBOX": str(directory / "inbox"),
        "IPAM_SPOOL": str(spool),
        "DNSMASQ_LEASE_EXPIRES": "1795373479",
        "DNSMASQ_TAGS": "known subnet-0 tap0",
    }
    wall: dict[str, list[float]] = {name: [] for name in commands}
    cpu: dict[str, list[float]] = {name: [] for name in commands}
    with _inbox(directory / "inbox"):
        for _ in range(runs):
            for name, command in commands.items():
                begun = time.perf_counter()
                pid = os.posix_spawn(command[0], command, environment)
                usage = os.wait4(pid, 0)[2]
                wall[name].append((time.perf_counter() - begun) * 1000)
                cpu[name].append((usage.ru_utime + usage.ru_stime) * 1000)
    if spool.stat().st_size:
        raise RuntimeError("the hook has spooled: nobody answered it")
    for kind, values in (("wall", wall), ("cpu", cpu)):
        middle = {name: statistics.median(each) for name, each in values.items()}
        figures[f"{kind}_ms"] = {name: round(value, 2) for name, value in middle.items()}
        figures[f"{kind}_ratio"] = round(middle["hook"] / middle["pass"], 3)
    progress.say(f"Python: {figures['cpu_ratio']} of the CPU of a bare interpreter")


@contextmanager
def _inbox(path: Path) -> Iterator[None]:
    """An agent that says "written" at once."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    listener.listen(64)

    def serve() -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(1 << 18)
                connection.send(b"written")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _dnsmasq(figures: dict[str, Any], directory: Path, program: Path, rounds: int) -> None:
    rates: dict[str, list[float]] = {"none": [], "lua": [], "python": []}
    cpu: dict[str, list[float]] = {kind: [] for kind in rates}
    for number in range(rounds):
        for kind in rates if number else ("none", "lua", "python"):
            if kind == "python" and number:
                continue  # it takes 4 s and is no ratio here
            found = _round(directory / f"{kind}-{number}", kind, program)
            rates[kind].append(found["per_second"])
            cpu[kind].append(found["cpu_us"])
        progress.say(f"dnsmasq, round {number + 1} of {rounds}: {rates['lua'][-1]:.0f} leases/s")
    for kind, found_rates in rates.items():
        figures[kind] = {
            "per_second": round(statistics.median(found_rates)),
            "cpu_us_an_event": round(statistics.median(cpu[kind]), 1),
        }
    pairs = zip(rates["lua"], rates["none"], strict=True)
    figures["lua_of_none"] = round(statistics.median(lua / none for lua, none in pairs), 3)
    used = zip(cpu["lua"], cpu["none"], strict=True)
    figures["cpu_none_of_lua"] = round(statistics.median(none / lua for lua, none in used), 3)


def _round(directory: Path, kind: str, program: Path) -> dict[str, float]:
    directory.mkdir()
    with ExitStack() as stack:
        space, machines = stack.enter_context(cable(directory.name))
        spool = directory / "spool"
        spool.touch()
        shutil.chown(spool, "dnsmasq")
        lines = [
            *("port=0", "interface=server", "bind-interfaces", "no-ping", "dhcp-authoritative"),
            *("dhcp-range=10.99.0.0,static,255.255.240.0,12h", "dhcp-lease-max=16777216"),
            *(f"dhcp-host={mac},10.99.1.{n}" for n, mac in enumerate(MACS, 1)),
            *(f"dhcp-leasefile={_leases(stack)}", "script-on-renewal", "log-facility=-"),
        ]
        hook = directory / "hook"
        if kind != "none":
            suffix, option = {"lua": ("lua", "dhcp-luascript")}.get(kind, ("py", "dhcp-script"))
            shutil.copy(Path(ipam.__file__).parent / f"dnsmasq_hook.{suffix}", hook)
            hook.chmod(0o755)
            lines += [f"{option}={hook}", "dhcp-scriptuser=dnsmasq"]
        (directory / "conf").write_text("\n".join(lines) + "\n")
        server = subprocess.Popen(
            ["ip", "netns", "exec", space, program, "-k", f"--conf-file={directory}/conf"],
            env={**os.environ, "IPAM_SPOOL": str(spool), "IPAM_NETWORK": str(uuid.uuid4())},
            stderr=subprocess.DEVNULL,
        )
        stack.callback(server.wait)
        stack.callback(server.terminate)
        time.sleep(0.5)
        before = cpu_seconds(server.pid)
        found = load(machines, {"machines": {"machines": MACS}, "window": WINDOW})
        if found["unanswered"]:
            raise RuntimeError(f"{found['unanswered']} machines got no address")
        deadline = time.monotonic() + 120
        while kind != "none" and _records(spool) < MACHINES and time.monotonic() < deadline:
            time.sleep(0.02)
        if kind != "none" and _records(spool) != MACHINES:
            raise RuntimeError(f"{_records(spool)} records of {MACHINES} leases")
        used = cpu_seconds(server.pid) - before
        done = found["last"] if kind != "python" else time.time()
        return {
            "per_second": MACHINES / (done - found["began"]),
            "cpu_us": used / MACHINES * 1e6,
        }


def _records(spool: Path) -> int:
    return spool.read_bytes().count(b"\taction=add\t")


def _leases(stack: ExitStack) -> Path:
    """A lease file in memory, as the agent has it."""
    directory = stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm"))
    return Path(directory, "leases")


@contextmanager
def cable(name: str) -> Iterator[tuple[str, str]]:
    """Two namespaces and the cable between them: of a server (10.99.0.1) and of machines."""
    spaces = tuple(f"bench-{end}-{os.getpid()}-{name}" for end in ("s", "m"))
    server, machines = spaces
    try:
        for space in spaces:
            _ip("netns", "add", space)
        link = ["name", "machines", "netns", machines, "type", "veth", "peer", "name", "server"]
        _ip("link", "add", *link, "netns", server)
        _ip("-n", server, "address", "add", "10.99.0.1/20", "dev", "server")
        for space, end in ((server, "server"), (machines, "machines")):
            _ip("-n", space, "link", "set", end, "up")
        yield server, machines
    finally:
        for space in spaces:
            subprocess.run(["ip", "netns", "del", space], check=False)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def load(space: str, orders: dict[str, Any]) -> dict[str, Any]:
    """Have the machines in this namespace ask for addresses; what came of it."""
    done = subprocess.run(
        ["ip", "netns", "exec", space, sys.executable, dhcp_load.__file__],
        input=json.dumps(orders).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
