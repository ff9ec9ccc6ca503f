"""Plans the small actions from the actual to the desired state, as a tuple in order. Pure.

Laws: `plan(s, s) == ()`, and carrying out `plan(desired, actual)` on `actual` gives `desired`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Interface, IPv6Interface, ip_address

from ipam.agent.actions import (
    HOST,
    AddAddress,
    AddPeer,
    AnyAction,
    AttachTap,
    ChangeGuard,
    CreateInterface,
    CreateNamespace,
    DeleteBridge,
    DeleteInterface,
    DeleteNamespace,
    DropGuards,
    EnsureBridge,
    EnsureWire,
    Forget,
    IsolateInterface,
    LoadGuard,
    OpenInterface,
    ReleaseLease,
    ReloadServer,
    RemoveAddress,
    RemoveFile,
    RemovePeer,
    RemoveWire,
    StartServer,
    StopServer,
    WriteFile,
)
from ipam.agent.guard.elements import NO_GUARD, Element, Guard
from ipam.agent.state import (
    Bridge,
    GuardState,
    HostState,
    Interface,
    Lease,
    NetworkState,
    interfaces_of,
)
from ipam.errors import IpamError
from ipam.protocol.dhcp_state import EndingLease

_Elements = tuple[tuple[str, Element], ...]


class DrasticPlan(IpamError):  # noqa: N818  # named like its siblings in ipam.errors
    """A plan would stop so many servers that a broken answer is probably the cause."""


def plan(
    desired: HostState, actual: HostState, occupied: Collection[str] = ()
) -> tuple[AnyAction, ...]:
    """The actions: the guard's, then network by network. `occupied` bridges are used by others.

    Such a bridge is kept, and its network stays known until the last other user has left.
    """
    steps = _guard_steps(desired.guard, actual.guard or GuardState(is_loaded=False))
    for network_id in sorted(desired.networks.keys() | actual.networks.keys()):
        wanted = desired.networks.get(network_id)
        present = actual.networks.get(network_id)
        if wanted == present:
            continue
        if wanted is None:
            assert present is not None  # it is from one of the two
            steps += _remove(present, occupied)
        else:
            steps += _change(wanted, present or NetworkState(network_id))
    return tuple(steps)


def _guard_steps(wanted: GuardState | None, present: GuardState) -> list[AnyAction]:
    """No tap gets onto a bridge before these, so each has its guard when it does."""
    if wanted is None or wanted == present:
        return []
    if not present.is_loaded:
        return [LoadGuard(HOST, wanted.taps)]
    steps: list[AnyAction] = []
    removed, added = _differences(wanted.taps, present.taps)
    if removed or added:
        steps.append(ChangeGuard(HOST, removed, added))
    gone = [tap for tap in present.taps if tap not in wanted.taps]
    if gone:
        steps.append(DropGuards(HOST, tuple((t, e) for t in gone for e in present.taps[t])))
    return steps


def _differences(wanted: Guard, present: Guard) -> tuple[_Elements, _Elements]:
    """The elements of wanted taps that are too much, and those that are missing."""
    removed: list[tuple[str, Element]] = []
    added: list[tuple[str, Element]] = []
    for tap, elements in wanted.items():
        found = present.get(tap, NO_GUARD)
        if found is not elements and found != elements:  # of thousands nearly all are the same
            removed += [(tap, one) for one in sorted(found - elements)]
            added += [(tap, one) for one in sorted(elements - found)]
    return tuple(removed), tuple(added)


def release_plan(
    network: NetworkState,
    reserved: Mapping[str, str],
    leases: Collection[Lease],
    client_ids: Mapping[str, str],
    *,
    is_dynamic: Callable[[str], bool] = lambda _address: False,
    ending: Collection[EndingLease] = (),
) -> tuple[ReleaseLease, ...]:
    """Releases of leases whose address is not reserved, or is reserved for another machine.

    `reserved` has MAC addresses by address, `client_ids` the client identifiers by address. The
    port of an address that `is_dynamic` may come after its lease. `ending` are to end anyway.
    """

    def is_foreign(lease: Lease) -> bool:
        if lease.ip_address not in reserved:
            return not is_dynamic(lease.ip_address)
        return bool(
            lease.mac_address
            and lease.mac_address != reserved[lease.ip_address]
            and (lease.client_id or "") != client_ids.get(lease.ip_address)
        )

    ended = {one.ip_address: one for one in ending}
    return releases_of(
        network,
        [one for one in leases if is_foreign(one) or _is_of(one, ended.get(one.ip_address))],
    )


def _is_of(lease: Lease, asked: EndingLease | None) -> bool:
    """Whether the lease is of the machine that the other names."""
    if asked is None:
        return False
    if asked.duid and lease.duid:
        return asked.duid == lease.duid
    return not asked.mac_address or asked.mac_address == lease.mac_address


def releases_of(network: NetworkState, leases: Iterable[Lease]) -> tuple[ReleaseLease, ...]:
    """The actions that end these leases."""
    if network.server is None or network.interface is None:
        return ()
    own = interfaces_of(network.addresses)
    return tuple(
        ReleaseLease(network.id, network.interface, _server_of(lease, own), lease)
        for lease in leases
    )


def _server_of(lease: Lease, own: Iterable[IPv4Interface | IPv6Interface]) -> str:
    """The server's address of the lease's subnet, or else of its IP version; empty without one.

    dnsmasq ends no lease for a relay in a subnet without DHCPv6, which only advertises.
    """
    address = ip_address(lease.ip_address)
    same = [one for one in own if one.version == address.version]
    return str(max(same, key=lambda one: address in one.network).ip) if same else ""


def refuse_if_drastic(
    steps: Collection[AnyAction], actual: HostState, drastic_fraction: float
) -> None:
    """Raise DrasticPlan if more than this fraction of the servers, and over two, would stop.

    The same holds for networks that would lose their wires.
    """
    running = {one.id for one in actual.networks.values() if one.server is not None}
    stopped = {step.network_id for step in steps if isinstance(step, StopServer)}
    stopped -= {step.network_id for step in steps if isinstance(step, StartServer)}
    wired, cut = _wired(actual), _cut(steps)
    for lost, those, what in ((stopped, running, "DHCP servers"), (cut, wired, "wires")):
        if _is_drastic(lost, those, drastic_fraction):
            raise DrasticPlan(
                f"the plan stops {len(lost)} of {len(those)} {what}; they stay. If this is meant,"
                " set [agent] allow_drastic and restart the agent."
            )


def _wired(actual: HostState) -> set[str]:
    return {one.id for one in actual.networks.values() if one.wire is not None}


def _cut(steps: Collection[AnyAction]) -> set[str]:
    """The networks that lose their wires and get no others."""
    cut = {step.network_id for step in steps if isinstance(step, RemoveWire)}
    return cut - {step.network_id for step in steps if isinstance(step, EnsureWire)}


def _is_drastic(lost: set[str], those: set[str], drastic_fraction: float) -> bool:
    return len(lost) > 2 and len(lost) > drastic_fraction * len(those)


def without_drastic_peers(
    steps: Sequence[AnyAction], actual: HostState, drastic_fraction: float
) -> Sequence[AnyAction]:
    """The steps, without those that would take more than this fraction of the peers, over two.

    A peer too many costs a copy of each broadcast. One too few costs machines their neighbours.
    """
    has = sum(len(network.peers or ()) for network in actual.networks.values())
    gone = sum(isinstance(step, RemovePeer) for step in steps)
    if gone <= 2 or gone <= drastic_fraction * has:
        return steps
    return [step for step in steps if not isinstance(step, RemovePeer)]


def of_drastic(
    steps: Sequence[AnyAction], actual: HostState, wanted: HostState, drastic_fraction: float
) -> tuple[AnyAction, ...]:
    """The steps of a drastic plan that may be done: those for networks that stay.

    If too many of these would lose their wires for good, they keep them.
    """
    staying = tuple(step for step in steps if concerns(step, wanted.networks))
    cut = _cut(staying)
    if not _is_drastic(cut, _wired(actual), drastic_fraction):
        return staying
    return tuple(
        step for step in staying if not (isinstance(step, RemoveWire) and step.network_id in cut)
    )


def concerns(step: AnyAction, network_ids: Collection[str]) -> bool:
    """Whether the step is for one of these networks, or for the guard of taps that are wanted."""
    return isinstance(step, LoadGuard | ChangeGuard) or step.network_id in network_ids


def _remove(present: NetworkState, occupied: Collection[str]) -> list[AnyAction]:
    steps: list[AnyAction] = [RemoveWire(present.id, present.wire)] if present.wire else []
    steps += _remove_dhcp(present, for_good=True)
    if present.bridge is None or not present.bridge.own:
        return [*steps, Forget(present.id)]
    if present.bridge.name in occupied:
        return steps
    return [*steps, DeleteBridge(present.id, present.bridge.name), Forget(present.id)]


def _remove_dhcp(present: NetworkState, *, for_good: bool) -> list[AnyAction]:
    steps: list[AnyAction] = []
    if present.server is not None:
        steps.append(StopServer(present.id, for_good))
    if present.interface is not None:
        steps.append(DeleteInterface(present.id, present.interface))
    if present.namespace:
        steps.append(DeleteNamespace(present.id))
    return [*steps, *(RemoveFile(present.id, path) for path in present.files)]


def _change(wanted: NetworkState, present: NetworkState) -> list[AnyAction]:
    assert wanted.bridge is not None, wanted  # a wanted network has a bridge
    steps = [*_keep_home(wanted, present, wanted.bridge)]
    if present.bridge != wanted.bridge:
        steps.append(EnsureBridge(wanted.id, wanted.bridge))
    wire = wanted.wire and EnsureWire(wanted.id, wanted.wire, wanted.bridge)
    if wire and wanted.wire != present.wire and wire not in steps:
        steps.append(wire)
    steps += _change_peers(wanted, present)
    steps += [
        AttachTap(wanted.id, tap, wanted.bridge) for tap in sorted(wanted.taps - present.taps)
    ]
    if wanted.interface is None or wanted.server is None:
        return [*steps, *_remove_dhcp(present, for_good=False)]
    return [*steps, *_change_dhcp(wanted, present, wanted.interface, wanted.server)]


def _change_peers(wanted: NetworkState, present: NetworkState) -> Iterator[AnyAction]:
    """The steps to the wanted peers. They go with the wire."""
    if wanted.wire is None or wanted.peers is None:
        return
    is_kept = wanted.wire.is_same_link(present.wire)
    has = (present.peers or frozenset()) if is_kept else frozenset()
    yield from (AddPeer(wanted.id, wanted.wire, one) for one in sorted(wanted.peers - has))
    yield from (RemovePeer(wanted.id, wanted.wire, one) for one in sorted(has - wanted.peers))


def _keep_home(wanted: NetworkState, present: NetworkState, bridge: Bridge) -> Iterator[AnyAction]:
    """The steps after which no frame of the DHCP server passes by a wire.

    They come first, as a bridge that is down is then set up.
    """
    kept = wanted.wire if wanted.wire and wanted.wire.is_same_link(present.wire) else None
    if present.wire is not None and kept is None:
        yield RemoveWire(wanted.id, present.wire)
    interface = present.interface
    is_home = interface is None or (interface.isolated and interface.pinned)
    if interface is not None and not is_home and interface != wanted.interface:
        yield IsolateInterface(wanted.id, interface)
    # A wire that is down is set up by this, so it comes after the DHCP port is isolated.
    if present.wire is not None and kept is not None and not present.wire.isolated:
        yield EnsureWire(wanted.id, kept, bridge)


def _change_dhcp(
    wanted: NetworkState, present: NetworkState, interface: Interface, startup: str
) -> list[AnyAction]:
    """The steps for interface and server. The server depends on its interface and ends with it."""
    assert wanted.bridge is not None, wanted  # _change has checked it
    steps: list[AnyAction] = []
    rebuild = not interface.is_same_pair(present.interface) or not present.namespace
    stop = present.server is not None and (rebuild or present.server != startup)
    if stop:
        steps.append(StopServer(wanted.id, for_good=False))
    if rebuild and present.interface is not None:
        steps.append(DeleteInterface(wanted.id, present.interface))
    if not present.namespace:
        steps.append(CreateNamespace(wanted.id))
    if rebuild:
        steps.append(CreateInterface(wanted.id, interface, wanted.bridge.name))
    carried = frozenset() if rebuild else present.addresses
    inside = interface.inside
    steps += [RemoveAddress(wanted.id, inside, a) for a in sorted(carried - wanted.addresses)]
    steps += [AddAddress(wanted.id, inside, a) for a in sorted(wanted.addresses - carried)]
    steps += _change_files(wanted, present)
    if present.server is None or stop:
        steps.append(StartServer(wanted.id, startup))
    elif present.reload_due or any(needs_reload(step, present) for step in steps):
        steps.append(ReloadServer(wanted.id))
    if not interface.isolated and interface != present.interface:
        steps.append(OpenInterface(wanted.id, interface, wanted.addresses))
    return steps


def _change_files(wanted: NetworkState, present: NetworkState) -> list[AnyAction]:
    gone = [RemoveFile(wanted.id, path) for path in present.files if path not in wanted.files]
    written = [
        WriteFile(wanted.id, path, text)
        for path, text in wanted.files.items()
        if present.files.get(path) != text
    ]
    return [*gone, *written]


def needs_reload(step: AnyAction, present: NetworkState) -> bool:
    """True for a change that dnsmasq does not see by itself: it watches only for new files."""
    match step:
        case RemoveFile():
            return True
        case WriteFile():
            return step.path in present.files
        case _:
            return False
