"""The laws of planning, on random hosts."""

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam.agent import actions
from ipam.agent.actions import AnyAction
from ipam.agent.guard.elements import Guard
from ipam.agent.plan import (
    DrasticPlan,
    of_drastic,
    plan,
    refuse_if_drastic,
    release_plan,
    without_drastic_peers,
)
from ipam.agent.state import (
    Bridge,
    GuardState,
    HostState,
    Interface,
    Lease,
    NetworkState,
    Wire,
)

IDS = ("a", "b", "c")
MTUS = st.sampled_from([1400, 1500])
TUNNEL = Wire("vxlan-7", "vxlan", "", 7, "192.0.2.1", 4789, 1400)
WIRES = st.sampled_from(
    [Wire("eth1", "flat"), Wire("eth1.7", "vlan", "eth1", 7, mtu=1400), TUNNEL]
)
PEERS = st.frozensets(st.sampled_from(["192.0.2.2", "192.0.2.3", "192.0.2.4"]))
FILES = st.dictionaries(
    st.sampled_from(["options/n", "hosts/1", "hosts/2"]), st.sampled_from("xy")
)


@st.composite
def wanted_networks(draw: st.DrawFn, network_id: str) -> NetworkState:
    """A network as `desired` makes it: with DHCP whole, or only the bridge."""
    bridge = Bridge(f"brq{network_id}", draw(MTUS), own=draw(st.booleans()))
    wire = draw(st.none() | WIRES)
    peers = draw(PEERS) if wire == TUNNEL else frozenset()
    taps = frozenset(draw(st.sets(st.sampled_from(["tap1", "tap2"]))))
    if not draw(st.booleans()):
        return NetworkState(network_id, bridge, wire=wire, peers=peers, taps=taps)
    return NetworkState(
        id=network_id,
        bridge=bridge,
        namespace=True,
        interface=Interface("tapd", "ns-d", draw(st.sampled_from("mn")), bridge.mtu),
        addresses=frozenset(draw(st.sets(st.sampled_from(["10.0.0.2/24", "10.1.0.2/24"])))),
        files=draw(FILES),
        server=draw(st.sampled_from(["one", "two"])),
        wire=wire,
        peers=peers,
        taps=taps,
    )


@st.composite
def seen_networks(draw: st.DrawFn, network_id: str, wanted: NetworkState | None) -> NetworkState:
    """A network as it may be found: with any part of it missing, or of another time."""
    whole = draw(
        st.one_of(wanted_networks(network_id), st.just(wanted or NetworkState(network_id)))
    )
    changes: dict[str, Any] = {}
    if draw(st.booleans()):
        changes["server"] = None
    if draw(st.booleans()):
        changes |= {"interface": None, "addresses": frozenset()}
    elif whole.interface is not None and draw(st.booleans()):
        isolated, pinned = draw(st.booleans()), draw(st.booleans())
        changes["interface"] = replace(whole.interface, isolated=isolated, pinned=pinned)
    if changes.get("interface", whole.interface) is None and draw(st.booleans()):
        changes["namespace"] = False
    if draw(st.booleans()):
        changes["bridge"] = None
    elif whole.bridge is not None and draw(st.booleans()):
        changes["bridge"] = dataclasses.replace(whole.bridge, up=False)
    if draw(st.booleans()):
        changes["files"] = draw(FILES)
    running = changes.get("server", whole.server) is not None
    changes["reload_due"] = running and draw(st.booleans())
    keep = wanted.taps if wanted else frozenset()
    bridge = changes.get("bridge", whole.bridge)
    changes["taps"] = whole.taps & keep if bridge else frozenset()
    if bridge is None or draw(st.booleans()):
        changes |= {"wire": None, "peers": frozenset()}
    elif whole.wire is not None:
        up, isolated = draw(st.booleans()), draw(st.booleans())
        changes["wire"] = replace(whole.wire, up=up, isolated=isolated)
        changes["peers"] = draw(PEERS) if whole.wire == TUNNEL else frozenset()
    return dataclasses.replace(whole, **changes)


ELEMENTS = st.sampled_from([("guarded", ""), ("macs", "m"), ("v4", "m . 10.0.0.5")])
TAP_GUARDS = st.frozensets(ELEMENTS, min_size=1)
OLD_TAP = "tap3"
"""One of no network any more."""


@st.composite
def guards(
    draw: st.DrawFn, wanted: dict[str, NetworkState]
) -> tuple[GuardState | None, GuardState | None]:
    """Wanted and seen: a host with a guard has one for each of its taps."""
    if not draw(st.booleans()):
        return None, None
    taps = sorted({tap for network in wanted.values() for tap in network.taps})
    desired: Guard = {tap: draw(TAP_GUARDS) for tap in taps}
    names = [*taps, OLD_TAP]
    before = draw(st.dictionaries(st.sampled_from(names), TAP_GUARDS))
    same = {tap: desired[tap] for tap in taps if draw(st.booleans())}
    return GuardState(desired), GuardState(before | same, is_loaded=draw(st.booleans()))


def may_open(wanted: NetworkState, seen: NetworkState | None, draw: st.DrawFn) -> bool:
    """Only what is there, on the wire that is there, is wanted to answer machines behind it."""
    if wanted.interface is None or wanted.wire is None or seen is None:
        return False
    is_there = wanted.interface.is_same_pair(seen.interface) and wanted.wire == seen.wire
    return is_there and draw(st.booleans())


def opened(network: NetworkState) -> NetworkState:
    assert network.interface is not None
    return replace(network, interface=replace(network.interface, isolated=False))


@st.composite
def hosts(draw: st.DrawFn) -> tuple[HostState, HostState]:
    desired, actual = {}, {}
    for network_id in IDS:
        wanted = draw(st.none() | wanted_networks(network_id))
        seen = draw(st.none() | seen_networks(network_id, wanted))
        if wanted is not None:
            desired[network_id] = opened(wanted) if may_open(wanted, seen, draw) else wanted
        if seen is not None:
            actual[network_id] = seen
    wanted_guard, seen_guard = draw(guards(desired))
    return HostState(desired, wanted_guard), HostState(actual, seen_guard)


def carry_out(host: HostState, steps: tuple[AnyAction, ...]) -> HostState:
    """The model: what each step does, with what must hold before it."""
    return list(stages(host, steps))[-1][1]


def stages(
    host: HostState, steps: tuple[AnyAction, ...]
) -> Iterator[tuple[AnyAction | None, HostState]]:
    """The host before the first step, and after each."""
    yield None, host
    networks, guard = dict(host.networks), host.guard
    for step in steps:
        if step.network_id == actions.HOST:
            guard = guarded(guard, step)
            yield step, HostState(dict(networks), guard)
            continue
        network = networks.get(step.network_id, NetworkState(step.network_id))
        if isinstance(step, actions.Forget):
            bridge = network.bridge
            assert bridge is None or not bridge.own
            assert network == NetworkState(step.network_id, bridge)
            del networks[step.network_id]
        else:
            networks[step.network_id] = dataclasses.replace(network, **effect(step, network))
        yield step, HostState(dict(networks), guard)


def guarded(guard: GuardState | None, step: AnyAction) -> GuardState:
    assert guard is not None
    if isinstance(step, actions.LoadGuard):
        return GuardState(step.taps)
    assert guard.is_loaded
    taps = {tap: set(elements) for tap, elements in guard.taps.items()}
    match step:
        case actions.ChangeGuard():
            removed, added = step.removed, step.added
        case actions.DropGuards():
            removed, added = step.removed, ()
        case _:
            raise AssertionError(step)
    for tap, element in removed:
        taps[tap].remove(element)  # the kernel refuses what is not there
    for tap, element in added:
        taps.setdefault(tap, set()).add(element)
    return GuardState({tap: frozenset(elements) for tap, elements in taps.items() if elements})


def effect(step: AnyAction, network: NetworkState) -> dict[str, Any]:
    match step:
        case actions.EnsureBridge():
            return {"bridge": step.bridge}
        case actions.EnsureWire():
            assert network.bridge is not None
            assert network.wire is None or step.wire.is_same_link(network.wire)
            return {"wire": step.wire}
        case actions.RemoveWire():
            return {"wire": None, "peers": frozenset()}
        case actions.AddPeer() | actions.RemovePeer():
            assert network.wire == step.wire
            had = network.peers or frozenset()
            added = isinstance(step, actions.AddPeer)
            return {"peers": had | {step.peer} if added else had - {step.peer}}
        case actions.DeleteBridge():
            assert network.interface is None
            assert network.wire is None
            return {"bridge": None}
        case actions.CreateNamespace():
            assert not network.namespace
            return {"namespace": True}
        case actions.DeleteNamespace():
            assert network.server is None
            return {"namespace": False, "interface": None, "addresses": frozenset()}
        case actions.CreateInterface():
            assert network.bridge is not None
            assert network.namespace
            assert network.server is None, "a running server would hold the old one"
            made = replace(step.interface, isolated=True)
            return {"interface": made, "addresses": frozenset()}
        case actions.IsolateInterface():
            assert step.interface == network.interface
            return {"interface": replace(step.interface, isolated=True, pinned=True)}
        case actions.OpenInterface():
            assert network.interface is not None
            assert network.interface.is_same_pair(step.interface)
            return {"interface": step.interface}
        case actions.DeleteInterface():
            assert network.server is None
            return {"interface": None, "addresses": frozenset()}
        case actions.AddAddress():
            assert network.interface is not None
            return {"addresses": network.addresses | {step.address}}
        case actions.RemoveAddress():
            return {"addresses": network.addresses - {step.address}}
        case actions.WriteFile() | actions.RemoveFile():
            files = {p: text for p, text in network.files.items() if p != step.path}
            if isinstance(step, actions.WriteFile):
                files[step.path] = step.text
            stale = network.server is not None and step.path in network.files
            return {"files": files, "reload_due": network.reload_due or stale}
        case actions.StartServer():
            assert network.server is None
            assert network.interface is not None
            return {"server": step.startup, "reload_due": False}
        case actions.StopServer():
            assert network.server is not None
            return {"server": None, "reload_due": False}
        case actions.ReloadServer():
            assert network.server is not None
            return {"reload_due": False}
        case actions.AttachTap():
            assert network.bridge == step.bridge
            return {"taps": network.taps | {step.tap}}
        case _:
            raise AssertionError(step)


@given(hosts())
def test_carrying_out_the_plan_gives_what_is_desired(pair: tuple[HostState, HostState]) -> None:
    desired, actual = pair
    assert carry_out(actual, plan(desired, actual)) == desired


def leaks(network: NetworkState) -> bool:
    """True if frames of the DHCP server may leave by the wire."""
    wire, interface = network.wire, network.interface
    if wire is None or interface is None or not wire.up:
        return False
    return not (wire.isolated and interface.isolated)


@given(hosts())
def test_no_wire_is_up_with_a_dhcp_port_that_is_not_isolated(
    pair: tuple[HostState, HostState],
) -> None:
    """In every prefix of every plan. What leaks already is the first to be stopped."""
    desired, actual = pair
    opening = {
        one.id
        for one in desired.networks.values()
        if one.interface is not None and not one.interface.isolated
    }
    leaking = {one.id for one in actual.networks.values() if leaks(one)} - opening
    isolating = (actions.EnsureWire, actions.RemoveWire, actions.IsolateInterface)
    for step, host in stages(actual, plan(desired, actual)):
        now = {one.id for one in host.networks.values() if leaks(one)} - opening
        assert now <= leaking, step
        if step is not None and step.network_id in leaking:
            assert isinstance(step, isolating), step
        leaking = now
    assert not leaking & desired.networks.keys()


def test_a_wire_that_is_down_is_set_up_after_the_dhcp_port_is_isolated() -> None:
    wire = Wire("eth1", "flat")
    wanted = NetworkState(
        "n",
        Bridge("brqn", 1400),
        namespace=True,
        interface=Interface("tapd", "ns-d", "m", 1400),
        server="one",
        wire=wire,
    )
    assert wanted.interface is not None
    seen = replace(
        wanted,
        interface=replace(wanted.interface, isolated=False),
        wire=replace(wire, isolated=False, up=False),
    )
    steps = plan(HostState({"n": wanted}), HostState({"n": seen}))
    kinds = [type(step) for step in steps]
    assert kinds.index(actions.IsolateInterface) < kinds.index(actions.EnsureWire)


@given(hosts())
def test_at_no_moment_of_a_plan_a_tap_is_put_on_a_bridge_without_its_guard(
    pair: tuple[HostState, HostState],
) -> None:
    desired, actual = pair
    steps = plan(desired, actual)
    for moment, step in enumerate(steps):
        if isinstance(step, actions.AttachTap) and desired.guard is not None:
            before = carry_out(actual, steps[:moment]).guard
            assert before is not None
            assert before.is_loaded
            assert before.taps[step.tap] == desired.guard.taps[step.tap]


@given(hosts())
def test_what_is_changed_of_a_guard_is_changed_in_one_moment(
    pair: tuple[HostState, HostState],
) -> None:
    """Else a tap would have nothing, or too much, in between."""
    desired, actual = pair
    steps = [s for s in plan(desired, actual) if s.network_id == actions.HOST]
    if desired.guard is None or actual.guard is None or not steps:
        return
    wanted = desired.guard.taps
    for moment in range(len(steps) + 1):
        host = carry_out(actual, tuple(steps[:moment])).guard
        assert host is not None
        for tap, elements in wanted.items():
            assert host.taps.get(tap) in (elements, actual.guard.taps.get(tap))


@given(hosts())
def test_nothing_is_planned_where_nothing_differs(pair: tuple[HostState, HostState]) -> None:
    desired, _actual = pair
    assert plan(desired, desired) == ()


@given(hosts())
def test_an_occupied_bridge_is_never_deleted(pair: tuple[HostState, HostState]) -> None:
    desired, actual = pair
    steps = plan(desired, actual, {f"brq{network_id}" for network_id in IDS})
    assert not any(isinstance(step, actions.DeleteBridge) for step in steps)
    after = carry_out(actual, steps)
    assert plan(desired, after, {f"brq{network_id}" for network_id in IDS}) == ()


def running(*files: str) -> NetworkState:
    return NetworkState(
        id="a",
        bridge=Bridge("brqa", 1500),
        namespace=True,
        interface=Interface("tapd", "ns-d", "m", 1500),
        files=dict.fromkeys(files, "x"),
        server="one",
    )


@pytest.mark.parametrize(
    ("before", "after", "reloads"),
    [
        (running("hosts/1"), running("hosts/1", "hosts/2"), False),
        (running("hosts/1", "hosts/2"), running("hosts/1"), True),
        (
            running("hosts/1"),
            dataclasses.replace(running("hosts/1"), files={"hosts/1": "y"}),
            True,
        ),
    ],
    ids=["a new file is seen by itself", "a removed one is not", "a changed one is not"],
)
def test_only_what_dnsmasq_does_not_see_costs_a_signal(
    before: NetworkState, after: NetworkState, reloads: bool
) -> None:
    steps = plan(HostState({"a": after}), HostState({"a": before}))
    assert any(isinstance(step, actions.ReloadServer) for step in steps) == reloads
    assert not any(isinstance(step, actions.StopServer) for step in steps)


def test_a_port_that_is_let_out_is_isolated_without_a_restart() -> None:
    before = replace(running(), interface=Interface("tapd", "ns-d", "m", 1500, isolated=False))
    steps = plan(HostState({"a": running()}), HostState({"a": before}))
    assert before.interface is not None
    assert steps == (actions.IsolateInterface("a", before.interface),)


def many(count: int) -> HostState:
    return HostState({str(n): dataclasses.replace(running(), id=str(n)) for n in range(count)})


@pytest.mark.parametrize(
    ("had", "has", "refused"),
    [(10, 0, True), (10, 4, True), (10, 5, False), (2, 0, False), (3, 0, True), (10, 10, False)],
)
def test_a_plan_that_stops_most_servers_is_refused(had: int, has: int, refused: bool) -> None:
    steps = plan(many(has), many(had))
    if refused:
        with pytest.raises(DrasticPlan):
            refuse_if_drastic(steps, many(had), 0.5)
    else:
        refuse_if_drastic(steps, many(had), 0.5)


def wired(count: int) -> HostState:
    networks = {k: replace(n, wire=TUNNEL) for k, n in many(count).networks.items()}
    return HostState(networks)


@pytest.mark.parametrize(
    ("stay", "lose_wires", "cut"), [(3, 1, 1), (3, 2, 2), (10, 10, 0), (10, 4, 4)]
)
def test_networks_that_stay_lose_wires_in_a_drastic_plan_unless_it_is_most(
    stay: int, lose_wires: int, cut: int
) -> None:
    had = wired(10)
    kept = dict(list(had.networks.items())[:stay])
    bare = {name: replace(kept[name], wire=None) for name in list(kept)[:lose_wires]}
    wanted = HostState(kept | bare)
    done = of_drastic(plan(wanted, had), had, wanted, 0.5)
    assert sum(isinstance(step, actions.RemoveWire) for step in done) == cut
    assert {step.network_id for step in done} <= set(wanted.networks)


def tunneled(*peers: str) -> HostState:
    one = NetworkState("a", Bridge("brqa", 1400), wire=TUNNEL, peers=frozenset(peers))
    return HostState({"a": one})


@pytest.mark.parametrize(
    ("left", "removed"), [(("1", "2"), 2), (("1",), 0), ((), 0), (("1", "2", "3", "9"), 1)]
)
def test_an_answer_that_takes_most_peers_away_takes_none(
    left: tuple[str, ...], removed: int
) -> None:
    had, wanted = tunneled("1", "2", "3", "4"), tunneled(*left)
    steps = without_drastic_peers(plan(wanted, had), had, 0.5)
    assert sum(isinstance(step, actions.RemovePeer) for step in steps) == removed
    assert sum(isinstance(step, actions.AddPeer) for step in steps) == ("9" in left)


def test_where_nothing_is_said_of_peers_they_stay() -> None:
    had = tunneled("1", "2")
    wanted = HostState({"a": replace(had.networks["a"], peers=None)})
    assert plan(wanted, had) == ()


def test_a_restart_of_every_server_is_not_drastic() -> None:
    networks = {k: dataclasses.replace(n, server="two") for k, n in many(9).networks.items()}
    steps = plan(HostState(networks), many(9))
    refuse_if_drastic(steps, many(9), 0.5)


def test_leases_of_strangers_and_of_nobody_are_released() -> None:
    kept = Lease("10.0.0.5", "m", 0)
    unknown = Lease("2001:db8::5", None, 0)
    heir = Lease("10.0.0.6", "old", 0)
    nobody = Lease("10.0.0.7", "m", 0)
    reserved = {"10.0.0.5": "m", "10.0.0.6": "new", "2001:db8::5": "m"}
    steps = release_plan(running(), reserved, [kept, unknown, heir, nobody], {})
    assert [step.lease for step in steps] == [heir, nobody]


def test_a_release_names_an_address_of_the_servers_of_the_same_version() -> None:
    network = replace(running(), addresses=frozenset({"10.0.0.2/24", "2001:db8::2/64"}))
    leases = [Lease("10.0.0.7", "m", 0), Lease("2001:db8::7", "m", 0)]
    steps = release_plan(network, {}, leases, {})
    assert [step.server for step in steps] == ["10.0.0.2", "2001:db8::2"]
    bare = replace(network, addresses=frozenset({"10.0.0.2/24"}))
    assert [step.server for step in release_plan(bare, {}, leases, {})] == ["10.0.0.2", ""]


@pytest.mark.parametrize("other", ["2001:db8:0:1::2/64", "2001:db8:0:3::2/64"])
def test_a_release_names_the_servers_address_in_the_subnet_of_the_lease(other: str) -> None:
    """The other subnet may have no DHCPv6, and dnsmasq hears no relay from there."""
    addresses = frozenset({"2001:db8:0:2::2/64", other})
    network = replace(running(), addresses=addresses)
    leases = [Lease("2001:db8:0:2::7", "m", 0), Lease("2001:db8:0:9::7", "m", 0)]
    mine, of_no_subnet = release_plan(network, {}, leases, {})
    assert mine.server == "2001:db8:0:2::2"
    assert of_no_subnet.server in {"2001:db8:0:2::2", other.removesuffix("/64")}


def test_a_lease_of_the_ports_client_identifier_is_kept() -> None:
    mine, other = Lease("10.0.0.5", "m", 0, client_id="ff:01"), Lease("10.0.0.6", "m", 0)
    reserved, client_ids = {"10.0.0.5": "x", "10.0.0.6": "x"}, {"10.0.0.5": "ff:01"}
    steps = release_plan(running(), reserved, [mine, other], client_ids)
    assert [step.lease for step in steps] == [other]
