"""Measures what wires and guards cost: a frame, a host's start, a network of 100 hosts.

The second part runs in namespaces of its own, as `scripts/bench agent` does.
"""

import contextlib
import os
import resource
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import IPv4Address
from typing import Any, Final

import msgspec

from ipam.agent.guard.elements import Guard, tap_guard
from ipam.agent.host.namespaces import call_in_namespace
from ipam.agent.host.packet_filter import NftFilter
from ipam.protocol.dhcp_state import ServedPort
from scripts.bench_parts.agent import run_apart

FEW, MANY = 10, 2000
FRAMES: Final = 40_000
ROUNDS: Final = 7
CHANGES: Final = 20
NETWORKS: Final = 200
QUICK: Final = 20
TARGETS: Final = {
    "ratio": {"2000_ports_to_10": 1.2, "10_ports_to_none": 1.3},
    "cold_start": {"agent_cpu_s": 6},
    "port_to_dhcp_ms": {"vxlan": {"p50": 50}},
}


def run(figures: dict[str, Any], *, quick: bool = False) -> None:
    """Fill in milliseconds of CPU, and microseconds of CPU for each frame of 44 bytes.

    Then the CPU of an agent with many networks, each with a wire and guarded machines.
    """
    figures["targets"] = TARGETS
    figures |= _of_guard(quick=quick)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        networks = QUICK if quick else NETWORKS
        run_apart(figures, "wire_host", str(networks), f"{directory}/counter")
    if "port_to_dhcp_ms" not in figures:
        raise RuntimeError("the measurement ended early; standard error says why")


def _of_guard(*, quick: bool) -> dict[str, Any]:
    frames, rounds = (FRAMES // 10, 3) if quick else (FRAMES, ROUNDS)
    with _wire() as space:
        costs = call_in_namespace(space, lambda: _guard_costs(MANY))
        per_frame = _frame_costs(space, frames, rounds)
    return {
        "guard_ms_cpu": costs,
        "frame_us_cpu": {name: round(value, 2) for name, value in per_frame.items()},
        "ratio": {
            "2000_ports_to_10": round(per_frame["2000_ports"] / per_frame["10_ports"], 2),
            "10_ports_to_none": round(per_frame["10_ports"] / per_frame["none"], 2),
        },
    }


def _guard_costs(ports: int) -> dict[str, float]:
    """Of a table with so many ports, in the namespace of the thread."""
    guard = {_tap(number): _tap_guard(number) for number in range(ports)}
    packet_filter = NftFilter("bench")
    with contextlib.closing(packet_filter):
        load = _cpu_ms(lambda: packet_filter.load(guard))
        packet_filter.look_again()
        listing = _cpu_ms(packet_filter.state)
        added = [
            [(_tap(ports + number), one) for one in _tap_guard(ports + number)]
            for number in range(CHANGES)
        ]
        change = sum(_cpu_ms(partial(packet_filter.change, (), one)) for one in added) / CHANGES
        packet_filter.remove()
    costs = {"load_2000_ports": load, "list_2000_ports": listing, "one_more_port": change}
    return {name: round(value, 1) for name, value in costs.items()}


def _frame_costs(space: str, frames: int, rounds: int) -> dict[str, float]:
    """The best of some rounds, in which all kinds take turns."""
    best: dict[str, float] = {}
    kinds: dict[str, Guard] = {
        "none": {},
        "10_ports": {_tap(number): _tap_guard(number) for number in range(FEW)},
        "2000_ports": {_tap(number): _tap_guard(number) for number in range(MANY)},
    }
    packet_filter = call_in_namespace(space, lambda: NftFilter("bench"))
    sender = call_in_namespace(f"{space}-vm", _sender)
    with contextlib.closing(packet_filter), contextlib.closing(sender):
        for _ in range(rounds):
            for name, guard in kinds.items():
                call_in_namespace(space, packet_filter.remove)
                if guard:
                    call_in_namespace(space, partial(packet_filter.load, guard))
                spent = _cpu_ms(lambda: _send(sender, frames)) * 1000 / frames
                best[name] = min(spent, best.get(name, spent))
    return best


def _cpu_ms(work: Callable[[], object]) -> float:
    before = _cpu_seconds()
    work()
    return (_cpu_seconds() - before) * 1000


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _tap(number: int) -> str:
    return f"tap{number:08x}-00"


def _mac(number: int) -> str:
    return "fa:16:3e:" + number.to_bytes(3).hex(":")


def _address(number: int) -> str:
    return str(IPv4Address("10.0.0.0") + number + 1)


def _tap_guard(number: int) -> frozenset[tuple[str, str]]:
    """Of a port with an IPv4 and an IPv6 address."""
    ips = (_address(number), f"2001:db8::{number + 1:x}")
    port = {
        "id": "",
        "mac_address": _mac(number),
        "revision_number": 0,
        "device_id": "",
        "device_owner": "",
        "admin_state_up": True,
        "status": "",
        "binding_host_id": "",
        "hostname": "",
        "fixed_ips": [{"subnet_id": "", "ip_address": ip} for ip in ips],
        "extra_dhcp_opts": [],
        "port_security_enabled": True,
    }
    return tap_guard(msgspec.convert(port, ServedPort))


def _sender() -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.bind(("eth0", 0))
    return made


def _send(sender: socket.socket, frames: int) -> None:
    """Send a frame of the first port so often."""
    mac = bytes.fromhex(_mac(0).replace(":", ""))
    addresses = IPv4Address(_address(0)).packed + IPv4Address(_address(1)).packed
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 30, 0, 0, 64, 17, 0) + addresses
    frame = b"\xff" * 6 + mac + b"\x08\x00" + ip + struct.pack("!HHHH", 9, 9, 10, 0) + b"ab"
    for _ in range(frames):
        sender.send(frame)


@contextlib.contextmanager
def _wire() -> Iterator[str]:
    """A namespace with a bridge of two taps, whose other ends are in `-vm` and `-to` of it."""
    space = f"bench-wire-{os.getpid()}"
    spaces = (space, f"{space}-vm", f"{space}-to")
    for one in spaces:
        subprocess.run(["ip", "netns", "add", one], check=True)
    try:
        within = ["ip", "-n", space, "link"]
        subprocess.run([*within, "add", "name", "br0", "type", "bridge"], check=True)
        subprocess.run([*within, "set", "br0", "up"], check=True)
        for number, there in enumerate(spaces[1:]):
            end = ["peer", "name", "eth0", "netns", there]
            subprocess.run([*within, "add", _tap(number), "type", "veth", *end], check=True)
            subprocess.run([*within, "set", _tap(number), "master", "br0", "up"], check=True)
            subprocess.run(["ip", "-n", there, "link", "set", "eth0", "up"], check=True)
        time.sleep(0.5)  # until nothing is sent by the links' coming up
        yield space
    finally:
        for one in spaces:
            subprocess.run(["ip", "netns", "del", one], check=False)
