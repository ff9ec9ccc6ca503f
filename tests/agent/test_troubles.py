"""dnsmasq's verdicts become sentences about ports, subnets and networks."""

from typing import Any

import msgspec

from ipam.agent.desired import served_network
from ipam.agent.dnsmasq import safe_words
from ipam.agent.dnsmasq.config import Site
from ipam.agent.dnsmasq.verdicts import Kind, Verdict
from ipam.agent.served import ServedNetwork
from ipam.agent.troubles import fitting, joined, of_faults, of_verdicts, subject
from ipam.protocol.dhcp_state import FullNetwork
from tests.agent import network_rows
from tests.agent.network_rows import HOST, NETWORK, PORT, SUBNET4

OPTIONS, HOSTS = f"options/{PORT}", f"hosts/{PORT}"


def served() -> ServedNetwork:
    site = Site(
        run_path=safe_words.path("/run/ipam/dhcp"),
        mac_tags=safe_words.path("/var/lib/ipam/mac_tags.conf"),
        hook=safe_words.path("/var/lib/ipam/dnsmasq_hook"),
        hook_user=safe_words.user("dnsmasq"),
    )
    row = msgspec.convert(network_rows.network(), FullNetwork)
    return served_network(row, site, HOST)


def about(kind: Kind, **fields: Any) -> str:
    return subject(served(), Verdict(kind, "why", **fields))


def test_a_verdict_is_about_the_port_whose_file_mac_or_address_it_names() -> None:
    assert about(Kind.HOST_DROPPED, file=HOSTS, line=1) == PORT
    assert about(Kind.OPTION_DROPPED, file=OPTIONS, line=1) == PORT
    assert about(Kind.ADDRESS_LEASED, address="10.0.0.5", mac="fa:16:3e:00:00:09") == PORT
    assert about(Kind.OPTION_LEFT_OUT, mac="fa:16:3e:00:00:05", option=121) == PORT


def test_a_line_of_the_networks_options_is_about_its_subnet() -> None:
    lines = served().state.files["options/network"].splitlines()
    number = 1 + next(n for n, line in enumerate(lines) if SUBNET4 in line)
    assert about(Kind.OPTION_DROPPED, file="options/network", line=number) == SUBNET4


def test_everything_else_is_about_the_network() -> None:
    assert about(Kind.NO_RANGE, interface="ns-1") == NETWORK
    assert about(Kind.ADDRESS_LEASED, address="10.0.0.99") == NETWORK
    assert about(Kind.HOOK_FAILED) == NETWORK


def test_a_sentence_quotes_the_option_and_names_the_fix() -> None:
    lines = served().state.files[OPTIONS].splitlines()
    number = 1 + next(n for n, line in enumerate(lines) if "150" in line)
    verdict = Verdict(Kind.OPTION_DROPPED, "bad dhcp-option", file=OPTIONS, line=number)
    found = of_verdicts(served(), [verdict, verdict])
    assert found == {
        PORT: f"dnsmasq dropped DHCP option {number} of its list: bad dhcp-option"
        " (150,10.0.0.7). Correct or remove the option."
    }


def test_what_is_no_longer_in_a_file_is_no_trouble() -> None:
    gone = Verdict(Kind.HOST_DROPPED, "bad DHCP host name", file="hosts/gone", line=1)
    past = Verdict(Kind.OPTION_DROPPED, "bad dhcp-option", file=OPTIONS, line=99)
    assert of_verdicts(served(), [gone, past]) == {}


def test_what_the_agent_left_out_is_a_trouble_of_what_it_belongs_to() -> None:
    faults = [f"port {PORT}: 'x' is odd", f"port {PORT}: 'y' too", f"subnet {SUBNET4}: not served"]
    assert of_faults(faults) == {PORT: "'x' is odd. 'y' too.", SUBNET4: "not served."}


def test_several_troubles_of_one_thing_are_one_text() -> None:
    found = joined([{"a": "One.", "b": "Two."}, {"a": "Three."}, {"a": "One."}])
    assert found == {"a": "One. Three.", "b": "Two."}


def test_of_many_troubles_as_many_are_told_as_the_api_takes_and_the_hosts_own_first() -> None:
    ids = [f"{number:08}-1111-4111-8111-111111111111" for number in range(1000)]
    found = dict.fromkeys(ids, "\x00" * 100) | {"guard": "The rules are gone."}
    told = fitting(found, 40_000)
    assert 50 < len(told) < len(found)
    assert next(iter(told)) == "guard"
    assert len(repr(told)) <= 40_000
    assert fitting({"guard": "x"}, 40_000) == {"guard": "x"}
