"""An agent reads the answers of an API of this or another version."""

import copy
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipam.errors import Malformed
from ipam.protocol.dhcp_state import (
    FullNetwork,
    ServedDhcpOption,
    ServedRoute,
    read_digests,
    read_networks,
)
from tests.agent.network_rows import NETWORK, network, port, subnet4, subnet6
from tests.protocol.recordings import VERSIONS, recording

OTHER = "99999999-9999-4999-8999-999999999999"


def answer(*networks: Any) -> bytes:
    return json.dumps({"networks": list(networks)}).encode()


def with_unknown(value: Any) -> Any:
    """The same, with one more field in every object at every depth."""
    if isinstance(value, list):
        return [with_unknown(each) for each in value]
    if isinstance(value, dict):
        more = {name: with_unknown(each) for name, each in value.items()}
        return {"of_a_later_version": {"any": ["thing"]}, **more}
    return value


@pytest.mark.parametrize("version", VERSIONS)
def test_what_an_older_api_answered_is_read_to_the_last_field(version: str) -> None:
    said = recording(version)
    found, faults = read_networks(json.dumps(said["networks"]).encode())
    assert faults == {}
    assert msgspec.to_builtins(found) == said["networks"]["networks"]
    assert read_digests(said["digests"]) == {each.id: each.digest for each in found}


def test_a_recorded_network_has_what_matters_to_dhcp() -> None:
    said = recording("version_0_1_0")
    rich = read_networks(json.dumps(said["networks"]).encode())[0][0]
    assert rich.mtu == 1450
    assert rich.dhcp_port is not None
    assert len(rich.dhcp_port.fixed_ips) == 2
    assert rich.subnets[0].host_routes == [ServedRoute("172.16.0.0/12", "10.0.0.9")]
    assert rich.subnets[1].ipv6_address_mode == "dhcpv6-stateful"
    assert rich.ports[0].extra_dhcp_opts[2] == ServedDhcpOption("ntp-server", "2001:db8::7", 6)
    assert rich.ports[0].binding_vif_type == "bridge"


def test_fields_of_a_later_version_are_ignored_at_every_depth() -> None:
    rows = [network(), network(id=OTHER, dhcp_port=None)]
    later = [with_unknown(row) for row in rows]
    assert later[0]["ports"][0]["extra_dhcp_opts"][0]["of_a_later_version"]
    assert read_networks(answer(*later)) == read_networks(answer(*rows))
    digests = with_unknown({"networks": [{"id": NETWORK, "digest": "d"}]})
    assert read_digests(digests) == {NETWORK: "d"}


def test_what_the_ports_of_a_network_have_in_common_is_one_object() -> None:
    row = network(ports=[port(status="ACTIVE"), port(status="ACTIVE")])
    (found,), _faults = read_networks(answer(row))
    one, other = found.ports
    assert one.status is other.status
    assert one.fixed_ips[0].subnet_id is other.fixed_ips[0].subnet_id
    assert found == read_networks(answer(row))[0][0]


def test_what_is_newer_than_an_api_has_a_default() -> None:
    row = network(ports=[port(extra_dhcp_opts=[{"opt_name": "42", "opt_value": "10.0.0.1"}])])
    assert "binding_vif_type" not in row["ports"][0]
    (found,), faults = read_networks(answer(row))
    assert faults == {}
    assert found.ports[0].binding_vif_type == ""
    assert found.ports[0].extra_dhcp_opts[0].ip_version == 4


@pytest.mark.parametrize(
    ("row", "path"),
    [
        (network(subnets=[subnet4(), subnet6(cidr=5)]), "$.subnets[1].cidr"),
        (network(mtu="large"), "$.mtu"),
        (network(ports=[port(fixed_ips=[{"subnet_id": 1}])]), "$.ports[0].fixed_ips[0].subnet_id"),
        (network(dhcp_port=[]), "$.dhcp_port"),
        (network(dns_domain=None), "$.dns_domain"),
    ],
)
def test_a_network_that_does_not_fit_is_named_with_its_field_and_spares_the_others(
    row: dict[str, Any], path: str
) -> None:
    first, last = network(id=OTHER), network(id=OTHER.replace("9", "8"))
    found, faults = read_networks(answer(first, row, last))
    assert [each.id for each in found] == [first["id"], last["id"]]
    assert list(faults) == [NETWORK]
    assert path in faults[NETWORK]


def test_a_missing_field_is_named() -> None:
    row = network()
    del row["subnets"][0]["gateway_ip"]
    _found, faults = read_networks(answer(row))
    assert faults[NETWORK] == "Object missing required field `gateway_ip` - at `$.subnets[0]`"


@pytest.mark.parametrize("row", [5, None, "net", [], {"id": 7}, {}])
def test_what_is_no_network_at_all_spares_the_others(row: Any) -> None:
    found, faults = read_networks(answer(row, network()))
    assert [each.id for each in found] == [NETWORK]
    assert list(faults) == ["without an id"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"networks": 5}', b"\xff"])
def test_what_is_no_answer_is_one_error(body: bytes) -> None:
    with pytest.raises(Malformed, match="dhcp-state is not as expected"):
        read_networks(body)


def test_a_digest_that_does_not_fit_is_named() -> None:
    with pytest.raises(Malformed, match=r"`\$\.networks\[1\]\.digest`"):
        read_digests({"networks": [{"id": "a", "digest": "x"}, {"id": "b", "digest": 1}]})


def test_what_is_read_is_written_as_it_was() -> None:
    row = copy.deepcopy(network(ports=[port(binding_vif_type="tap")]))
    kept = msgspec.json.encode(msgspec.convert(row, FullNetwork))
    assert json.loads(kept) == row


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(data=st.data(), odd=anything)
def test_whatever_stands_anywhere_in_a_network_spares_the_others(
    data: st.DataObject, odd: Any
) -> None:
    row: Any = copy.deepcopy(network())
    inside = row
    while True:
        keys = list(inside) if isinstance(inside, dict) else range(len(inside))
        key = data.draw(st.sampled_from(sorted(keys)))
        if (
            not isinstance(inside[key], (dict, list))
            or not inside[key]
            or data.draw(st.booleans())
        ):
            break
        inside = inside[key]
    inside[key] = odd
    found, faults = read_networks(answer(network(id=OTHER), row))
    assert found[0].id == OTHER
    assert len(found) + len(faults) == 2
    assert all("`" in sentence for sentence in faults.values()), "the field or its type is named"
