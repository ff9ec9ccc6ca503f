"""What the loop needs of the kernel and the dnsmasq processes: protocols and values.

`host.kernel` and `dnsmasq.process` implement them. The tests have a double of each, and the double
of the kernel passes the same tests as the kernel.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

from ipam.agent.actions import ReleaseLease, RestoreLease
from ipam.agent.dnsmasq.answered import Answer, Ended
from ipam.agent.dnsmasq.files import ServerFiles
from ipam.agent.dnsmasq.probe_answers import Advertisement, Offer, Question, Refusal
from ipam.agent.dnsmasq.process_stat import ProcessStat
from ipam.agent.dnsmasq.verdicts import Verdict
from ipam.agent.guard.elements import Element, Guard
from ipam.agent.host.raw_netlink import Link
from ipam.agent.state import Bridge, GuardState, Interface, NetworkState, Wire
from ipam.protocol.lease_events import LeaseEventCreate

IpAddress: TypeAlias = IPv4Address | IPv6Address
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class SeenNetwork:
    """One network in the kernel."""

    bridge: Bridge | None
    namespace: bool
    interface: Interface | None
    addresses: frozenset[str]
    members: frozenset[str]
    """The links on the bridge that are up and have its MTU, without DHCP port and wire."""
    foreign: bool
    """Whether something other than the DHCP port and the wire is on the bridge."""
    wire: Wire | None = None
    peers: frozenset[str] = frozenset()
    """The addresses to which the wire, a VXLAN, sends copies."""


class AddressRefusedError(Exception):
    """The kernel does not take the address on this interface, whatever else is so."""


class BridgeUnfitError(Exception):
    """An administrator's bridge cannot carry the network as it is."""


@dataclass(frozen=True, slots=True)
class Drops:
    """How many frames of each tap the guard has dropped since it had dropped none for an hour."""

    spoofed: Mapping[str, int] = field(default_factory=dict)
    """Frames that the port does not allow."""
    storms: Mapping[str, int] = field(default_factory=dict)
    """DHCP packets beyond the bound."""
    fenced: Mapping[str, int] = field(default_factory=dict)
    """DHCP that was to stay on its side of a wire: by tap, or by the wire that it came from."""


class Kernel(Protocol):
    """The networking of the host. Each call names a wanted state, which may exist already.

    What it shows is as old as the last `refresh()`, except for the caller's own changes.
    """

    def refresh(self) -> None:
        """Take in what has changed on the host."""

    def links(self) -> Mapping[str, Link]:
        """Every link of the host by name. It changes with the host at the next `refresh`."""

    def present_taps(self, names: Collection[str]) -> frozenset[str]:
        """The names that are links of this host."""

    def members(self, bridge: str) -> frozenset[str]:
        """The links on the bridge, in any state."""

    def see(self, network_id: str, wanted: NetworkState | None = None) -> SeenNetwork:
        """The network as it is; `wanted` says on which bridge, and by which wire.

        One that is not wanted is where its DHCP port is, and an isolated link is its wire.
        """

    def uses_of(self, device: str) -> Sequence[str]:
        """What the host itself uses the device for: its global addresses, and routes over it."""

    def know_uplink(self, device: str) -> None:
        """Take the device for a wire of any network on whose bridge it is."""

    def is_wireless(self, device: str) -> bool:
        """Whether the device is wireless."""

    def ensure_bridge(self, bridge: Bridge) -> None:
        """Have the bridge, up, with this MTU, which taps on it get, too.

        Raises BridgeUnfitError for one of the administrator's that is not so.
        """

    def ensure_wire(self, wire: Wire, bridge: Bridge) -> None:
        """Have the wire on the bridge, isolated before any frame passes, and up.

        Makes a VLAN or VXLAN that is missing.
        """

    def change_peer(self, wire: Wire, peer: str, *, add: bool) -> None:
        """Have the VXLAN send copies to this address, or not. Raises OSError."""

    def holder_of(self, address: str) -> str:
        """The link that has this address of the host; empty if none has."""

    def remove_wire(self, wire: Wire) -> None:
        """Take the wire off its bridge; delete the VLAN or VXLAN that was made here."""

    def delete_link(self, name: str) -> None:
        """Have no link of that name. Deleting one end of a veth pair deletes both."""

    def create_namespace(self, network_id: str) -> None:
        """Have the network's namespace."""

    def delete_namespace(self, network_id: str) -> None:
        """Have no namespace of the network, and nothing in it."""

    def create_interface(self, network_id: str, interface: Interface, bridge: str) -> None:
        """Have the DHCP port's veth pair between the bridge and the namespace, up at both ends.

        It is isolated before it is up, so nothing of it leaves by a wire.
        """

    def isolate(self, interface: Interface) -> None:
        """Have the DHCP port isolated on its bridge, with its MAC address behind it for good."""

    def open(self, interface: Interface) -> None:
        """Have the DHCP port not isolated, and its MAC address behind it all the same."""

    def look_again(self) -> None:
        """Have the next `refresh` see what the kernel does not announce."""

    def delete_interface(self, network_id: str, interface: Interface) -> None:
        """Have no veth pair of the DHCP port."""

    def change_address(self, network_id: str, interface: str, address: str, *, add: bool) -> None:
        """Add the address to the interface in the namespace, or remove it.

        Raises AddressRefusedError for one that this interface cannot have.
        """

    def attach_tap(self, tap: str, bridge: Bridge) -> None:
        """Put the tap on the bridge and set it up. A missing tap is no error."""


class PacketFilter(Protocol):
    """The guard's rules in the kernel. Each change is made as a whole or not at all.

    What fails raises OSError with a sentence.
    """

    @property
    def fault(self) -> str:
        """Why this host has no guard; "" if it has one."""

    def refresh(self) -> bool:
        """Take in what has changed. True if somebody else may have changed it."""

    def look_again(self) -> None:
        """List all at the next `state`: the net under the announcements."""

    def state(self, likely: Guard = ..., /) -> GuardState | None:
        """The guard as it is. None on a host that has none.

        `likely` is what it is likely to be: what is equal is kept in memory once.
        """

    def load(self, taps: Guard) -> None:
        """Have the rules with these elements, whatever was there."""

    def change(
        self, removed: Iterable[tuple[str, Element]], added: Iterable[tuple[str, Element]]
    ) -> None:
        """Remove and add elements, each with its tap."""

    def answer(self, taps: Collection[str], until: float) -> None:
        """Let these opened DHCP ports answer until then (monotonic time), and no others.

        That holds for rules that are loaded later, too.
        """

    def remove(self) -> None:
        """Have no rules."""

    def drops(self) -> Drops:
        """The frames that were dropped lately, by tap."""


@dataclass(frozen=True, slots=True)
class Running:
    """A dnsmasq and its helper, which runs the hook. A descriptor is readable when one ends.

    Both are watched, because without its helper dnsmasq silently drops every event.
    """

    pid: int
    descriptor: int
    helper: int
    stats: Sequence[ProcessStat]
    """What the kernel says of the two, in this order."""
    hooks: int
    """The descriptor of the list of the helper's children, in /proc."""
    queue: str = ""
    """The path in /proc of the pipe in which events wait for the helper; "" if unknown."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the kernel shows of a dnsmasq and its helper at a moment."""

    is_stopped: bool
    """Whether a signal has stopped one of the two."""
    is_asleep: bool
    """Whether dnsmasq waits, most likely for a packet."""
    cpu_seconds: float
    """How much CPU time dnsmasq has used."""
    hook: int
    """The process that the helper waits for; 0 for none."""
    events_waiting: int = 0
    """About how many events wait for the helper. dnsmasq drops what is beyond some 375."""

    @property
    def is_at_rest(self) -> bool:
        """Whether it stays so for as long as neither of the two runs."""
        return self.is_asleep and not (self.is_stopped or self.hook or self.events_waiting)


class Processes(Protocol):
    """The dnsmasq processes of the host. They outlive the agent."""

    def find(self, directory: Path) -> Mapping[str, int]:
        """The process ids of those that serve from directories in this one, by their names."""

    def adopt(self, network_id: str, files: ServerFiles) -> Running | None:
        """The running dnsmasq of these files, in the network's namespace."""

    def start(
        self, network_id: str, files: ServerFiles, environment: Mapping[str, str], log: int
    ) -> Running:
        """A dnsmasq that has read its files and is ready to answer. It logs into `log`."""

    def reload(self, running: Running) -> None:
        """Make it read its hosts and options again, before the next packet."""

    def pulse(self, running: Running) -> Pulse:
        """How it is at this moment."""

    def has_run(self, running: Running) -> bool:
        """Whether it or its helper may have run since both were seen asleep."""

    def resume(self, running: Running) -> None:
        """Have it and its helper go on, which a signal has stopped."""

    def signal_hook(self, running: Running, hook: int, number: int) -> None:
        """Send a signal to the hook, if the helper still waits for it."""

    def stop(self, running: Running) -> None:
        """Stop it. `let_go` has to follow."""

    def kill(self, running: Running) -> None:
        """End one that does not listen, and its helper. `let_go` has to follow."""

    def let_go(self, running: Running) -> None:
        """Close its descriptors, whether it runs or has ended."""

    def release(self, step: ReleaseLease) -> None:
        """Tell the network's dnsmasq that the lease has ended, as the client would."""

    def restore(self, step: RestoreLease, seconds: int) -> None:
        """Ask the network's dnsmasq for the lease, for so long, as the client would.

        Raises OSError or ValueError if it cannot ask.
        """


class FileWatch(Protocol):
    """What others change in directories that are watched."""

    def watch(self, directory: Path) -> None:
        """From now on watch what is in the directory, without what is in directories in it."""

    def unwatch(self, directory: Path) -> None:
        """Watch it no longer; it may be gone."""

    def changed(self) -> Iterable[Path]:
        """What may have changed since this was asked last: files, or whole directories.

        Names that begin with a dot are left out.
        """


class Logs(Protocol):
    """The logs of the dnsmasq processes."""

    def open(self, network_id: str, directory: Path) -> None:
        """Read the network's log from now on, if it is not read yet."""

    def begin_anew(self, network_id: str) -> int:
        """A new dnsmasq starts: the verdicts of an earlier one do not hold.

        Gives the descriptor for it to log into.
        """

    def reloads(self, network_id: str) -> None:
        """Note that dnsmasq reads its files anew: it forgets which addresses were declined."""

    def close(self, network_id: str) -> None:
        """Close the log of a network without dnsmasq."""

    def is_worn(self, network_id: str) -> bool:
        """Whether its dnsmasq can log no more, or soon will not."""

    def last_words(self, network_id: str) -> str:
        """The last lines of the network's dnsmasq."""

    def words(self, network_id: str) -> int:
        """How many lines its dnsmasq has written by now: each packet makes one."""

    def verdicts(self, network_id: str) -> Sequence[Verdict]:
        """What the network's dnsmasq has dropped, refused or withheld, if it still holds."""

    def network_ids_with_verdicts(self) -> set[str]:
        """The networks that may have verdicts; a line that came just now may be left out."""

    def answered(self, network_id: str, since: float) -> Mapping[str, Answer]:
        """What its dnsmasq has said of each IP address since a moment, in order.

        `since` is of the monotonic clock.
        """

    def take_ended(self, network_id: str) -> Sequence[Ended]:
        """What machines gave back since this was asked last, by lines that were read."""

    def refused_duids(self, network_id: str) -> Collection[str]:
        """The machines that DHCPv6 refused an address since this was asked last."""


class Prober(Protocol):
    """Asks a network's dnsmasq what a machine would get. No machine sees it."""

    def ask(
        self, network_id: str, interface: Interface, questions: Sequence[Question]
    ) -> Mapping[Question, Offer | Refusal]:
        """The answers. A question may have none. Raises OSError if it cannot ask."""

    def advertisement(self, network_id: str, interface: Interface) -> Advertisement | None:
        """The router advertisement; None if there is none. Raises OSError if it cannot ask."""

    def information(
        self, network_id: str, interface: Interface, options: Collection[int]
    ) -> Mapping[int, bytes] | None:
        """The options, by code, for a machine that asks by DHCPv6 for these and for no address.

        None if it gets no answer. Raises OSError if it cannot ask.
        """

    def keep(self, network_ids: Collection[str]) -> None:
        """Close the sockets of all networks except these."""


class Listener(Protocol[T_co]):
    """Hears some kind of packets."""

    def heard(self, network_id: str, interface: Interface) -> Collection[T_co]:
        """What was heard since this was asked last. Raises OSError if nothing can be heard."""

    def keep(self, network_ids: Collection[str]) -> None:
        """Listen to none but these."""


class Advertiser(Protocol):
    """Speaks to all machines of a network as its router."""

    def deprecate(
        self, network_id: str, interface: Interface, leaving: Mapping[IPv6Network, int]
    ) -> None:
        """Say that machines are to leave these prefixes within so many seconds.

        Nothing is said if dnsmasq does not say what else is advertised. Raises OSError if nothing
        can be said.
        """


class Neighbours(Protocol):
    """Asks the machines of a network, as the DHCP server, who has addresses."""

    def who_have(
        self,
        network_id: str,
        interface: Interface,
        asked: Mapping[IpAddress, IpAddress],
        *,
        but: str = "",
    ) -> Mapping[IpAddress, str]:
        """The MAC addresses that answer for the addresses, which come with the server's own.

        Answers of the machine `but` do not count. Raises OSError if it cannot ask.
        """

    def known(self, network_id: str, interface: Interface) -> Mapping[IpAddress, str]:
        """The MAC addresses that the server's host itself has learned, by address.

        Raises OSError if the namespace is gone.
        """

    def announce(self, network_id: str, interface: Interface, addresses: Collection[str]) -> None:
        """Tell all where the server's IPv4 addresses are, each with its prefix length.

        Raises OSError if it cannot.
        """


class Inbox(Protocol):
    """Receives lease events from the hooks."""

    @property
    def path(self) -> Path:
        """The path of the socket."""

    def heard(self, network_id: str) -> int:
        """How many events the network's hooks have told in this life."""

    def record(self, events: list[LeaseEventCreate]) -> None:
        """Write events to disk and to the lease table. Raises OSError if the disk refuses."""
