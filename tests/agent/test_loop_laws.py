"""The laws of the plan, tested on the whole loop: any state, any failure, a kill at any moment.

Whatever happened before, once nothing fails any more, the host reaches the wanted state and stays
there. Meanwhile no server that serves as wanted is stopped, no answer that removes most networks
stops their servers, and what the API is told of a port is true.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from ipam import model
from ipam.agent.dnsmasq.files import CONFIG
from ipam.agent.guard.opening import OPENED, SOLE, of_opening
from ipam.agent.releases import ATTEMPTS
from ipam.agent.state import Wire
from ipam.agent.wires import Reach
from ipam.rules.mappings import of_host
from tests.agent.faults import Killed
from tests.agent.loop_host import LoopHost, mac, machine, network_id, port, port_id, row
from tests.agent.network_rows import HOST, Json

NETWORKS = range(1, 5)
DRASTIC_FRACTION = 0.5
TAP_PORT = 5
"""The port of each network that waits for its tap."""


WIRES = {1: Wire("eth1", "flat"), 2: Wire("eth2.7", "vlan", "eth2", 7)}
"""By network."""
REACH = Reach({"physnet1": "eth1", "physnet2": "eth2"}, host=HOST)


def tap(number: int) -> str:
    return model.tap_name(port_id(number, TAP_PORT))


def dhcp_tap(number: int) -> str:
    return model.tap_name(port_id(number, 0xFFFF))


@st.composite
def rows(draw: st.DrawFn, number: int) -> Json:
    """A network in one of its versions, with some of its ports, whose addresses change hands."""
    address = {"fixed_ips": port(number, draw(st.sampled_from([6, 7])))["fixed_ips"]}
    secured = {"port_security_enabled": draw(st.sampled_from([True, True, False]))}
    ports = [machine(number, TAP_PORT) | secured, port(number, 6) | address, port(number, 8)]
    more: Json = {
        "mtu": draw(st.sampled_from([1450, 1450, 1450, 1400])),
        "lease_seconds": draw(st.sampled_from([3600, 3600, 3600, 60])),
    }
    if draw(st.sampled_from([False, False, False, True])):
        more["dhcp_port"] = None
    if number in WIRES and draw(st.booleans()):
        elected = draw(st.booleans())
        more["elected_seconds"] = 75 if elected else None
        ports += [port(number, 9) | {"binding_host_id": ""}] if elected else []
        physical = draw(st.sampled_from([f"physnet{number}", of_host(HOST, f"eth{number}")]))
        more |= {"network_type": WIRES[number].kind, "physical_network": physical}
        more["segmentation_id"] = WIRES[number].segment or None
    chosen = draw(st.sets(st.sampled_from(range(len(ports)))))
    return row(number, *(ports[one] for one in sorted(chosen)), **more)


def answers(fewest: int) -> st.SearchStrategy[list[Json]]:
    """What the API says: some of the networks."""
    chosen = st.sets(st.sampled_from(NETWORKS), min_size=fewest).map(sorted)
    return chosen.flatmap(lambda numbers: st.tuples(*map(rows, numbers)).map(list))


failures = st.lists(st.booleans(), max_size=30)


class WholeLoop(RuleBasedStateMachine):
    """Everything that may happen to an agent and its host."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="ipam-loop-"))
        self.host = LoopHost(self.directory, drastic_fraction=DRASTIC_FRACTION, reach=REACH)
        self.all_uplinks_are_there()
        self.host.on_report = self.report_is_true

    def teardown(self) -> None:
        try:
            self.everything_comes_right()
        finally:
            shutil.rmtree(self.directory)

    @initialize(answer=answers(len(NETWORKS)))
    def all_is_served(self, answer: list[Json]) -> None:
        self.host.want(*answer)
        self.host.settle()

    @rule(answer=answers(2), failing=failures)
    def the_api_answers(self, answer: list[Json], failing: list[bool]) -> None:
        self.host.want(*answer)
        self.turns(failing)

    @rule(failing=failures, seconds=st.sampled_from([0.0, 0.05, 1.0, 10.0, 100.0]))
    def time_passes(self, failing: list[bool], seconds: float) -> None:
        self.host.now += seconds
        self.turns(failing)

    @rule(answer=answers(0), steps=st.integers(0, 30))
    def the_agent_is_killed(self, answer: list[Json], steps: int) -> None:
        self.host.want(*answer)
        self.host.faults.kill_after(steps)
        leaking = self.leaking()
        with contextlib.suppress(Killed):
            self.turns([])
        assert self.leaking() <= leaking
        self.host.faults.end()
        self.host.start_agent(drastic_fraction=DRASTIC_FRACTION)
        self.host.rows = {}
        self.host.want(*answer)

    @rule(number=st.sampled_from(NETWORKS), there=st.booleans())
    def a_tap_comes_or_goes(self, number: int, there: bool) -> None:
        if there and tap(number) not in self.host.kernel.host:
            self.host.kernel.plug(tap(number))
        elif not there and tap(number) in self.host.kernel.host:
            self.host.kernel.unplug(tap(number))
        self.turns([])

    @rule(number=st.sampled_from(NETWORKS), what=st.sampled_from(["server", "namespace"]))
    def a_server_or_its_namespace_dies(self, number: int, what: str) -> None:
        if what == "server" and self.host.pid(number):
            self.host.server_dies(number)
        elif what == "namespace" and network_id(number) in self.host.kernel.namespaces:
            self.host.kernel.drop_namespace(network_id(number))
        self.turns([])

    @rule(
        number=st.sampled_from(NETWORKS),
        what=st.sampled_from(["bridge", "interface", "tap"]),
        how=st.sampled_from(["gone", "down", "off", "mtu", "name"]),
    )
    def a_link_changes(self, number: int, what: str, how: str) -> None:
        name = {
            "bridge": model.bridge_name(network_id(number)),
            "interface": model.tap_name(port_id(number, 0xFFFF)),
            "tap": tap(number),
        }[what]
        link = self.host.kernel.host.get(name)
        if link is not None and how == "gone":
            self.host.kernel.unplug(name)
        elif link is not None and how == "down":
            link.up = False
        elif link is not None and how == "off":
            link.master = ""
        elif link is not None and how == "name" and what == "interface":
            self.host.kernel.rename(name, f"renamed{number}")
        elif link is not None:
            link.mtu = 9000
        self.turns([])

    @rule(name=st.sampled_from(["eth1", "eth2"]), there=st.booleans())
    def an_uplink_comes_or_goes(self, name: str, there: bool) -> None:
        if there and name not in self.host.kernel.host:
            self.host.kernel.add_uplink(name)
        elif not there and name in self.host.kernel.host:
            self.host.kernel.unplug(name)
        self.turns([])

    @rule(
        number=st.sampled_from(sorted(WIRES)),
        how=st.sampled_from(["gone", "down", "off", "let out", "mtu"]),
    )
    def a_wire_changes(self, number: int, how: str) -> None:
        name = WIRES[number].device
        link = self.host.kernel.host.get(name)
        if link is None:
            return
        if how == "gone":
            self.host.kernel.unplug(name)
        elif how == "down":
            link.up = False
        elif how == "off":
            link.master, link.isolated = "", False
        elif how == "let out":
            link.isolated = False
        else:
            link.mtu = 9000
        self.turns([])

    @rule(
        number=st.sampled_from(NETWORKS),
        how=st.sampled_from(["flush", "down", "loopback", "mac", "mtu"]),
    )
    def a_namespace_is_changed(self, number: int, how: str) -> None:
        of_network = network_id(number)
        namespace = self.host.kernel.namespaces.get(of_network)
        for name in list(namespace.interfaces) if namespace else ():
            if how == "flush":
                self.host.kernel.flush(of_network, name, 4)
            elif how in ("down", "loopback"):
                self.host.kernel.set_inside_down(of_network, name if how == "down" else "lo")
            else:
                changed = (mac(3), 1450) if how == "mac" else (mac(2), 1300)
                self.host.kernel.set_inside(of_network, name, mac=changed[0], mtu=changed[1])
        self.turns([])

    @rule(
        number=st.sampled_from(NETWORKS),
        what=st.sampled_from(["hosts/5", "hosts/6", "hosts/foreign", CONFIG, "", "hosts"]),
        how=st.sampled_from(["deleted", "edited"]),
    )
    def files_are_changed(self, number: int, what: str, how: str) -> None:
        directory = self.directory / "dhcp" / network_id(number)
        name = what.replace("hosts/5", f"hosts/{port_id(number, 5)}")
        path = directory / name.replace("hosts/6", f"hosts/{port_id(number, 6)}")
        if path in (directory, directory / "hosts"):
            shutil.rmtree(path, ignore_errors=True)
        elif how == "deleted":
            path.unlink(missing_ok=True)
        elif path.exists() or (what == "hosts/foreign" and path.parent.exists()):
            path.write_text("fa:16:3e:00:00:63,tag:x,mine,10.0.0.6\n")
            self.host.processes.notice()
        self.turns([])

    @rule(number=st.none() | st.sampled_from(NETWORKS))
    def the_guard_is_changed_by_hand(self, number: int | None) -> None:
        if number is None:
            self.host.filter.flush()
        else:
            self.host.filter.free(tap(number))
        self.turns([])

    @rule(number=st.sampled_from(NETWORKS))
    def a_server_is_stopped_by_a_signal(self, number: int) -> None:
        if self.host.pid(number):
            self.host.processes.servers[network_id(number)].is_stopped = True
        self.host.reconciler.look_after_servers()
        self.turns([])

    @rule(number=st.sampled_from(NETWORKS), machine=st.integers(5, 9), at=st.integers(5, 9))
    def a_machine_has_a_lease(self, number: int, machine: int, at: int) -> None:
        if self.host.pid(number):
            self.host.processes.give(network_id(number), mac(machine), f"10.0.0.{at}")
        self.turns([])

    def turns(self, failing: list[bool]) -> None:
        """Some turns, each held to what must be so at every moment."""
        self.host.faults.chances(failing)
        for _ in range(3):
            self.held_to_the_laws(self.host.turn)
        self.host.faults.chances([])

    def held_to_the_laws(self, turn: Callable[[], float]) -> None:
        healthy = [number for number in NETWORKS if self.is_healthy(number)]
        guarded = {
            name: elements
            for name, elements in self.host.filter.truth.taps.items()
            if name in map(tap, NETWORKS) and name in self.host.kernel.host
        }
        running = {number: self.host.pid(number) for number in NETWORKS if self.host.pid(number)}
        leaking = self.leaking()
        whole = [number for number in running if self.has_directories(number)]
        turn()
        assert self.leaking() <= leaking
        for number in healthy:
            assert self.host.pid(number) == running[number], f"{number} was served as wanted"
        wanted = self.host.reconciler.networks
        guards = {name: one for network in wanted.values() for name, one in network.guards.items()}
        for name, elements in guarded.items():
            now = self.host.filter.truth.taps[name]
            assert now in (elements, guards.get(name)), "a tap that is here keeps its guard"
        stopped = [
            number
            for number in whole  # another cannot run on, whatever is wanted
            if network_id(number) not in wanted and not self.host.pid(number)
        ]
        assert len(stopped) <= max(2, DRASTIC_FRACTION * len(running))

    def has_directories(self, number: int) -> bool:
        """True if nobody has taken from its server what it watches."""
        directory = self.directory / "dhcp" / network_id(number)
        return all((directory / name).is_dir() for name in ("hosts", "options"))

    def leaking(self) -> set[int]:
        """The networks whose DHCP server other hosts hear."""
        return {number for number in WIRES if self.leaks(number)}

    def leaks(self, number: int) -> bool:
        bridge = model.bridge_name(network_id(number))
        links = self.host.kernel.host
        wire, port = links.get(WIRES[number].device), links.get(dhcp_tap(number))
        if wire is None or port is None or bridge not in links or not links[bridge].up:
            return False
        on_it = all(link.master == bridge and link.up for link in (wire, port))
        return on_it and not (wire.isolated and (port.isolated or self.is_fenced(number)))

    def is_fenced(self, number: int) -> bool:
        """True if the guard lets nobody but machines behind the wire ask the DHCP server."""
        found = self.host.filter.truth
        fence = (OPENED, WIRES[number].device)
        return found.is_loaded and fence in found.taps.get(dhcp_tap(number), ())

    def all_uplinks_are_there(self) -> None:
        for name in ("eth1", "eth2"):
            if name not in self.host.kernel.host:
                self.host.kernel.add_uplink(name)
            self.host.kernel.host[name].mtu = 1500

    def is_healthy(self, number: int) -> bool:
        """True if nothing is due that needs the server to be stopped."""
        served = self.host.reconciler.networks.get(network_id(number))
        if served is None or not self.host.pid(number):
            return False
        truth, wanted = self.host.truth(network_id(number)), served.state
        server = self.host.processes.servers[network_id(number)]
        return (
            truth.server == wanted.server
            and truth.interface is not None
            and truth.interface.is_same_pair(wanted.interface)
            and self.host.kernel.namespaces.get(network_id(number)) is server.namespace
            and self.host.holds(number)
            and (self.directory / "dhcp" / network_id(number) / "hosts").exists()
            and self.host.processes.failed_releases[network_id(number)] < ATTEMPTS
        )

    def report_is_true(self, of_port: str, ready: bool) -> None:
        """What the API is told: the machine would get its answer, or its tap is not here."""
        (served,) = (one for one in self.host.reconciler.networks.values() if of_port in one.ports)
        one = served.ports[of_port]
        if not ready and one.is_elsewhere:
            assert WIRES[int(served.state.id[:8], 16)].device not in self.host.kernel.host
            return
        if not ready:
            assert one.tap not in self.host.kernel.host
            return
        if one.is_elsewhere and served.state.server is not None:
            number = int(served.state.id[:8], 16)
            assert not self.host.kernel.host[dhcp_tap(number)].isolated
            answers = self.host.filter.truth.taps[dhcp_tap(number)]
            assert SOLE in answers or dhcp_tap(number) in self.host.filter.answering
        if one.waits_for_tap:
            link = self.host.kernel.host[str(one.tap)]
            assert (link.master, link.up) == (model.bridge_name(served.state.id), True)
        if served.state.server is not None and one.addresses:
            server = self.host.processes.servers[served.state.id]
            lines = served.state.files[f"hosts/{of_port}"].splitlines()
            assert server.lines_about(one.mac_address, *one.addresses) == lines

    def everything_comes_right(self) -> None:
        self.host.faults.end()
        self.all_uplinks_are_there()
        self.host.now += 100
        self.host.settle()
        wanted = [n for n in NETWORKS if network_id(n) in self.host.reconciler.networks]
        assert self.host.serves(*wanted)
        assert self.host.reconciler.troubles == {}
        self.every_port_is_guarded()
        self.host.start_agent(drastic_fraction=1.0)
        for number in NETWORKS:
            if tap(number) in self.host.kernel.host:
                self.host.kernel.unplug(tap(number))
        self.host.settle()
        assert self.host.serves(*wanted)
        for number in set(NETWORKS) - set(wanted):
            assert self.host.traces(number) == []
            assert network_id(number) not in self.host.processes.servers
        joined = {network_id(n) for n in wanted if self.host.truth(network_id(n)).wire}
        assert joined == {
            key for key, one in self.host.reconciler.networks.items() if one.state.wire
        }
        assert "eth2.7" in self.host.kernel.host or network_id(2) not in joined

    def every_port_is_guarded(self) -> None:
        found = self.host.filter.truth
        assert found.is_loaded
        for served in self.host.reconciler.networks.values():
            for name, elements in served.guards.items():
                assert found.taps[name] - of_opening(found.taps[name]) == elements


TestWholeLoop = WholeLoop.TestCase
TestWholeLoop.settings = settings(max_examples=30, stateful_step_count=12)
