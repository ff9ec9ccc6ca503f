"""Measures what names cost: one more beside many, in the agent and in dnsmasq, and their memory.

The floor is a dnsmasq with the same names in one static hosts file.
"""

import contextlib
import gc
import itertools
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import dns.message
import psutil

from ipam import model
from ipam.agent.names.book import NameBook
from ipam.agent.names.names import Names
from ipam.client import Client
from ipam.protocol.dns_names import NamedPort
from scripts.bench_parts.processes import place, process, quantile, wait
from tests.system.dns_client import DnsClient
from tests.system.two_hosts import Cloud, started

SIZES = (100, 1000, 10_000)
AT_ONCE = 500
CHANGES = 100
QUERIES = 500
PORTS = 50
TARGET_ANSWER_MS = 200
TARGET_BYTES = 100
DATAGRAMS = socket.SOCK_DGRAM
NETWORK = "11111111-1111-4111-8111-111111111111"
PATIENCE_SECONDS = 10.0


def run(*, quick: bool = False) -> dict[str, Any]:
    """Times in milliseconds, CPU in microseconds, by how many names there are."""
    sizes = SIZES[:2] if quick else SIZES
    by_size = {str(size): _of_size(size) for size in sizes}
    first, last = by_size[str(sizes[0])], by_size[str(sizes[-1])]
    return {
        **by_size,
        "agent_cpu_ratio_last_to_first": round(
            last["one_more_agent_cpu_us"] / first["one_more_agent_cpu_us"], 2
        ),
        "query_ratio_to_static": round(
            last["query_cpu_us"] / max(last["static_query_cpu_us"], 1.0), 2
        ),
        "agent_memory": _memory(sizes[-1]),
        "target_bytes_a_name_more": TARGET_BYTES,
        "port_to_answer_ms": _port_to_answer(),
        "port_to_answer_elsewhere_ms": _port_to_answer_elsewhere(),
        "target_port_to_answer_p50_ms": TARGET_ANSWER_MS,
    }


def _of_size(size: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as text:
        directory = Path(text)
        directory.chmod(0o755)
        read, static = directory / "names", directory / "static"
        read.mkdir()
        names = Names(NameBook(directory / "names.db"))
        names.open(NETWORK, read)
        _load(names, 0, size)
        with _dnsmasq(directory, f"hostsdir={read}") as server:
            found = _changes(names, server, size) | _queries(server, size, "")
        static.write_text("".join(f"{_address(n)} vm-{n}\n" for n in range(size)))
        with _dnsmasq(directory, f"addn-hosts={static}") as server:
            found |= _queries(server, size, "static_")
        names.close()
        return found


def _memory(size: int) -> dict[str, int]:
    """Of this process: with as many names as that, and with each more."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as text:
        read = Path(text, "names")
        read.mkdir()
        before = _rss()
        names = Names(NameBook(Path(text, "names.db")))
        names.open(NETWORK, read)
        _load(names, 0, size)
        first = _rss()
        _load(names, size, 2 * size)
        found = {
            "first_names_kib": (first - before) // 1024,
            "bytes_a_name_more": round((_rss() - first) / size),
        }
        names.close()
        return found


def _load(names: Names, first: int, beyond: int) -> None:
    for start in range(first, beyond, AT_ONCE):
        names.change([_port(number) for number in range(start, min(start + AT_ONCE, beyond))])
    gc.collect()


def _changes(names: Names, server: "_Server", size: int) -> dict[str, Any]:
    """One name more, until it is answered."""
    took, cpu, of_server = [], [], server.cpu_us()
    for number in range(size, size + CHANGES):
        begun, used = time.monotonic(), time.thread_time()
        names.change([_port(number)])
        cpu.append((time.thread_time() - used) * 1e6)
        until = begun + PATIENCE_SECONDS
        while not server.ask(f"vm-{number}") and time.monotonic() < until:
            pass
        took.append((time.monotonic() - begun) * 1000)
    return {
        "one_more_answered_ms": {"p50": _of(took, 0.5), "p99": _of(took, 0.99)},
        "one_more_agent_cpu_us": _of(cpu, 0.5),
        "one_more_dnsmasq_cpu_us": round((server.cpu_us() - of_server) / CHANGES),
    }


def _queries(server: "_Server", size: int, prefix: str) -> dict[str, Any]:
    took, used = [], server.cpu_us()
    for number in itertools.islice(itertools.cycle(range(size)), QUERIES):
        begun = time.monotonic()
        assert server.ask(f"vm-{number}")
        took.append((time.monotonic() - begun) * 1000)
    cpu = (server.cpu_us() - used) / QUERIES
    return {f"{prefix}query_ms_p50": _of(took, 0.5), f"{prefix}query_cpu_us": round(cpu, 1)}


class _Server:
    """A dnsmasq on the loopback."""

    def __init__(self, pid: int, port: int) -> None:
        self._schedstat = Path(f"/proc/{pid}/schedstat")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.settimeout(PATIENCE_SECONDS)

    def cpu_us(self) -> float:
        return int(self._schedstat.read_text().split()[0]) / 1000

    def ask(self, name: str) -> bool:
        """Whether it knows the name."""
        self._socket.send(dns.message.make_query(name, "A").to_wire())
        return self._socket.recv(4096)[7] > 0

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def _dnsmasq(directory: Path, names: str) -> Iterator[_Server]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = directory / "dnsmasq.conf"
    config.write_text(
        f"port={port}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\n"
        f"pid-file=\nlog-facility=/dev/null\nlocal-ttl=30\n{names}\n"
    )
    command = ["dnsmasq", "--keep-in-foreground", f"--conf-file={config}"]
    with subprocess.Popen(command) as running:
        server = _Server(running.pid, port)
        try:
            wait(lambda: _is_up(server))
            yield server
        finally:
            server.close()
            running.terminate()


def _is_up(server: _Server) -> bool:
    try:
        server.ask("x")
    except ConnectionRefusedError:
        return False
    return True


def _port_to_answer() -> dict[str, float]:
    """From the request for a port until its name is answered on its host."""
    with place() as made, process(made, "up"), made.client() as client:
        wait(lambda: any(a["alive"] for a in client.get("/v2.0/agents")["agents"]))
        network_id = _network(client)
        with _asker(client, network_id, made.host) as asker:
            return _until_answered(client, network_id, made.host, asker)


def _port_to_answer_elsewhere() -> dict[str, float]:
    """The same on another host than the port's, whose agent has nothing but the API's wakes."""
    with started(partial(Cloud, wakes=True)) as cloud, contextlib.ExitStack() as closing:
        network_id = _network(cloud.client)
        for host in (cloud.a, cloud.b):
            _active(cloud.client, network_id, host.name)
        bridge = model.bridge_name(network_id)
        machine = DnsClient(bridge, "10.8.3.200/22", host_namespace=cloud.a.network_namespace)
        closing.callback(machine.close)
        asker = closing.enter_context(contextlib.closing(_Asker(machine.opened(DATAGRAMS))))
        return _until_answered(cloud.client, network_id, cloud.b.name, asker)


def _until_answered(
    client: Client, network_id: str, host: str, asker: "_Asker"
) -> dict[str, float]:
    took = []
    for number in range(PORTS):
        wanted = {"network_id": network_id, "binding:host_id": host, "dns_name": f"vm-{number}"}
        begun = time.monotonic()
        client.post("/v2.0/ports", json={"port": wanted})
        wait(lambda name=f"vm-{number}": asker.ask(name), every=0.001)
        took.append((time.monotonic() - begun) * 1000)
        time.sleep(0.05)
    return {"p50": _of(took, 0.5), "p99": _of(took, 0.99)}


def _active(client: Client, network_id: str, host: str) -> None:
    """The network's server runs on this host."""
    wanted = {"network_id": network_id, "binding:host_id": host}
    port = client.post("/v2.0/ports", json={"port": wanted})["port"]
    path = f"/v2.0/ports/{port['id']}"
    wait(lambda: client.get(path)["port"]["status"] == "ACTIVE", every=0.01)


def _network(client: Client) -> str:
    network = client.post("/v2.0/networks", json={"network": {"name": "names"}})["network"]
    subnet = {"network_id": network["id"], "ip_version": 4, "cidr": "10.8.0.0/22"}
    client.post("/v2.0/subnets", json={"subnet": subnet})
    return str(network["id"])


class _Asker(_Server):
    """A machine on the network's bridge."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        opened.settimeout(PATIENCE_SECONDS)
        opened.connect(("10.8.0.2", 53))


@contextlib.contextmanager
def _asker(client: Client, network_id: str, host: str) -> Iterator[_Asker]:
    _active(client, network_id, host)
    link = f"bench{os.getpid()}"[:12]
    bridge = model.bridge_name(network_id)
    for words in (
        f"ip link add {link}a type veth peer name {link}b",
        f"ip link set {link}a master {bridge} up",
        f"ip address add 10.8.3.200/22 dev {link}b",
        f"ip link set {link}b up",
    ):
        subprocess.run(words.split(), check=True)
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        yield _Asker(opened)
    finally:
        opened.close()
        subprocess.run(["ip", "link", "del", f"{link}a"], check=False)


def _port(number: int) -> NamedPort:
    port_id = f"{number:08x}-bbbb-4000-8000-000000000000"
    return NamedPort(port_id, NETWORK, f"vm-{number}", [_address(number)])


def _address(number: int) -> str:
    return model.unpack((0x0A000000 + number + 1).to_bytes(4))


def _rss() -> int:
    return int(psutil.Process().memory_info().rss)


def _of(values: list[float], part: float) -> float:
    return round(quantile(values, part), 3)
