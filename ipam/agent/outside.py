"""What the loop needs of the kernel and of the dnsmasq processes, and what it sees of them.

`host.kernel` and `dnsmasq.process` do it. The tests have a double of each, and the double of the
kernel passes the same tests as the kernel.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ipam.agent.actions import ReleaseLease
from ipam.agent.dnsmasq.dhcp6_requests import Request6
from ipam.agent.dnsmasq.files import ServerFiles
from ipam.agent.dnsmasq.probe_answers import Offer, Question, Refusal
from ipam.agent.dnsmasq.verdicts import Verdict
from ipam.agent.host.raw_netlink import Link
from ipam.agent.state import Bridge, Interface
from ipam.protocol.lease_events import LeaseEventCreate


@dataclass(frozen=True, slots=True)
class SeenNetwork:
    """What the kernel has of one network."""

    bridge: Bridge | None
    namespace: bool
    interface: Interface | None
    addresses: frozenset[str]
    members: frozenset[str]
    """The links on the bridge that are up and have its MTU, without the DHCP port's own."""
    foreign: bool
    """Something other than the DHCP port is on the bridge."""


class Kernel(Protocol):
    """The networking of the host. Each call says what should be; what is so already is no error.

    What is seen is as old as the last `refresh()`, but for the caller's own changes.
    """

    def refresh(self) -> None:
        """Take in what has changed on the host."""

    def links(self) -> Collection[Link]:
        """Every link of the host."""

    def present_taps(self, names: Collection[str]) -> frozenset[str]:
        """Those of the names that are links of this host."""

    def members(self, network_id: str) -> frozenset[str]:
        """The links on the network's bridge, in whatever state."""

    def see(self, network_id: str) -> SeenNetwork:
        """The network as it is."""

    def ensure_bridge(self, bridge: Bridge) -> None:
        """The bridge, up, with this MTU, which its members get too."""

    def delete_link(self, name: str) -> None:
        """No link of that name; a veth pair goes with either end."""

    def create_namespace(self, network_id: str) -> None:
        """The network's namespace."""

    def delete_namespace(self, network_id: str) -> None:
        """No namespace of the network, and so nothing in it."""

    def create_interface(self, network_id: str, interface: Interface, bridge: str) -> None:
        """The DHCP port's veth pair, between the bridge and the namespace, up at both ends."""

    def delete_interface(self, network_id: str, interface: Interface) -> None:
        """No veth pair of the DHCP port."""

    def change_address(self, network_id: str, interface: str, address: str, *, add: bool) -> None:
        """Give the interface in the namespace the address, or take it away."""

    def attach_tap(self, tap: str, bridge: Bridge) -> None:
        """Put the tap on the bridge and set it up. A tap that has gone meanwhile is no error."""


@dataclass(frozen=True, slots=True)
class Running:
    """A dnsmasq and its helper, which runs the hook. Each descriptor is readable at the end.

    Both are watched: without its helper dnsmasq drops every event without a word.
    """

    pid: int
    descriptor: int
    helper: int


class Processes(Protocol):
    """The dnsmasq processes of the host. They outlive the agent."""

    def adopt(self, network_id: str, files: ServerFiles) -> Running | None:
        """The dnsmasq that already serves from these files, in the network's namespace."""

    def start(
        self, network_id: str, files: ServerFiles, environment: Mapping[str, str], log: int
    ) -> Running:
        """A dnsmasq that has read its files and is ready to answer; `log` is where it logs."""

    def reload(self, running: Running) -> None:
        """Have it read its hosts and options anew, before the next packet that it reads."""

    def stop(self, running: Running) -> None:
        """End it. It is still to be let go of."""

    def let_go(self, running: Running) -> None:
        """Hold it no longer, whether it goes on or has ended."""

    def release(self, step: ReleaseLease) -> None:
        """Tell the network's dnsmasq, as the client would, that the lease is over."""


class Logs(Protocol):
    """What the dnsmasq processes say."""

    def open(self, network_id: str, directory: Path) -> int:
        """The descriptor for the network's dnsmasq to log into."""

    def begins_anew(self, network_id: str) -> None:
        """A new dnsmasq starts: what an earlier one said is over."""

    def close(self, network_id: str) -> None:
        """The network has no dnsmasq any more."""

    def last_words(self, network_id: str) -> str:
        """The last lines of the network's dnsmasq."""

    def verdicts(self, network_id: str) -> Sequence[Verdict]:
        """What the network's dnsmasq has dropped, refused or withheld, as far as it holds."""

    def refused_duids(self, network_id: str) -> Collection[str]:
        """The machines that DHCPv6 refused an address since this was asked last."""

    def expect_probes(self, network_id: str, macs: Collection[str]) -> None:
        """The next DHCPDISCOVER of each of these machines is the agent's own."""


class Prober(Protocol):
    """Asks a network's dnsmasq what a machine would get, unseen by all machines."""

    def ask(
        self, network_id: str, interface: Interface, questions: Sequence[Question]
    ) -> Mapping[Question, Offer | Refusal]:
        """The answers; a question may have none. Raises OSError if nobody can be asked."""

    def keep(self, network_ids: Collection[str]) -> None:
        """Let go of all networks but these."""


class Listener(Protocol):
    """Hears who asks by DHCPv6."""

    def heard(self, network_id: str, interface: Interface) -> Collection[Request6]:
        """Who asked since this was asked last. Raises OSError if nobody can be heard."""

    def keep(self, network_ids: Collection[str]) -> None:
        """Listen to none but these."""


class Inbox(Protocol):
    """Where the hooks send what happens to leases."""

    @property
    def path(self) -> Path:
        """The socket."""

    def record(self, events: list[LeaseEventCreate]) -> None:
        """Make events durable and known. Raises OSError if the disk refuses."""
