"""The dnsmasq processes of a host without a process: see ipam.agent.outside.Processes.

A server keeps what dnsmasq would keep. It sees a new file by itself, but keeps the lines of a
changed or removed file until it is told to reload. It stays in the namespace in which it was
started, even if the name is removed. It reports changes of its leases through the hook.
"""

import re
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ipam.agent.actions import ReleaseLease, RestoreLease
from ipam.agent.dnsmasq import lease_file
from ipam.agent.dnsmasq.failures import DnsmasqFailed
from ipam.agent.dnsmasq.files import CONFIG, SUBDIRECTORIES, ServerFiles
from ipam.agent.outside import Pulse, Running
from tests.agent.faults import Faults
from tests.agent.kernel_double import KernelDouble, Namespace


@dataclass(eq=False)
class ServerDouble:
    """One dnsmasq."""

    pid: int
    network_id: str
    directory: Path
    namespace: Namespace
    startup: str
    held: list[tuple[str, str]] = field(default_factory=list)
    """Path and text of each file as it was read, with those that are no more."""
    is_stopped: bool = False
    is_busy: bool = False
    events_waiting: int = 0
    cpu_seconds: float = 0.0
    hook: int = 0
    leases: dict[str, tuple[int, str]] = field(default_factory=dict)
    """The expiry and the MAC address by IP address."""

    def read_leases(self) -> None:
        for lease in lease_file.parsed((self.directory / lease_file.NAME).read_text()) or ():
            self.leases[lease.ip_address] = (lease.expires_at, str(lease.mac_address))

    def write_leases(self) -> None:
        held = [f"{expires} {mac} {ip} * *\n" for ip, (expires, mac) in self.leases.items()]
        (self.directory / lease_file.NAME).write_text("".join(held) + "duid 00:04\n")

    def read_all(self) -> None:
        self.held = self._on_disk()

    def notice(self) -> None:
        """Read what is new, as inotify tells it."""
        self.held += [one for one in self._on_disk() if one not in self.held]

    def lines_about(self, *values: str) -> list[str]:
        """Every held line of a host that names one of these addresses."""
        lines = [line for path, text in self.held for line in _host_lines(path, text)]
        return [one for one in lines if not set(re.split(r"[,\[\]]", one)).isdisjoint(values)]

    def _on_disk(self) -> list[tuple[str, str]]:
        paths = [path for sub in SUBDIRECTORIES for path in (self.directory / sub).glob("*")]
        return [
            (f"{path.parent.name}/{path.name}", path.read_text())
            for path in sorted(paths)
            if not path.name.startswith(".")
        ]


class ProcessesDouble:
    """Every dnsmasq of the host, by network id. `hook` takes the line that the hook would send."""

    def __init__(self, kernel: KernelDouble, faults: Faults, hook: Callable[..., None]) -> None:
        self.servers: dict[str, ServerDouble] = {}
        self.failed_releases: Counter[str] = Counter()
        self.is_deaf = False
        """dnsmasq ends no lease, though it is asked to."""
        self.restored: list[tuple[str, int]] = []
        """The addresses that were asked for in their machines' names, and for how long."""
        self.hook_signals: list[tuple[int, int]] = []
        """The processes that were sent a signal, and which."""
        self._kernel = kernel
        self._faults = faults
        self._hook = hook
        self._pids = 100
        self._pulses: dict[int, Pulse] = {}

    def find(self, directory: Path) -> Mapping[str, int]:
        found = self.servers.items()
        return {key: one.pid for key, one in found if one.directory.parent == directory}

    def adopt(self, network_id: str, files: ServerFiles) -> Running | None:
        server = self.servers.get(network_id)
        if server is None or server.directory != files.directory:
            return None
        if server.namespace is not self._kernel.namespaces.get(network_id):
            del self.servers[network_id]
            return None
        return Running(server.pid, -1, -1, (), -1)

    def start(
        self, network_id: str, files: ServerFiles, environment: Mapping[str, str], log: int
    ) -> Running:
        assert log == -1, "the descriptor of LogsDouble"
        assert environment["IPAM_NETWORK"] == network_id
        self._faults.step("start dnsmasq")
        namespace = self._kernel.namespaces.get(network_id)
        startup = (files.directory / CONFIG).read_text()
        if namespace is None or not _has_its_interfaces(startup, namespace):
            raise DnsmasqFailed("unknown interface")
        other = self.servers.get(network_id)
        if other is not None and other.namespace is namespace:
            raise DnsmasqFailed("failed to bind DHCP server socket: Address already in use")
        self._pids += 1
        server = ServerDouble(self._pids, network_id, files.directory, namespace, startup)
        server.read_all()
        server.read_leases()
        self.servers[network_id] = server
        self._faults.step("find dnsmasq")
        return Running(server.pid, -1, -1, (), -1)

    def reload(self, running: Running) -> None:
        self._faults.step("reload dnsmasq")
        server = self._server(running)
        if server is not None:
            server.read_all()

    def pulse(self, running: Running) -> Pulse:
        one = self._server(running)
        if one is None:
            return Pulse(is_stopped=False, is_asleep=False, cpu_seconds=0.0, hook=0)
        self._pulses[running.pid] = pulse = Pulse(
            one.is_stopped, not one.is_busy, one.cpu_seconds, one.hook, one.events_waiting
        )
        return pulse

    def has_run(self, running: Running) -> bool:
        before = self._pulses.get(running.pid)
        return before is None or not before.is_asleep or self.pulse(running) != before

    def resume(self, running: Running) -> None:
        server = self._server(running)
        if server is not None:
            server.is_stopped = False

    def signal_hook(self, running: Running, hook: int, number: int) -> None:
        server = self._server(running)
        self.hook_signals.append((hook, number))
        if server is not None and number == signal.SIGKILL and not server.is_busy:
            server.hook = 0

    def kill(self, running: Running) -> None:
        server = self._server(running)
        if server is not None:
            del self.servers[server.network_id]

    def stop(self, running: Running) -> None:
        server = self._server(running)
        self._faults.step("stop dnsmasq")
        if server is not None:
            del self.servers[server.network_id]

    def let_go(self, running: Running) -> None:
        pass

    def release(self, step: ReleaseLease) -> None:
        network_id, lease = step.network_id, step.lease
        try:
            self._faults.step("release lease")
        except OSError:
            self.failed_releases[network_id] += 1
            raise
        server = self.servers.get(network_id)
        if server is None or step.interface.inside not in server.namespace.interfaces:
            raise DnsmasqFailed("cannot setup interface")
        if lease.ip_address in server.leases and not self.is_deaf:
            _expires, mac = server.leases.pop(lease.ip_address)
            server.write_leases()
            self._hook(network_id, "del", mac, lease.ip_address)

    def restore(self, step: RestoreLease, seconds: int) -> None:
        self._faults.step("restore lease")
        self.restored.append((step.lease.ip_address, seconds))
        lease = step.lease
        if self.is_deaf:
            return
        self.give(step.network_id, str(lease.mac_address), lease.ip_address)

    def give(self, network_id: str, mac: str, address: str, *, expires_at: int = 0) -> None:
        """A machine gets a lease."""
        self.give_unreported(network_id, mac, address, expires_at=expires_at)
        self._hook(network_id, "add", mac, address, LEASE_EXPIRES=str(expires_at))

    def give_unreported(
        self, network_id: str, mac: str, address: str, *, expires_at: int = 0
    ) -> None:
        """A machine gets a lease, and the hook is killed."""
        server = self.servers[network_id]
        server.leases[address] = (expires_at, mac)
        server.write_leases()

    def end_unreported(self, network_id: str, address: str) -> None:
        """A machine gives its lease back, and the hook is killed."""
        server = self.servers[network_id]
        del server.leases[address]
        server.write_leases()

    def notice(self) -> None:
        """Every server reads what is new."""
        for server in self.servers.values():
            if server.directory.exists():
                server.notice()

    def _server(self, running: Running) -> ServerDouble | None:
        return next((one for one in self.servers.values() if one.pid == running.pid), None)


def _host_lines(path: str, text: str) -> list[str]:
    return text.splitlines() if path.startswith("hosts/") else []


def _has_its_interfaces(startup: str, namespace: Namespace) -> bool:
    wanted = re.findall(r"^interface=(\S+)$", startup, re.MULTILINE)
    return bool(wanted) and all(
        name in namespace.interfaces and namespace.interfaces[name].up for name in wanted
    )
