"""Decides what a change means to hosts and machines, from both descriptions of a network. Pure.

It asks the planner of the agent: an agent that has done all for the description before it has
exactly these steps to that after it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from typing import Final

from ipam.agent import actions
from ipam.agent.actions import AnyAction
from ipam.agent.desired import served_network
from ipam.agent.dnsmasq.config import Site
from ipam.agent.guard.elements import GUARDED, TapGuard
from ipam.agent.plan import plan, release_plan
from ipam.agent.promised import T1, answer
from ipam.agent.served import ServedNetwork
from ipam.agent.state import GuardState, HostState, Lease, NetworkState
from ipam.agent.wires import Reach
from ipam.api.dry_runs.wire import Effect, ServerChange, Step
from ipam.model import tap_name
from ipam.protocol.dhcp_state import FullNetwork, ServedPort
from ipam.rules import dhcp_option_table
from ipam.templating import Word

ANY_SITE: Final = Site(Word("/run/ipam/dhcp"), Word("/tags"), Word("/hook"), Word("nobody"))
"""Both descriptions are rendered for it, so its values make no difference."""
LEASE_TIME: Final = "lease-time"
NAMES: Final[Mapping[int, Mapping[int, str]]] = {
    4: {number: name for name, (number, _) in dhcp_option_table.IPV4.items()},
    6: {number: name for name, (number, _) in dhcp_option_table.IPV6.items()},
}


@dataclass(frozen=True, slots=True)
class Host:
    """The host of an agent."""

    name: str
    reach: Reach
    is_guarded: bool
    """Whether its ports may send from their own addresses only."""


@dataclass(frozen=True, slots=True)
class Look:
    """A network as a host serves it."""

    host: Host
    row: FullNetwork
    served: ServedNetwork

    @property
    def guards(self) -> Mapping[str, TapGuard]:
        """What each tap may send; empty where the host guards nothing."""
        return self.served.guards if self.host.is_guarded else {}


@dataclass(frozen=True, slots=True)
class Given:
    """What a port's machine is given by some host."""

    port: ServedPort
    addresses: Mapping[str, int]
    """Its addresses with the seconds from a lease's beginning to its renewal."""
    options: Mapping[str, bytes]
    """What it is told, by address and option."""
    guard: TapGuard
    """What its tap may send; empty where nothing is guarded."""


@dataclass(frozen=True, slots=True)
class Feeling:
    """What a machine would feel."""

    port: ServedPort
    effect: Effect
    before: Sequence[str]
    after: Sequence[str]
    options: Sequence[str]
    cut_off: bool
    has_lease: bool
    until: int | None
    """In epoch seconds."""


def look(row: FullNetwork, host: Host) -> Look:
    """The network as this host serves it. Raises ValueError if no agent could."""
    return Look(host, row, served_network(row, ANY_SITE, host.name, host.reach))


def steps(
    before: Look | None, after: Look | None, leases: Collection[Lease]
) -> Sequence[AnyAction]:
    """What the agent of their host has to do. `leases` are those that its dnsmasq has given.

    Taps stay as they are: hypervisors bring and take them.
    """
    present, wanted = _state(before), _state(after)
    if present and wanted:
        taps = present.taps & wanted.taps
        present, wanted = replace(present, taps=taps), replace(wanted, taps=taps)
    elif wanted:
        wanted = replace(wanted, taps=frozenset())
    occupied = {present.bridge.name} if present and present.bridge and present.taps else set()
    found = plan(_host_state(wanted), _host_state(present), occupied)
    return [*_guard_steps(before, after), *found, *_releases(before, after, leases)]


def change_of_server(found: Iterable[AnyAction]) -> ServerChange:
    """What these steps mean to the network's dnsmasq."""
    kinds = {type(step) for step in found}
    if actions.StartServer in kinds:
        return "restarts" if actions.StopServer in kinds else "starts"
    if actions.StopServer in kinds:
        return "stops"
    if actions.ReloadServer in kinds:
        return "reloads"
    return "reads new files" if actions.WriteFile in kinds else ""


def told(step: AnyAction) -> Step:
    """The step for a reader: `write-file hosts/…`."""
    name = type(step).__name__
    action = "".join(f"-{one.lower()}" if one.isupper() else one for one in name).lstrip("-")
    return Step(action, str(_subject(step)))  # and not one of dnsmasq's words


def given(looks: Iterable[Look]) -> dict[str, Given]:
    """What each port's machine is given, by port id, whichever of the hosts gives it."""
    found: dict[str, Given] = {}
    for one in looks:
        for port in one.row.ports:
            mine = _given(one, port)
            if port.id not in found or mine.addresses:
                found[port.id] = mine
    return found


def feelings(
    before: Mapping[str, Given],
    after: Mapping[str, Given],
    leases: Mapping[str, Lease],
) -> Iterator[Feeling]:
    """What the machines would feel, of those that feel anything. `leases` are by address."""
    for port_id in sorted(before.keys() | after.keys()):
        known = before.get(port_id) or after[port_id]
        nothing = Given(known.port, {}, {}, frozenset())
        felt = _feeling(before.get(port_id, nothing), after.get(port_id, nothing), leases)
        if felt is not None:
            yield felt


def _feeling(was: Given, will: Given, leases: Mapping[str, Lease]) -> Feeling | None:
    had, has = was.addresses, will.addresses
    options = _changed_options(was, will)
    if had.keys() == has.keys() and not options:
        return None
    lost, effect = had.keys() - has.keys(), _effect(had, has)
    mac_address = was.port.mac_address
    held = [leases[ip] for ip in had if ip in leases]
    held = [one for one in held if one.mac_address in (mac_address, None)]
    return Feeling(
        will.port,
        effect,
        sorted(had, key=_in_order),
        sorted(has, key=_in_order),
        options,
        cut_off=_is_cut_off(was, will, lost),
        has_lease=any(one.ip_address in lost for one in held),
        until=_until(effect, [one for one in held if one.ip_address in lost or not lost], had),
    )


def is_stopped(one: Feeling) -> bool:
    """Whether the machine loses an address that it is known to use."""
    return one.cut_off or (one.has_lease and one.effect in ("loses", "moves"))


def _state(one: Look | None) -> NetworkState | None:
    return one.served.state if one else None


def _host_state(state: NetworkState | None) -> HostState:
    return HostState({state.id: state} if state else {})


def _guard_steps(before: Look | None, after: Look | None) -> Sequence[AnyAction]:
    """A tap that is not wanted any more keeps its guard for as long as it is here."""
    present, new = (one.guards if one else {} for one in (before, after))
    wanted = {**present, **new}
    return plan(HostState(guard=GuardState(wanted)), HostState(guard=GuardState(present)))


def _releases(
    before: Look | None, after: Look | None, leases: Collection[Lease]
) -> Sequence[AnyAction]:
    """The leases that end, and would not have ended anyway."""
    if after is None or not leases:
        return ()
    due = {step.lease for step in _ends(before.served, leases)} if before else set()
    return [step for step in _ends(after.served, leases) if step.lease not in due]


def _ends(one: ServedNetwork, leases: Collection[Lease]) -> Sequence[actions.ReleaseLease]:
    return release_plan(
        one.state,
        one.reserved(),
        leases,
        one.client_ids(),
        is_dynamic=one.is_dynamic,
        ending=one.ending_leases,
    )


def _subject(step: AnyAction) -> str:
    match step:
        case actions.WriteFile() | actions.RemoveFile():
            return step.path
        case actions.AddAddress() | actions.RemoveAddress():
            return step.address
        case actions.ReleaseLease():
            return step.lease.ip_address
        case actions.EnsureBridge():
            return step.bridge.name
        case actions.DeleteBridge():
            return step.name
        case actions.EnsureWire() | actions.RemoveWire():
            return step.wire.device or "the uplink"
        case actions.AddPeer() | actions.RemovePeer():
            return step.peer
        case (
            actions.CreateInterface()
            | actions.DeleteInterface()
            | actions.IsolateInterface()
            | actions.OpenInterface()
        ):
            return step.interface.outside
        case actions.AttachTap():
            return step.tap
        case actions.ChangeGuard():
            return ", ".join(sorted({tap for tap, _ in (*step.removed, *step.added)}))
        case actions.DropGuards():
            return ", ".join(sorted({tap for tap, _ in step.removed}))
        case actions.LoadGuard():
            return ", ".join(sorted(step.taps))
        case actions.StartServer() | actions.StopServer() | actions.ReloadServer():
            return "dnsmasq"
        case actions.CreateNamespace() | actions.DeleteNamespace() | actions.Forget():
            return step.network_id


def _given(one: Look, port: ServedPort) -> Given:
    guard = one.guards.get(tap_name(port.id), frozenset())
    mine = one.served.ports.get(port.id)
    if mine is None or not mine.is_served:
        return Given(port, {}, {}, guard)
    addresses = dict.fromkeys(mine.addresses, 0)
    options: dict[str, bytes] = {}
    for address in sorted(mine.addresses):
        network = next((n for n in one.served.subnets if ip_address(address) in n), None)
        subnet = one.served.terms.subnet(str(network))
        if network is None or subnet is None:
            continue  # it lies in none, so that nothing is promised with it
        promised = answer(
            subnet,
            mac_address=port.mac_address,
            hostname=mine.hostname,
            extra_dhcp_opts=mine.extra_dhcp_opts,
        )
        t1 = int.from_bytes(promised.options.get(T1, b"")) or promised.lease_seconds // 2
        addresses[address] = promised.lease_seconds - t1
        names = NAMES[network.version]
        options |= {
            f"{address} {names.get(code, str(code))}": value
            for code, value in promised.options.items()
        }
        options[f"{address} {LEASE_TIME}"] = promised.lease_seconds.to_bytes(8)
    addresses |= dict.fromkeys(_self_made(one, port), 0)
    return Given(port, addresses, options, guard)


def _self_made(one: Look, port: ServedPort) -> Iterator[str]:
    """The addresses that the machine makes itself of prefixes that are advertised."""
    prefixes = {str(prefix) for prefix in one.served.self_made}
    cidrs = {subnet.id: str(ip_network(subnet.cidr)) for subnet in one.row.subnets}
    for ip in port.fixed_ips:
        if cidrs.get(ip.subnet_id) in prefixes:
            yield str(ip_address(ip.ip_address))


def _in_order(address: str) -> tuple[int, int]:
    ip = ip_address(address)
    return ip.version, int(ip)


def _changed_options(was: Given, will: Given) -> Sequence[str]:
    """The names of options that differ at addresses that stay."""
    keys = was.options.keys() | will.options.keys()
    kept = was.addresses.keys() & will.addresses.keys()
    return sorted(
        {
            name
            for address, _, name in (key.partition(" ") for key in keys)
            if address in kept
            and was.options.get(f"{address} {name}", b"")
            != will.options.get(f"{address} {name}", b"")
        }
    )


def _effect(had: Mapping[str, int], has: Mapping[str, int]) -> Effect:
    lost = {ip_address(one).version for one in had.keys() - has.keys()}
    new = {ip_address(one).version for one in has.keys() - had.keys()}
    if lost - new:
        return "loses"
    if lost:
        return "moves"
    return "gains" if new else "hears"


def _is_cut_off(was: Given, will: Given, lost: Collection[str]) -> bool:
    """Whether the tap may not send any more from an address that its machine is to give up."""
    return any(_may_send(was.guard, ip) and not _may_send(will.guard, ip) for ip in lost)


def _may_send(guard: TapGuard, address: str) -> bool:
    if GUARDED not in guard:
        return True
    ip = ip_address(address)
    sources = (key.partition(" . ")[2] for name, key in guard if name.startswith(f"v{ip.version}"))
    return any(ip in ip_network(source) for source in sources)


def _until(effect: Effect, held: Sequence[Lease], left: Mapping[str, int]) -> int | None:
    """The end of the last lease, or the next renewal that is due."""
    ends = [one for one in held if one.expires_at]
    if not ends or effect == "gains":
        return None
    if effect == "loses":
        return max(one.expires_at for one in ends)
    return max(one.expires_at - left.get(one.ip_address, 0) for one in ends)
