"""What is made of a network does not depend on what was made of it before."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ipam import model
from ipam.agent.desired import served_network
from ipam.agent.served import ServedNetwork
from ipam.protocol.dhcp_state import FullNetwork
from tests.agent import network_rows
from tests.agent.network_rows import HOST, PORT, SUBNET4, SUBNET6, Json
from tests.agent.test_desired import SITE

IDS = [f"{number:08d}-5555-4555-8555-555555555555" for number in range(4)]
OPTION = {"opt_name": "client-id", "opt_value": "01:fa:16:3e:00:00:06", "ip_version": 4}
OF_PORT: dict[str, list[Any]] = {
    "status": ["DOWN", "ACTIVE"],
    "revision_number": [1, 2],
    "mac_address": ["fa:16:3e:00:00:05", "fa:16:3e:00:00:06", "no address"],
    "hostname": ["web", "", "-odd-"],
    "binding_host_id": [HOST, "elsewhere", ""],
    "binding_vif_type": ["", "bridge", "binding_failed"],
    "admin_state_up": [True, False],
    "extra_dhcp_opts": [[], [OPTION]],
    "port_security_enabled": [True, False],
    "allowed_address_pairs": [[], [{"ip_address": "10.9.0.0/16"}]],
    "fixed_ips": [
        [],
        [{"subnet_id": SUBNET4, "ip_address": "10.0.0.5"}],
        [{"subnet_id": SUBNET6, "ip_address": "2001:db8::5"}],
    ],
}
AROUND: dict[str, list[Any]] = {
    "mtu": [1450, 1000],
    "dns_domain": ["lab.example.", "-"],
    "admin_state_up": [True, False],
    "dhcp_port": [network_rows.network()["dhcp_port"], None],
    "subnets": [[network_rows.subnet4()], [network_rows.subnet4(), network_rows.subnet6()]],
    "ending_leases": [
        [],
        [{"ip_address": "10.0.0.5", "mac_address": None, "duid": None, "iaid": None}],
    ],
    "elected_seconds": [None, 75],
}


def chosen(values: dict[str, list[Any]]) -> st.SearchStrategy[Json]:
    """One of the values of each, most often the first."""
    return st.fixed_dictionaries(
        {name: st.sampled_from([one[0]] * 3 + one) for name, one in values.items()}
    )


@st.composite
def rows(draw: st.DrawFn) -> Json:
    ids = draw(st.lists(st.sampled_from(IDS), unique=True))
    ports = [network_rows.port(**draw(chosen(OF_PORT)), id=one) for one in ids]
    return network_rows.network(ports=ports, **draw(chosen(AROUND)))


@st.composite
def changes(draw: st.DrawFn) -> tuple[Json, Json]:
    """A network, and the same with some changed ports, or another one around them."""
    then = draw(rows())
    if draw(st.sampled_from([False, False, True])):
        return then, then | draw(chosen(AROUND))
    ports = [
        one | draw(chosen(OF_PORT)) if draw(st.sampled_from([False, True])) else one
        for one in then["ports"]
    ]
    return then, then | {"ports": ports}


def served(row: Json, before: ServedNetwork | None = None) -> ServedNetwork:
    return served_network(msgspec.convert(row, FullNetwork), SITE, HOST, before=before)


@given(st.one_of(st.tuples(rows(), rows()), changes()))
def test_a_network_is_served_as_described_whatever_it_was_before(told: tuple[Json, Json]) -> None:
    then, now = told
    assert served(now, served(then)) == served(now)


def test_of_a_port_that_becomes_active_nothing_is_made_anew() -> None:
    port = network_rows.port(extra_dhcp_opts=[])
    before = served(network_rows.network(ports=[port]))
    active = port | {"status": "ACTIVE", "revision_number": 9}
    now = served(network_rows.network(ports=[active]), before)
    path, tap = f"hosts/{PORT}", model.tap_name(PORT)
    assert now.state.files[path] is before.state.files[path]
    assert now.guards[tap] is before.guards[tap]
    assert (now.ports[PORT].status, now.ports[PORT].revision_number) == ("ACTIVE", 9)


def test_a_client_identifier_is_left_out_once_another_machine_sends_it() -> None:
    other = "66666666-6666-4666-8666-666666666666"
    mine = network_rows.port(extra_dhcp_opts=[OPTION])

    def row(mac_address: str) -> Json:
        beside = network_rows.port(id=other, extra_dhcp_opts=[], mac_address=mac_address)
        return network_rows.network(ports=[mine, beside])

    before = served(row("fa:16:3e:00:00:07"))
    assert before.faults == ()
    assert served(row("fa:16:3e:00:00:06"), before).ports[PORT].client_id is None
