import msgspec

from ipam.agent.dnsmasq.port_options import port_options_of
from ipam.protocol.dhcp_state import ServedPort
from tests.agent.network_rows import PORT, Json, port

OTHER = "66666666-6666-4666-8666-666666666666"


def option(name: str, value: str) -> Json:
    return {"opt_name": name, "opt_value": value, "ip_version": 4}


def one(*options: Json, **more: object) -> ServedPort:
    return msgspec.convert(port(extra_dhcp_opts=list(options), **more), ServedPort)


def test_a_line_is_for_the_ports_mac_address_and_what_ironic_adds() -> None:
    found = port_options_of([one(option("tag:!ipxe,67", "a,b"))])[PORT]
    (line,) = found.lines
    assert line.tags == ("m0-fa", "m1-16", "m2-3e", "m3-00", "m4-00", "m5-05", "!ipxe")
    assert (line.option, line.values) == ("67", ('"a,b"',))
    assert not found.faults


def test_lease_time_and_client_identifier_are_no_lines() -> None:
    found = port_options_of([one(option("lease-time", "1h"), option("61", "node-7"))])[PORT]
    assert (found.lines, found.lease_time, found.client_id) == ((), "3600", b"node-7")


def test_a_client_identifier_that_names_the_ports_own_mac_address_is_its_own() -> None:
    found = port_options_of([one(option("client-id", "01:fa:16:3e:00:00:05"))])[PORT]
    assert found.client_id == bytes.fromhex("01fa163e000005")


def test_the_client_identifier_of_another_port_is_left_out_and_said() -> None:
    mine = one(option("client-id", "node-7"))
    thief = one(option("client-id", "node-7"), id=OTHER, mac_address="fa:16:3e:00:00:06")
    spy = one(
        option("client-id", "01:fa:16:3e:00:00:05"), id=OTHER, mac_address="fa:16:3e:00:00:06"
    )
    for other in (thief, spy):
        found = port_options_of([mine, other])
        assert found[PORT].client_id == b"node-7"
        assert found[OTHER].client_id is None
        assert f"is that of port {PORT}" in found[OTHER].faults[0]


def test_an_option_that_cannot_be_sent_takes_only_itself_away() -> None:
    """As one that was stored before there was a rule against it."""
    found = port_options_of([one(option("nosuch", "1"), option("mtu", "1400"))])[PORT]
    assert [line.option for line in found.lines] == ["26"]
    assert PORT in found.faults[0]
