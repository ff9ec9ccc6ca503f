"""What the agent can do to a host, one small step each, and its line in the log. Values only."""

from dataclasses import dataclass

from ipam.agent.state import Bridge, Interface, Lease


@dataclass(frozen=True, slots=True)
class Action:
    """A step for one network."""

    network_id: str


@dataclass(frozen=True, slots=True)
class EnsureBridge(Action):
    bridge: Bridge


@dataclass(frozen=True, slots=True)
class DeleteBridge(Action):
    name: str


@dataclass(frozen=True, slots=True)
class CreateNamespace(Action):
    pass


@dataclass(frozen=True, slots=True)
class DeleteNamespace(Action):
    pass


@dataclass(frozen=True, slots=True)
class CreateInterface(Action):
    """Replaces what is left of an earlier one."""

    interface: Interface
    bridge: str


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
    """The network is served here no longer, so its leases end, and nobody else will say so."""


@dataclass(frozen=True, slots=True)
class ReloadServer(Action):
    pass


@dataclass(frozen=True, slots=True)
class AttachTap(Action):
    tap: str
    bridge: Bridge


@dataclass(frozen=True, slots=True)
class ReleaseLease(Action):
    """Make dnsmasq forget a lease, so that it says so and serves the address to another."""

    interface: Interface
    server: str
    """An address of the server's, of the lease's IP version; empty if it has none."""
    lease: Lease


@dataclass(frozen=True, slots=True)
class Forget(Action):
    """Remove the network's directory: the agent has nothing of it any more."""


AnyAction = (
    EnsureBridge
    | DeleteBridge
    | CreateNamespace
    | DeleteNamespace
    | CreateInterface
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
)


def sentence(step: Action) -> str | None:
    """What an operator reads of a step in the log; None for one of the many small ones."""
    match step:
        case StartServer():
            return "dnsmasq started"
        case StopServer():
            return "dnsmasq stopped"
        case ReloadServer():
            return "dnsmasq reads its hosts anew"
        case AttachTap():
            return f"{step.tap} is on {step.bridge.name}"
        case ReleaseLease():
            return f"the lease of {step.lease.ip_address} ends"
        case Forget():
            return "nothing of it is left here"
        case _:
            return None
