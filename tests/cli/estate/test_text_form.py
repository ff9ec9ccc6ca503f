"""The text of an estate has all that can be set, but for what is left out on purpose."""

from typing import Any

import pytest

from ipam.api.http.attributes import wire_names
from ipam.api.networks.wire import NetworkCreate
from ipam.api.ports.wire import PortCreate
from ipam.api.projects.quota_wire import QuotaUpdate
from ipam.api.subnet_pools.address_scope_wire import AddressScopeCreate
from ipam.api.subnet_pools.wire import SubnetPoolCreate
from ipam.api.subnets.wire import SubnetCreate
from ipam.cli.estate.surroundings import ADDRESS_SCOPE, LIMITS, SUBNET_POOL
from ipam.cli.estate.text_form import NETWORK, PORT, SUBNET, Form, with_own_addresses

OTHERWISE = {
    "network_id": "what stands below a network is in it",
    "tenant_id": "project_id",
    "ip_version": "follows from the CIDR",
    "fixed_ips": "addresses",
    "binding:host_id": "host",
    "subnetpool_id": "subnet_pool",
    "address_scope_id": "address_scope",
}
LEFT_OUT = {
    *("use_default_subnetpool", "prefixlen", "segment_id"),
    *("binding:profile", "binding:vnic_type", "security_groups"),
}
"""A subnet of a pool has its prefix by then; segments are not served; the others are of Nova."""


@pytest.mark.parametrize(
    ("form", "struct"),
    [
        (NETWORK, NetworkCreate),
        (SUBNET, SubnetCreate),
        (PORT, PortCreate),
        (SUBNET_POOL, SubnetPoolCreate),
        (ADDRESS_SCOPE, AddressScopeCreate),
    ],
)
def test_a_form_has_every_attribute_that_can_be_set(form: Form, struct: Any) -> None:
    lacking = set(wire_names(struct)) - set(form.fields) - OTHERWISE.keys() - LEFT_OUT
    assert not lacking, "put it into ipam.cli.estate.text_form, with its default"


def test_every_limit_that_counts_something_is_in_it() -> None:
    nothing = {"router", "floatingip", "security_group", "security_group_rule"}
    how = {"project_id", "tenant_id", "force", "check_limit"}
    assert set(wire_names(QuotaUpdate)) - nothing - how == set(LIMITS)


@pytest.mark.parametrize("form", [NETWORK, SUBNET, PORT, SUBNET_POOL, ADDRESS_SCOPE])
def test_what_is_fixed_is_a_field(form: Form) -> None:
    assert form.fixed < form.fields.keys()


def test_only_an_address_of_the_machine_s_own_making_is_added() -> None:
    given = ["10.0.0.5", "2001:db8::5054:ff:fe00:1", "2001:db8::7"]
    port = {
        "mac_address": "52:54:00:00:00:01",
        "fixed_ips": [{"ip_address": one} for one in given],
    }
    wished = with_own_addresses({"addresses": ["10.0.0.5"]}, port)
    assert wished["addresses"] == ["10.0.0.5", "2001:db8::5054:ff:fe00:1"]
    assert with_own_addresses(wished, port) == wished
    assert with_own_addresses({"name": "a"}, port) == {"name": "a"}
