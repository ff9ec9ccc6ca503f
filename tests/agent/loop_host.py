"""A host on which the whole loop of the agent runs, on doubles of the kernel and of dnsmasq.

Files, leases, plans, readiness and retries are the real ones. The test sets the time.
"""

import errno
import itertools
import os
import pwd
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from ipam import model
from ipam.agent.dnsmasq import safe_words
from ipam.agent.dnsmasq.config import Site
from ipam.agent.dnsmasq.dhcp6_requests import Request6
from ipam.agent.dnsmasq.files import CONFIG
from ipam.agent.dnsmasq.nd_frames import Sight
from ipam.agent.forwarder.forwarder import DnsForwarder
from ipam.agent.leases.inbox import Spool
from ipam.agent.leases.record import parse_record
from ipam.agent.leases.table import LeaseTable
from ipam.agent.names.book import NameBook
from ipam.agent.names.names import Names
from ipam.agent.openings import wanted_opening
from ipam.agent.outside import Running
from ipam.agent.reconciler import IDLE_SECONDS, Reconciler
from ipam.agent.served import ServedNetwork
from ipam.agent.server_leases import ServerLeases
from ipam.agent.servers import Servers
from ipam.agent.state import Interface, Lease, NetworkState
from ipam.agent.wires import NO_REACH, Reach
from ipam.protocol.dhcp_state import FullNetwork
from ipam.protocol.lease_events import LeaseEventCreate
from tests.agent import network_rows
from tests.agent.advertiser_double import AdvertiserDouble
from tests.agent.faults import Faults
from tests.agent.file_watch_double import FileWatchDouble
from tests.agent.filter_double import FilterDouble
from tests.agent.kernel_double import KernelDouble
from tests.agent.listener_double import ListenerDouble
from tests.agent.logs_double import LogsDouble
from tests.agent.neighbours_double import NeighboursDouble
from tests.agent.network_rows import HOST, Json
from tests.agent.prober_double import ProberDouble
from tests.agent.processes_double import ProcessesDouble

ME = pwd.getpwuid(os.getuid()).pw_name
LONGEST_WAITS = 200
"""Turns after which a loop that has not come to rest never will."""


def network_id(number: int) -> str:
    return f"{number:08x}-aaaa-4000-8000-000000000000"


def port_id(network: int, number: int) -> str:
    return f"{network:04x}{number:04x}-bbbb-4000-8000-000000000000"


def mac(number: int) -> str:
    return f"fa:16:3e:00:00:{number:02x}"


def port(network: int, number: int, **more: Any) -> Json:
    """A port whose machine is not known by a tap, with the address 10.0.0.<number>."""
    address = {"subnet_id": network_rows.SUBNET4, "ip_address": f"10.0.0.{number}"}
    return network_rows.port(
        id=port_id(network, number),
        mac_address=mac(number),
        device_owner="",
        hostname=f"vm-{number}",
        fixed_ips=[address],
        extra_dhcp_opts=[],
        port_security_enabled=True,
        **more,
    )


def machine(network: int, number: int, **more: Any) -> Json:
    """A port that waits for its tap."""
    return port(network, number) | {"device_owner": "compute:nova"} | more


def row(number: int, *ports: Json, **more: Any) -> Json:
    """A network of `dhcp-state`."""
    dhcp_port = {
        "id": port_id(number, 0xFFFF),
        "mac_address": mac(2),
        "fixed_ips": [{"subnet_id": network_rows.SUBNET4, "ip_address": "10.0.0.2"}],
    }
    return (
        network_rows.network(
            id=network_id(number),
            dhcp_port=dhcp_port,
            subnets=[network_rows.subnet4()],
            ports=[*ports],
        )
        | more
    )


class Inbox:
    """Takes events as the lease inbox does, without a socket."""

    def __init__(self, directory: Path, table: LeaseTable) -> None:
        self.path = directory / "inbox.sock"
        self.events: list[LeaseEventCreate] = []
        self.is_full = False
        self.told: Counter[str] = Counter()
        """How many events the hooks of each network have told."""
        self._table = table

    def heard(self, network_id: str) -> int:
        return self.told[network_id]

    def record(self, events: list[LeaseEventCreate]) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        for event in events:
            if not self._table.knows(event):
                self.events.append(event)
                self._table.apply(event)


class LoopHost:
    """The host. Public attributes are its doubles, and what the loop has told and asked."""

    def __init__(
        self, directory: Path, *, drastic_fraction: float = 0.5, reach: Reach = NO_REACH
    ) -> None:
        self.directory = directory
        self.reach = reach
        self.now = 1000.0
        self.step_seconds = 0.0
        """How long each look at the clock takes."""
        self.faults = Faults()
        self.kernel = KernelDouble(self.faults, [*reach.interfaces.values()])
        self.filter = FilterDouble(self.faults)
        self.kernel.on_attach = self._note_unguarded
        self.unguarded: list[str] = []
        """Taps that were put on a bridge without their guard."""
        self.logs = LogsDouble()
        self.processes = ProcessesDouble(self.kernel, self.faults, self._hook)
        self.prober = ProberDouble(
            self.processes, lambda network: self.reconciler.networks[network]
        )
        self.listener: ListenerDouble[Request6] = ListenerDouble()
        self.sights: ListenerDouble[Sight] = ListenerDouble()
        self.neighbours = NeighboursDouble()
        self.advertiser = AdvertiserDouble()
        self.table = LeaseTable(directory / "leases", self._monotonic)
        self.inbox = Inbox(directory, self.table)
        self.reports: dict[str, bool] = {}
        self.on_report: Callable[[str, bool], None] = lambda _port_id, _ready: None
        self.asked = 0
        self.heard_at: float | None = None
        """When the API was heard last; None: at every moment."""
        self.held: set[str] = set()
        self.forgotten: list[str] = []
        self.rows: Mapping[str, FullNetwork] = {}
        self._event_ids = itertools.count(1)
        self._watched: set[int] = set()
        self.start_agent(drastic_fraction=drastic_fraction)

    def start_agent(self, *, drastic_fraction: float = 0.5, said_by_api: bool = True) -> None:
        """A new life of the agent, on what the one before has left."""
        self._watched.clear()
        self.processes.notice()
        self.file_watch = FileWatchDouble()
        self.names = Names(NameBook(None))
        self.leases = ServerLeases(
            self.directory / "dhcp",
            host=HOST,
            table=self.table,
            inbox=self.inbox,
            logs=self.logs,
            monotonic=self._monotonic,
        )
        self.servers = Servers(
            self.directory / "dhcp",
            self.processes,
            leases=self.leases,
            spool=Spool(self.directory / "spool", ME),
            names=self.names,
            forwarder=DnsForwarder(self.directory / "dns-forwarder.sock"),
            logs=self.logs,
            file_watch=self.file_watch,
            watch=self._watch,
            unwatch=self._unwatch,
            monotonic=self._monotonic,
        )
        self.site = Site(
            run_path=safe_words.path(str(self.directory / "dhcp")),
            mac_tags=safe_words.path("/var/lib/ipam/mac_tags.conf"),
            hook=safe_words.path("/var/lib/ipam/dnsmasq_hook"),
            hook_user=safe_words.user("dnsmasq"),
        )
        self.reconciler = Reconciler(
            self.kernel,
            self.servers,
            self.leases,
            self.filter,
            site=self.site,
            host=HOST,
            drastic_fraction=drastic_fraction,
            report=self._report,
            ask=self._ask,
            forget=self.forgotten.append,
            heard_at=lambda: self.now if self.heard_at is None else self.heard_at,
            logs=self.logs,
            prober=self.prober,
            listener=self.listener,
            sights=self.sights,
            held=lambda: self.held,
            neighbours=self.neighbours,
            reach=self.reach,
            names=self.names,
            advertiser=self.advertiser,
            leaving_directory=self.directory / "leaving",
            monotonic=self._monotonic,
        )
        self.servers.adopt()
        self.reconciler.want(self.rows, said_by_api=said_by_api)

    def want(self, *rows: Json) -> None:
        """What the API says from now on."""
        self.rows = {one["id"]: msgspec.convert(one, FullNetwork) for one in rows}
        self.reconciler.want(self.rows)

    def turn(self) -> float:
        """One turn of the loop; gives the seconds that it wants to wait."""
        wait = self.reconciler.turn()
        self.processes.notice()
        assert self.unguarded == []
        return wait

    def settle(self) -> None:
        """Turn after turn, each after the wait that the one before asked for, until all is so."""
        for _ in range(LONGEST_WAITS):
            wait = self.turn()
            if wait == IDLE_SECONDS:
                return
            self.now += wait
        raise AssertionError(f"no rest: {dict(self.reconciler.troubles)}")

    def server_dies(self, number: int) -> None:
        """The network's dnsmasq ends by itself, and the agent sees it."""
        gone = self.processes.servers.pop(network_id(number))
        if gone.pid in self._watched:
            self.servers.died(network_id(number))

    def pid(self, number: int) -> int:
        """The network's server; 0 without one."""
        server = self.processes.servers.get(network_id(number))
        return server.pid if server else 0

    def serves(self, *numbers: int) -> bool:
        """True if the host has of these networks exactly what is wanted."""
        return all(self._serves(self.reconciler.networks[network_id(one)]) for one in numbers)

    def holds(self, number: int) -> bool:
        """True if the agent watches the server that runs for the network."""
        return self.pid(number) in self._watched

    def truth(self, of_network: str) -> NetworkState:
        """The network as it really is, whatever the agent believes."""
        self.kernel.refresh()
        served = self.reconciler.networks.get(of_network)
        seen = self.kernel.see(of_network, served.state if served else None)
        server = self.processes.servers.get(of_network)
        directory = self.directory / "dhcp" / of_network
        paths = [path for sub in ("options", "hosts") for path in (directory / sub).glob("*")]
        files = {f"{path.parent.name}/{path.name}": path.read_text() for path in paths}
        held = sorted(server.held) if server else sorted(files.items())
        return NetworkState(
            id=of_network,
            bridge=seen.bridge,
            namespace=seen.namespace,
            interface=seen.interface,
            addresses=seen.addresses,
            files=files,
            server=server.startup if server else None,
            reload_due=held != sorted(files.items()),
            wire=seen.wire,
            peers=seen.peers,
            taps=seen.members,
        )

    def _serves(self, served: ServedNetwork) -> bool:
        state, truth = served.state, self.truth(served.state.id)
        taps = state.taps & self.kernel.host.keys()
        taps -= served.self_plugged - self.kernel.members(model.bridge_name(state.id))
        wanted = replace(state, taps=taps, interface=self._wanted_interface(served))
        return replace(truth, taps=truth.taps & state.taps) == wanted

    def _wanted_interface(self, served: ServedNetwork) -> Interface | None:
        """The DHCP port, open if it is to answer machines behind the uplink."""
        interface, wire = served.state.interface, self.truth(served.state.id).wire
        if interface is None or not wire or not wanted_opening(served, served.state):
            return interface
        return replace(interface, isolated=False)

    def traces(self, number: int) -> list[str]:
        """What is on the host of a network."""
        of_network = network_id(number)
        state = self.truth(of_network)
        found = {
            "bridge": model.bridge_name(of_network) in self.kernel.host,
            "namespace": state.namespace,
            "interface": model.tap_name(port_id(number, 0xFFFF)) in self.kernel.host,
            "server": state.server is not None,
            "directory": (self.directory / "dhcp" / of_network / CONFIG).parent.exists(),
        }
        return [name for name, there in found.items() if there]

    def expire(self, of_network: str, lease: Lease) -> None:
        """The server has given a lease that runs out, and never says that it is over."""
        more = {"LEASE_EXPIRES": str(lease.expires_at)}
        self._hook(of_network, "add", str(lease.mac_address), lease.ip_address, **more)

    def _hook(self, of_network: str, action: str, who: str, address: str, **more: str) -> None:
        words = {
            "id": uuid.UUID(int=next(self._event_ids)).hex,
            "network": of_network,
            "action": action,
            "us": str(int(self.now * 1_000_000)),
            "who": who,
            "ip": address,
            **more,
        }
        self.inbox.told[of_network] += 1
        line = "\t".join(f"{name}={value}" for name, value in words.items())
        self.inbox.record([parse_record(line.encode(), HOST, 0)])

    def _report(self, ports: Mapping[str, tuple[int, bool]]) -> None:
        for key, (_revision, ready) in ports.items():
            self.reports[key] = ready
            self.on_report(key, ready)

    def _ask(self) -> None:
        self.asked += 1

    def _note_unguarded(self, tap: str) -> None:
        """No tap may get onto a bridge without the guard that is wanted for it."""
        networks = self.reconciler.networks.values()
        found = [one.guards[tap] for one in networks if tap in one.guards]
        if not self.filter.truth.is_loaded or [self.filter.truth.taps.get(tap)] != found:
            self.unguarded.append(tap)

    def _watch(self, _network_id: str, running: Running) -> None:
        assert running.pid not in self._watched
        self._watched.add(running.pid)

    def _unwatch(self, running: Running) -> None:
        self._watched.remove(running.pid)

    def _monotonic(self) -> float:
        self.now += self.step_seconds
        return self.now
