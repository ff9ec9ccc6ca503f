"""The small steps that an agent takes on a host, and their lines in the log. Values only."""

from dataclasses import dataclass
from typing import Final

from ipam.agent.guard.elements import TAPS, Element, Guard
from ipam.agent.state import Bridge, Interface, Lease, Wire

HOST: Final = "guard"
"""In place of a network's id: the guard is one for all networks of the host."""


@dataclass(frozen=True, slots=True)
class Action:
    """One step for one network."""

    network_id: str


@dataclass(frozen=True, slots=True)
class EnsureBridge(Action):
    bridge: Bridge


@dataclass(frozen=True, slots=True)
class DeleteBridge(Action):
    name: str


@dataclass(frozen=True, slots=True)
class EnsureWire(Action):
    """Join the bridge to other hosts. The wire is isolated before it is up."""

    wire: Wire
    bridge: Bridge


@dataclass(frozen=True, slots=True)
class RemoveWire(Action):
    """Take the wire off its bridge, and delete it if the agent has made it."""

    wire: Wire


@dataclass(frozen=True, slots=True)
class AddPeer(Action):
    wire: Wire
    peer: str


@dataclass(frozen=True, slots=True)
class RemovePeer(Action):
    wire: Wire
    peer: str


@dataclass(frozen=True, slots=True)
class CreateNamespace(Action):
    pass


@dataclass(frozen=True, slots=True)
class DeleteNamespace(Action):
    pass


@dataclass(frozen=True, slots=True)
class CreateInterface(Action):
    """Make the DHCP port's interface, in place of any earlier one."""

    interface: Interface
    bridge: str


@dataclass(frozen=True, slots=True)
class IsolateInterface(Action):
    """Keep the DHCP port's traffic on this host."""

    interface: Interface


@dataclass(frozen=True, slots=True)
class OpenInterface(Action):
    """Let machines behind the wire ask the DHCP port, as far as the guard lets them."""

    interface: Interface
    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class DeleteInterface(Action):
    interface: Interface


@dataclass(frozen=True, slots=True)
class AddAddress(Action):
    interface: str
    address: str


@dataclass(frozen=True, slots=True)
class RemoveAddress(Action):
    interface: str
    address: str


@dataclass(frozen=True, slots=True)
class WriteFile(Action):
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class RemoveFile(Action):
    path: str


@dataclass(frozen=True, slots=True)
class StartServer(Action):
    startup: str


@dataclass(frozen=True, slots=True)
class StopServer(Action):
    for_good: bool
    """The network will not be served here, so the agent reports the ends of its leases."""


@dataclass(frozen=True, slots=True)
class ReloadServer(Action):
    pass


@dataclass(frozen=True, slots=True)
class AttachTap(Action):
    tap: str
    bridge: Bridge


@dataclass(frozen=True, slots=True)
class _OfLease(Action):
    interface: Interface
    server: str
    """The server's address of the lease's IP version; empty if it has none."""
    lease: Lease


@dataclass(frozen=True, slots=True)
class ReleaseLease(_OfLease):
    """Make dnsmasq end a lease, so that it reports that and can give the address to another."""


@dataclass(frozen=True, slots=True)
class RestoreLease(_OfLease):
    """Make dnsmasq give a lease again that has ended, for the rest of its time. No plan has it."""


@dataclass(frozen=True, slots=True)
class Forget(Action):
    """Remove the network's directory, so that the agent owns nothing of it."""


@dataclass(frozen=True, slots=True)
class LoadGuard(Action):
    """Have the guard's rules, with these elements and no others."""

    taps: Guard


@dataclass(frozen=True, slots=True)
class ChangeGuard(Action):
    """Let taps send less or more, all in one moment. Each element is with its tap."""

    removed: tuple[tuple[str, Element], ...]
    added: tuple[tuple[str, Element], ...]


@dataclass(frozen=True, slots=True)
class DropGuards(Action):
    """Forget taps that are not here any more."""

    removed: tuple[tuple[str, Element], ...]


AnyAction = (
    EnsureBridge
    | DeleteBridge
    | EnsureWire
    | RemoveWire
    | AddPeer
    | RemovePeer
    | CreateNamespace
    | DeleteNamespace
    | CreateInterface
    | IsolateInterface
    | OpenInterface
    | DeleteInterface
    | AddAddress
    | RemoveAddress
    | WriteFile
    | RemoveFile
    | StartServer
    | StopServer
    | ReloadServer
    | AttachTap
    | ReleaseLease
    | Forget
    | LoadGuard
    | ChangeGuard
    | DropGuards
)


def sentence(step: Action) -> str | None:
    """The line in the log for a step; None for the many small steps."""
    match step:
        case StartServer():
            return "dnsmasq started"
        case StopServer():
            return "dnsmasq stopped"
        case ReloadServer():
            return "dnsmasq reads its hosts anew"
        case IsolateInterface():
            return f"{step.interface.outside} is isolated"
        case OpenInterface():
            return f"{step.interface.outside} answers machines behind the uplink"
        case EnsureWire():
            return f"{step.wire.device} joins {step.bridge.name} to other hosts"
        case AddPeer():
            return f"{step.wire.device} reaches {step.peer}"
        case RemovePeer():
            return f"{step.wire.device} reaches {step.peer} no longer"
        case RemoveWire():
            return f"{step.wire.device} joins it to other hosts no longer"
        case AttachTap():
            return f"{step.tap} is on {step.bridge.name}"
        case ReleaseLease():
            return f"the lease of {step.lease.ip_address} ends"
        case Forget():
            return "nothing of it is left here"
        case LoadGuard():
            return f"loaded, for {sum(TAPS in one for one in step.taps.values())} taps"
        case _:
            return None
