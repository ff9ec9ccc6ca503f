"""The guard's table in a real kernel, each time in a network namespace of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NoReturn, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipam.agent.actions import ChangeGuard
from ipam.agent.guard import table
from ipam.agent.guard.elements import Guard, tap_guard
from ipam.agent.guard.table import EXAMPLE
from ipam.agent.host import packet_filter
from ipam.agent.host.namespaces import call_in_namespace
from ipam.agent.host.packet_filter import NftFilter, NoFilter
from ipam.agent.plan import plan
from ipam.agent.state import GuardState, HostState
from ipam.errors import HostUnfit
from ipam.protocol.dhcp_state import ServedPort
from tests.agent import network_rows

T = TypeVar("T")


class Namespace:
    """Where the table is. Each call runs in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.filter = self.run(lambda: NftFilter("guard_test"))

    def run(self, work: Callable[[], T]) -> T:
        return call_in_namespace(self.name, work)

    def state(self) -> GuardState:
        return self.run(self.filter.state)

    def listed(self) -> GuardState:
        """What is in the kernel, whatever the filter remembers."""
        self.filter.look_again()
        return self.state()

    def answering(self) -> dict[str, int]:
        """The DHCP ports that answer, with hundreds of seconds, rounded up."""
        listed = self.nft("-j", "list", "set", "bridge", "guard_test", "answering")
        (of_set,) = (one["set"] for one in json.loads(listed)["nftables"] if "set" in one)
        elements = [one["elem"] for one in of_set.get("elem", ())]
        return {one["val"]: -(-one["expires"] // 100) * 100 for one in elements}

    def nft(self, *words: str) -> bytes:
        command = ["ip", "netns", "exec", self.name, "nft", *words]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    if os.geteuid() != 0 or shutil.which("nft") is None:
        pytest.skip("needs root and nft: it loads tables")
    name = f"guard-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        made = Namespace(name)
        yield made
        made.filter.close()
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


MACS = st.sampled_from(["fa:16:3e:00:00:05", "02:00:00:00:00:01"])
IPS = st.sampled_from(
    [
        *("10.0.0.5", "10.0.0.6/31", "10.0.0.0/24", "10.0.0.0/9", "0.0.0.0/0", "2001:db8::5"),
        *("::ffff:10.0.0.5", "::a00:5", "::ffff:10.0.0.0/104", "::a00:0/112"),
        *("::1", "2001:db8::/64", "fe80::/64", "2001:db8::/3", "::/0"),
    ]
)
PAIRS = st.lists(
    st.fixed_dictionaries({"ip_address": IPS}, optional={"mac_address": MACS}), max_size=4
)


@st.composite
def guards(draw: st.DrawFn) -> Guard:
    """Of the ports of up to three taps."""
    taps = draw(st.lists(st.sampled_from(["tap1", "tap2", "tap00000000-00"]), unique=True))
    found = {}
    for tap in taps:
        row = network_rows.port(
            port_security_enabled=draw(st.booleans()), allowed_address_pairs=draw(PAIRS)
        )
        found[tap] = tap_guard(msgspec.convert(row, ServedPort))
    return found


@pytest.mark.root
@settings(max_examples=25, deadline=None)
@given(before=guards(), after=guards())
def test_any_guard_becomes_any_other_and_is_listed_as_it_was_written(
    namespace: Namespace, before: Guard, after: Guard
) -> None:
    namespace.run(lambda: namespace.filter.load(before))
    assert namespace.listed() == GuardState(before)
    wanted = {**before, **after}
    steps = plan(HostState(guard=GuardState(wanted)), HostState(guard=namespace.state()))
    for step in steps:
        assert isinstance(step, ChangeGuard)
        namespace.run(partial(namespace.filter.change, step.removed, step.added))
    assert namespace.state() == GuardState(wanted)
    assert namespace.listed() == GuardState(wanted)


@pytest.mark.root
def test_changes_of_others_are_heard_and_own_ones_and_other_tables_are_not(
    namespace: Namespace,
) -> None:
    packet_filter = namespace.filter
    namespace.run(lambda: packet_filter.load(EXAMPLE))
    assert not packet_filter.refresh()
    namespace.run(lambda: packet_filter.change([], [("tap9", ("taps", ""))]))
    namespace.nft("add", "table", "ip", "other")
    namespace.nft("add", "table", "ip", "guard_test")
    assert not packet_filter.refresh()
    assert namespace.state().taps.keys() == {"tap", "tap9"}
    for change in (
        ("flush", "set", "bridge", "guard_test", "v4"),
        ("flush", "chain", "bridge", "guard_test", "guest4"),
        ("insert", "rule", "bridge", "guard_test", "prerouting", "accept"),
        ("delete", "table", "bridge", "guard_test"),
        ("flush", "ruleset"),
    ):
        namespace.run(lambda: packet_filter.load(EXAMPLE))
        namespace.nft(*change)
        assert packet_filter.refresh(), change
        assert namespace.state() != GuardState(EXAMPLE)


@pytest.mark.root
def test_what_was_changed_is_the_same_object_as_what_was_likely(namespace: Namespace) -> None:
    packet_filter, likely = namespace.filter, {"tap9": frozenset({("taps", "")}), **EXAMPLE}
    namespace.run(lambda: packet_filter.load(EXAMPLE))
    namespace.run(
        lambda: packet_filter.change([], [("tap9", ("taps", "")), ("tap8", ("taps", ""))])
    )
    seen = packet_filter.state(likely)
    assert seen.taps["tap9"] is likely["tap9"]
    assert seen.taps["tap8"] == {("taps", "")}, "it is there, likely or not"
    assert packet_filter.state(likely) is seen
    assert namespace.listed() == seen


IN_CONTAINER = """
import subprocess
from ipam.agent.guard import listing
from ipam.agent.guard.table import EXAMPLE
from ipam.agent.host.packet_filter import NftFilter
packet_filter = NftFilter("guard_test")
packet_filter.load(EXAMPLE)
read, listing.read = listing.read, lambda *words: print("listed") or read(*words)
packet_filter.change([], [("tap9", ("taps", ""))])
print(packet_filter.refresh(), "tap9" in packet_filter.state().taps)
subprocess.run(["nft", "add", "element", "bridge", "guard_test", "taps", '{ "tap8" }'], check=True)
packet_filter.change([], [("tap7", ("taps", ""))])
print(sorted({"tap7", "tap8", "tap9"} & packet_filter.state().taps.keys()))
subprocess.run(["nft", "delete", "element", "bridge", "guard_test", "taps", '{ "tap8" }'])
print(packet_filter.refresh(), "tap8" in packet_filter.state().taps)
"""


@pytest.mark.root
def test_own_changes_are_known_in_a_container_with_processes_of_its_own() -> None:
    if os.geteuid() != 0 or shutil.which("nft") is None:
        pytest.skip("needs root and nft: it loads tables")
    apart = ("unshare", "--net", "--pid", "--fork", "--mount-proc", sys.executable, "-c")
    said = subprocess.run([*apart, IN_CONTAINER], check=True, stdout=subprocess.PIPE, text=True)
    assert said.stdout.splitlines() == [
        "False True",
        "listed",
        "['tap7', 'tap8', 'tap9']",
        "listed",
        "True False",
    ]


@pytest.mark.root
def test_a_change_that_does_not_fit_changes_nothing_and_is_looked_at_anew(
    namespace: Namespace,
) -> None:
    namespace.run(lambda: namespace.filter.load(EXAMPLE))
    missing, new = ("tap8", ("taps", "")), ("tap9", ("taps", ""))
    with pytest.raises(OSError, match=r"nft: .*No such file"):
        namespace.run(lambda: namespace.filter.change([missing], [new]))
    assert namespace.listed() == GuardState(EXAMPLE)


@pytest.mark.root
def test_ports_answer_for_a_time_that_the_kernel_keeps_whatever_is_loaded(
    namespace: Namespace,
) -> None:
    packet_filter, now = namespace.filter, time.monotonic()
    namespace.run(lambda: packet_filter.load(EXAMPLE))
    namespace.run(lambda: packet_filter.answer({"tap1", "tap2"}, now + 1000))
    namespace.run(lambda: packet_filter.answer({"tap2", "tap3"}, now + 900))
    assert not packet_filter.refresh()
    assert namespace.listed() == GuardState(EXAMPLE), "that is apart"
    assert namespace.answering() == {"tap2": 900, "tap3": 900}
    namespace.run(lambda: packet_filter.load(EXAMPLE))
    assert namespace.answering() == {"tap2": 900, "tap3": 900}
    namespace.run(lambda: packet_filter.answer({"tap2"}, now - 1))
    assert namespace.answering() == {}


@pytest.mark.root
def test_a_removed_table_is_not_there(namespace: Namespace) -> None:
    namespace.run(lambda: namespace.filter.load(EXAMPLE))
    namespace.run(namespace.filter.remove)
    assert namespace.state() == namespace.listed() == GuardState(is_loaded=False)


def _no_program(_name: str, _package: str) -> NoReturn:
    raise HostUnfit("nft is not installed")


def test_a_host_without_nft_has_no_guard_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_filter, "find_program", _no_program)
    found = packet_filter.packet_filter("guard_test", wanted=True)
    assert isinstance(found, NoFilter)
    assert found.fault == "nft is not installed"
    assert found.state() is None
    off = packet_filter.packet_filter("guard_test", wanted=False)
    assert "port_filter is off" in off.fault


@pytest.mark.root
def test_a_kernel_that_does_not_take_the_rules_has_no_guard(
    namespace: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "_RULES", "nonsense {\n}\n}\n")
    found = namespace.run(lambda: packet_filter.packet_filter("guard_test", wanted=True))
    assert isinstance(found, NoFilter)
    assert "do not get into this kernel" in found.fault
