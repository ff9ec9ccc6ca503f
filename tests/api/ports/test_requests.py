from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from ipam import model
from ipam.api.app import create_app
from ipam.settings import load
from ipam.store.engine.database import Database
from ipam.store.tables import agent, lease, lease_event
from tests.api.caller import ADMIN, Api
from tests.store.statements import statements

Make = Callable[..., dict[str, Any]]


def addresses(port: dict[str, Any]) -> list[str]:
    return [fixed["ip_address"] for fixed in port["fixed_ips"]]


def test_a_port_lives_and_dies(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network", dns_domain="example.org.")
    subnet = api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    made = api.create(
        "port",
        network_id=network["id"],
        name="eth0",
        dns_name="web",
        device_id="machine-1",
        device_owner="compute:nova",
        binding__host_id="node-1",
        fixed_ips=[{"ip_address": "10.0.0.50"}],
        extra_dhcp_opts=[{"opt_name": "mtu", "opt_value": "1400"}],
    )
    assert made["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": "10.0.0.50"}]
    assert made["mac_address"].startswith("fa:16:3e:")
    assert made["status"] == "DOWN"
    assert made["binding:vif_type"] == "tap"
    assert made["dns_assignment"] == [
        {"ip_address": "10.0.0.50", "hostname": "web", "fqdn": "web.example.org."}
    ]
    changed = api.update(
        "port", made["id"], name="eth1", fixed_ips=[{"subnet_id": subnet["id"]}], dns_name=""
    )
    assert addresses(changed) == ["10.0.0.50"]
    assert changed["dns_assignment"][0]["hostname"] == "host-10-0-0-50"
    moved = api.update("port", made["id"], fixed_ips=[{"ip_address": "10.0.0.60"}])
    assert addresses(moved) == ["10.0.0.60"]
    assert moved["revision_number"] == 2
    assert api.show("port", made["id"]) == moved
    api.delete("port", made["id"])
    api.refused(404, "PortNotFound", "GET", f"/ports/{made['id']}")


def test_a_port_of_nothing_has_neutrons_defaults(port: Make) -> None:
    made = port()
    expected = {
        "name": "",
        "admin_state_up": True,
        "status": "DOWN",
        "device_id": "",
        "device_owner": "",
        "dns_name": "",
        "dns_domain": "",
        "binding:host_id": "",
        "binding:vnic_type": "normal",
        "binding:profile": {},
        "binding:vif_type": "unbound",
        "binding:vif_details": {},
        "extra_dhcp_opts": [],
        "allowed_address_pairs": [],
        "expires_at": None,
        "security_groups": [],
        "qos_policy_id": None,
        "resource_request": None,
        "ip_allocation": "immediate",
        "tags": [],
        "tenant_id": "project-a",
        "project_id": "project-a",
        "revision_number": 0,
    }
    assert {name: made[name] for name in expected} == expected
    assert len(made["fixed_ips"]) == 1


def test_a_port_gets_an_address_of_each_kind(api: Api, network: dict[str, Any]) -> None:
    for attributes in (
        {"cidr": "10.0.0.0/24", "ip_version": 4},
        {"cidr": "10.0.1.0/24", "ip_version": 4},
        {"cidr": "2001:db8::/64", "ip_version": 6},
        {"cidr": "2001:db8:1::/64", "ip_version": 6, "ipv6_address_mode": "slaac"},
    ):
        api.create("subnet", network_id=network["id"], **attributes)
    made = api.create("port", network_id=network["id"], mac_address="FA:16:3E:00:00:01")
    assert made["mac_address"] == "fa:16:3e:00:00:01"
    first, second, third = addresses(made)
    assert first.startswith("10.0.0.")
    assert ip_address(second) in ip_network("2001:db8::/64")
    assert third == "2001:db8:1:0:f816:3eff:fe00:1"
    moved = api.update("port", made["id"], mac_address="fa:16:3e:00:00:02")
    assert addresses(moved) == [first, second, "2001:db8:1:0:f816:3eff:fe00:2"]


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless"])
@pytest.mark.parametrize("only", ["ipv6_ra_mode", "ipv6_address_mode"])
def test_either_mode_alone_has_the_machine_make_its_address(
    api: Api, network: dict[str, Any], mode: str, only: str
) -> None:
    cidr = {"cidr": "2001:db8:1::/64", "ip_version": 6}
    subnet = api.create("subnet", network_id=network["id"], **cidr, **{only: mode})
    made = api.create("port", network_id=network["id"], mac_address="fa:16:3e:00:00:01")
    assert addresses(made) == ["2001:db8:1:0:f816:3eff:fe00:1"]
    api.delete("subnet", subnet["id"])
    assert addresses(api.show("port", made["id"])) == []


def test_a_port_can_do_without_addresses(port: Make) -> None:
    assert port(fixed_ips=[])["fixed_ips"] == []


def test_a_network_without_subnets_gives_no_addresses(api: Api, network: dict[str, Any]) -> None:
    assert api.create("port", network_id=network["id"])["fixed_ips"] == []


def test_fixed_ips_can_be_named_in_each_form(port: Make, subnet: dict[str, Any]) -> None:
    made = port(
        fixed_ips=[
            {"subnet_id": subnet["id"]},
            {"ip_address": "10.0.0.77"},
            {"subnet_id": subnet["id"], "ip_address": "10.0.0.78"},
        ]
    )
    assert len(made["fixed_ips"]) == 3
    assert {"10.0.0.77", "10.0.0.78"} < set(addresses(made))


@pytest.mark.parametrize(
    ("fixed_ip", "status", "kind"),
    [
        ({"ip_address": "10.0.1.1"}, 400, "InvalidIpForNetwork"),
        ({"ip_address": "nonsense"}, 400, "HTTPBadRequest"),
        ({"ip_address": "10.0.0.0"}, 400, "InvalidIpForSubnet"),
        ({"ip_address": "10.0.0.255"}, 400, "InvalidIpForSubnet"),
        ({"ip_address": "10.0.0.1"}, 400, "InvalidIpForSubnet"),
        ({"ip_address": "2001:db8::1"}, 400, "InvalidIpForNetwork"),
        ({"subnet_id": "00000000-0000-0000-0000-000000000000"}, 400, "InvalidInput"),
        ({"subnet_id": "x"}, 400, "HTTPBadRequest"),
        ({}, 400, "InvalidInput"),
        ({"ip_address": "10.0.0.2"}, 409, "IpAddressAlreadyAllocated"),
    ],
)
def test_an_address_a_port_cannot_have_is_refused(
    api: Api, subnet: dict[str, Any], fixed_ip: dict[str, Any], status: int, kind: str
) -> None:
    made = api.create("port", network_id=subnet["network_id"])
    path, wish = "/ports", {"fixed_ips": [fixed_ip]}
    create = {"port": {"network_id": subnet["network_id"], **wish}}
    api.refused(status, kind, "POST", path, create)
    api.refused(status, kind, "PUT", f"{path}/{made['id']}", {"port": wish})
    assert api.show("port", made["id"]) == made
    assert len(api.list("port")) == 2


def test_a_router_may_have_the_gateway_address(port: Make) -> None:
    made = port(fixed_ips=[{"ip_address": "10.0.0.1"}], device_owner="network:router_interface")
    assert addresses(made) == ["10.0.0.1"]


def test_a_full_subnet_gives_no_address(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    pools = [{"start": "10.0.0.10", "end": "10.0.0.12"}]
    api.create(
        "subnet",
        network_id=network["id"],
        cidr="10.0.0.0/24",
        ip_version=4,
        enable_dhcp=False,
        allocation_pools=pools,
    )
    made = [api.create("port", network_id=network["id"]) for _ in range(3)]
    assert len({addresses(port)[0] for port in made}) == 3
    body = {"port": {"network_id": network["id"]}}
    api.refused(409, "IpAddressGenerationFailure", "POST", "/ports", body)
    assert len(api.list("port")) == 3


def small_subnet(api: Api) -> dict[str, Any]:
    network = api.create("network")
    cidr = {"cidr": "10.0.0.0/29", "ip_version": 4, "enable_dhcp": False}
    return api.create("subnet", network_id=network["id"], **cidr)


def test_a_port_that_replaces_one_of_a_full_subnet_gets_its_address_at_once(
    api_on_each: Api,
) -> None:
    api = api_on_each
    subnet = small_subnet(api)
    made = [api.create("port", network_id=subnet["network_id"]) for _ in range(5)]
    for port in (made[3], made[1]):
        api.delete("port", port["id"])
    again = [api.create("port", network_id=subnet["network_id"]) for _ in range(2)]
    assert {addresses(each)[0] for each in again} == {addresses(made[n])[0] for n in (1, 3)}
    api.refused(
        409,
        "IpAddressGenerationFailure",
        "POST",
        "/ports",
        {"port": {"network_id": subnet["network_id"]}},
    )


def test_a_subnet_with_room_is_preferred_to_a_cooling_address(api: Api) -> None:
    subnet = small_subnet(api)
    made = [api.create("port", network_id=subnet["network_id"]) for _ in range(5)]
    more = {"cidr": "10.0.1.0/24", "ip_version": 4, "enable_dhcp": False}
    api.create("subnet", network_id=subnet["network_id"], **more)
    api.delete("port", made[0]["id"])
    (given,) = addresses(api.create("port", network_id=subnet["network_id"]))
    assert given.startswith("10.0.1.")


def test_where_cooling_addresses_are_not_given_the_refusal_says_when_one_is_free(
    tmp_path: Path, sqlite: Database
) -> None:
    file = tmp_path / "strict.conf"
    file.write_text(
        f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n"
        "[network]\ngive_cooling_addresses = false\n"
    )
    strict = create_app(load([str(file)]), authenticate=lambda _env: ADMIN, database=sqlite)
    api = Api(strict)
    subnet = small_subnet(api)
    made = [api.create("port", network_id=subnet["network_id"]) for _ in range(5)]
    api.delete("port", made[0]["id"])
    body = {"port": {"network_id": subnet["network_id"]}}
    said = api.refused(409, "IpAddressGenerationFailure", "POST", "/ports", body)
    assert f"in subnet {subnet['id']}, 10.0.0.0/29. 1 cool down, the first until 20" in said


def test_the_next_subnet_serves_when_the_first_is_full(api: Api, network: dict[str, Any]) -> None:
    for cidr in ("10.0.0.0/30", "10.0.1.0/24"):
        api.create("subnet", network_id=network["id"], cidr=cidr, ip_version=4, enable_dhcp=False)
    body = {"ports": [{"network_id": network["id"]}] * 4}
    result = api.call("POST", "/ports", body)
    assert result.status_code == 201, result.text
    assert "10.0.0.2" in {addresses(port)[0] for port in result.json["ports"]}


@pytest.mark.parametrize(
    ("mac", "part"),
    [
        ("fa:16:3e", "not a valid MAC"),
        ("01:00:5e:00:00:01", "multicast"),
        ("00:00:00:00:00:00", "no machine"),
        (5, "mac_address"),
    ],
)
def test_a_bad_mac_is_refused(api: Api, subnet: dict[str, Any], mac: Any, part: str) -> None:
    body = {"port": {"network_id": subnet["network_id"], "mac_address": mac}}
    assert part in api.refused(400, "HTTPBadRequest", "POST", "/ports", body)


def test_a_mac_taken_on_the_network_is_refused(api_on_each: Api) -> None:
    api = api_on_each
    network, other = api.create("network"), api.create("network")
    mac = "fa:16:3e:00:00:01"
    api.create("port", network_id=network["id"], mac_address=mac)
    second = api.create("port", network_id=network["id"])
    api.create("port", network_id=other["id"], mac_address=mac)
    body = {"port": {"network_id": network["id"], "mac_address": mac}}
    assert mac in api.refused(409, "MacAddressInUse", "POST", "/ports", body)
    change = {"port": {"mac_address": mac}}
    api.refused(409, "MacAddressInUse", "PUT", f"/ports/{second['id']}", change)


def test_of_many_new_ports_the_mac_address_in_use_is_named(
    api_on_each: Api, database: Database
) -> None:
    api = api_on_each
    network = api.create("network")
    macs = [f"fa:16:3e:00:00:{number:02x}" for number in range(3)]
    api.create("port", network_id=network["id"], mac_address=macs[1])
    ports = [{"network_id": network["id"], "mac_address": mac} for mac in macs]
    said = api.refused(409, "MacAddressInUse", "POST", "/ports", {"ports": ports})
    assert macs[1] in said
    is_one_of_all = database.url.get_backend_name() == "sqlite"
    assert (macs[0] in said, "One of the MAC addresses" in said) == (is_one_of_all, is_one_of_all)


@pytest.mark.parametrize(
    ("name", "hostname"),
    [
        ("2024", "2024"),
        ("5d", "5d"),
        ("infinite", "infinite"),
        ("ignore", "ignore"),
        ("deprecated", "deprecated"),
        ("vm1.example.org", "vm1.example.org"),
        ("VM1.example.org.", "vm1.example.org"),
    ],
)
def test_a_name_that_nova_may_send_is_taken(
    api: Api, port: Make, name: str, hostname: str
) -> None:
    made = port(dns_name=name)
    assert made["dns_name"] == name.lower()
    assert made["dns_assignment"][0]["hostname"] == hostname
    assert api.update("port", made["id"], dns_name="")["dns_name"] == ""


@pytest.mark.parametrize(
    ("attributes", "kind", "part"),
    [
        ({"foo": 1}, "HTTPBadRequest", "'foo'"),
        ({"status": "ACTIVE"}, "HTTPBadRequest", "'status' not allowed"),
        ({"dns_name": "a\nb"}, "HTTPBadRequest", "dns_name"),
        ({"dns_name": "a,b"}, "HTTPBadRequest", "dns_name"),
        ({"dns_name": "a#b"}, "HTTPBadRequest", "dns_name"),
        ({"dns_name": "set:a"}, "HTTPBadRequest", "dns_name"),
        ({"dns_name": "a\0"}, "HTTPBadRequest", "dns_name"),
        ({"dns_name": "a..b"}, "HTTPBadRequest", "dns_name"),
        ({"dns_name": "a-"}, "HTTPBadRequest", "dns_name"),
        ({"dns_name": "10.0.0.5"}, "HTTPBadRequest", "number"),
        ({"dns_name": "a" * 64}, "HTTPBadRequest", "dns_name"),
        ({"name": "a\0"}, "HTTPBadRequest", "Control character"),
        ({"device_id": "a\n"}, "HTTPBadRequest", "Control character"),
        ({"binding:profile": {"a": "\0"}}, "HTTPBadRequest", "NUL"),
        ({"binding:profile": "x"}, "HTTPBadRequest", "binding:profile"),
        ({"binding:vnic_type": "x"}, "HTTPBadRequest", "binding:vnic_type"),
        ({"security_groups": ["default"]}, "HTTPBadRequest", "security_groups"),
        ({"allowed_address_pairs": [{"ip_address": "x"}]}, "HTTPBadRequest", "ip_address"),
        ({"extra_dhcp_opts": [{"opt_name": "mtu"}]}, "HTTPBadRequest", "opt_value"),
        (
            {"extra_dhcp_opts": [{"opt_name": "x" * 65, "opt_value": "1"}]},
            "HTTPBadRequest",
            "opt_name",
        ),
        *(
            ({"extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": value}]}, "InvalidInput", "mtu")
            for value in ("1\n2", "1,2", "#", "set:x", "1\0", "")
        ),
        (
            {"extra_dhcp_opts": [{"opt_name": "tag:x,mtu", "opt_value": "1"}]},
            "InvalidInput",
            "opt_name",
        ),
        (
            {"extra_dhcp_opts": [{"opt_name": "subnet-mask", "opt_value": "255.0.0.0"}]},
            "InvalidInput",
            "is netmask meant?",
        ),
        (
            {"extra_dhcp_opts": [{"opt_name": "router", "opt_value": "::1", "ip_version": 6}]},
            "InvalidInput",
            "IPv4 alone",
        ),
    ],
)
def test_a_bad_attribute_is_refused(
    api: Api, port: Make, attributes: dict[str, Any], kind: str, part: str
) -> None:
    made = port()
    network_id = made["network_id"]
    body = {"port": {"network_id": network_id, **attributes}}
    message = api.refused(400, kind, "POST", "/ports", body)
    assert part in message
    assert "?." not in message
    api.refused(400, kind, "PUT", f"/ports/{made['id']}", {"port": attributes})


def test_two_faults_are_both_reported(api: Api, subnet: dict[str, Any]) -> None:
    options = [{"opt_name": "mtu", "opt_value": "#"}]
    body = {"port": {"network_id": "x", "dns_name": "-1", "extra_dhcp_opts": options, "foo": 1}}
    message = api.refused(400, "HTTPBadRequest", "POST", "/ports", body)
    for part in ("network_id", "'-1'", "'#'", "'foo'"):
        assert part in message


def test_a_port_on_an_unknown_network_is_refused(api: Api) -> None:
    body = {"port": {"network_id": "00000000-0000-0000-0000-000000000000"}}
    api.refused(404, "NetworkNotFound", "POST", "/ports", body)


def test_options_are_set_kept_and_deleted(api: Api, port: Make) -> None:
    def option(name: str, value: str | None) -> dict[str, Any]:
        return {"opt_name": name, "opt_value": value}

    made = port(extra_dhcp_opts=[option("mtu", "1400"), option("ntp-server", "10.0.0.9")])
    after = api.update(
        "port", made["id"], extra_dhcp_opts=[option("mtu", None), option("150", "10.0.0.8")]
    )
    assert after["extra_dhcp_opts"] == [
        {"opt_name": "ntp-server", "opt_value": "10.0.0.9", "ip_version": 4},
        {"opt_name": "150", "opt_value": "10.0.0.8", "ip_version": 4},
    ]


def test_binding_is_final_in_the_next_read(api: Api, port: Make) -> None:
    made = port()
    api.update("port", made["id"], binding__host_id="node-1", binding__profile={"a": 1})
    bound = api.show("port", made["id"])
    assert bound["binding:vif_type"] == "tap"
    high = "fe" + made["mac_address"][2:]
    assert bound["binding:vif_details"] == {"port_filter": False, "mac_address": high}
    assert bound["binding:profile"] == {"a": 1}
    api.update("port", made["id"], binding__host_id=None, device_id="", binding__profile=None)
    free = api.show("port", made["id"])
    assert free["binding:vif_type"] == "unbound"
    assert free["binding:vif_details"] == free["binding:profile"] == {}
    assert free["binding:host_id"] == ""


def test_the_agent_of_a_host_decides_the_vif_type(api: Api, sqlite: Database, port: Make) -> None:
    row = {
        "id": model.new_id(),
        "agent_type": model.DHCP_AGENT_TYPE,
        "host": "node-2",
        "binary": model.AGENT_BINARY,
        "topic": "",
        "admin_state_up": True,
        "configurations": {"vif_type": "bridge"},
        "created_at": 0,
        "started_at": 0,
        "heartbeat_at": 0,
    }
    sqlite.write(lambda tx: tx.execute(sqlalchemy.insert(agent).values(row)))
    made = port(binding__host_id="node-2")
    assert made["binding:vif_type"] == "bridge"
    name = model.bridge_name(made["network_id"])
    assert made["binding:vif_details"] == {"port_filter": False, "bridge_name": name}


@pytest.mark.parametrize(
    ("guard", "more", "filtered"),
    [
        ({"port_filter": True}, {}, True),
        ({"port_filter": False, "fault": "nft is not installed"}, {}, False),
        (None, {}, False),
        ({"port_filter": True}, {"port_security_enabled": False}, False),
        ({"port_filter": True}, {"device_owner": "network:floatingip_agent_gateway"}, False),
    ],
)
def test_ports_are_filtered_where_their_agent_does_it(
    api: Api, port: Make, guard: Any, more: dict[str, Any], filtered: bool
) -> None:
    agent = {"host": "node-3", "started_at": 0, "configurations": {"guard": guard}}
    assert api.call("POST", "/agents", {"agent": agent}).status_code == 200
    made = port(binding__host_id="node-3", **more)
    assert made["binding:vif_details"]["port_filter"] is filtered
    assert api.show("port", made["id"])["binding:vif_details"]["port_filter"] is filtered
    (listed,) = api.call("GET", "/ports", params={"id": made["id"]}).json["ports"]
    assert listed["binding:vif_details"]["port_filter"] is filtered


def test_a_host_that_does_not_reach_the_network_has_no_port_of_it(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    def report(**said: Any) -> None:
        body = {"host": "node-3", "started_at": 1, "configurations": said}
        assert api.call("POST", "/agents", {"agent": body}).status_code == 200

    report(interface_mappings={"physnet1": "eth1"}, bridge_mappings={}, tunnel_types=[])
    far, near = (
        api.create(
            "network",
            provider__network_type="vlan",
            provider__physical_network=physical,
            provider__segmentation_id=7,
        )
        for physical in ("physnet9", "physnet1")
    )
    made = api.create("port", network_id=far["id"], binding__host_id="node-3")
    assert (made["binding:vif_type"], made["binding:vif_details"]) == ("binding_failed", {})
    assert made["status"] == "DOWN"
    assert "whose agent maps physical network physnet9 to no interface" in caplog.text
    good = api.create("port", network_id=near["id"], binding__host_id="node-3")
    assert good["binding:vif_type"] == "tap"
    moved = api.create("port", network_id=far["id"], binding__host_id="elsewhere")
    assert moved["binding:vif_type"] == "tap", "of a host that was never heard of nothing is known"
    api.update("port", moved["id"], binding__host_id="node-3")
    assert api.show("port", moved["id"])["binding:vif_type"] == "binding_failed"
    report(interface_mappings={"physnet9": "eth1"})
    away = api.create("port", network_id=near["id"])
    refused = {"binding": {"host": "node-3"}}
    api.refused(409, "PortBindingError", "POST", f"/ports/{away['id']}/bindings", refused)
    api.update("port", moved["id"], binding__host_id="node-3")
    assert api.show("port", moved["id"])["binding:vif_type"] == "tap"


def set_active(database: Database, port_id: str) -> None:
    database.write(
        lambda tx: tx.execute(
            sqlalchemy.text("UPDATE port SET status = 'ACTIVE' WHERE id = :id"), {"id": port_id}
        )
    )


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": "x"}, "ACTIVE"),
        ({"device_owner": "compute:nova"}, "ACTIVE"),
        ({"admin_state_up": False}, "DOWN"),
        ({"binding:host_id": "node-9"}, "DOWN"),
        ({"mac_address": "fa:16:3e:00:00:09"}, "DOWN"),
        ({"fixed_ips": [{"ip_address": "10.0.0.99"}]}, "DOWN"),
        ({"fixed_ips": []}, "DOWN"),
    ],
)
def test_what_dhcp_must_learn_puts_a_port_down(
    api: Api, sqlite: Database, port: Make, change: dict[str, Any], status: str
) -> None:
    made = port(binding__host_id="node-1")
    set_active(sqlite, made["id"])
    assert api.update("port", made["id"], **change)["status"] == status


def test_a_change_to_the_same_values_changes_nothing(
    api: Api, sqlite: Database, port: Make
) -> None:
    made = port(binding__host_id="node-1")
    set_active(sqlite, made["id"])
    same = {name: made[name] for name in ("name", "mac_address", "fixed_ips", "binding:host_id")}
    after = api.update("port", made["id"], **same)
    assert after["status"] == "ACTIVE"
    assert after["revision_number"] == made["revision_number"]


def test_a_released_address_may_be_asked_for_at_once(api: Api, port: Make) -> None:
    made = port(fixed_ips=[{"ip_address": "10.0.0.50"}])
    api.delete("port", made["id"])
    again = port(fixed_ips=[{"ip_address": "10.0.0.50"}])
    assert addresses(again) == ["10.0.0.50"]


def test_deleting_a_port_ends_its_leases_and_says_so(
    api: Api, sqlite: Database, port: Make
) -> None:
    made = port()
    (address,) = addresses(made)
    row = {
        "id": model.new_id(),
        "network_id": made["network_id"],
        "ip_address": model.pack(address),
        "project_id": made["project_id"],
        "port_id": made["id"],
        "mac_address": made["mac_address"],
        "host": "node-1",
        "first_seen_at_us": 1,
        "last_seen_at_us": 1,
    }
    sqlite.write(lambda tx: tx.execute(sqlalchemy.insert(lease).values(row)))
    api.delete("port", made["id"])
    assert sqlite.read(lambda tx: tx.execute(sqlalchemy.select(lease)).all()) == []
    (event,) = sqlite.read(lambda tx: tx.execute(sqlalchemy.select(lease_event)).all())
    assert event.action == "del"
    assert event.port_id == made["id"]
    assert event.details == {"reason": "port deleted"}


def test_a_bulk_is_all_or_nothing(api_on_each: Api) -> None:
    api = api_on_each
    network = api.create("network")
    api.create("subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4)
    good = {"network_id": network["id"]}
    taken = good | {"fixed_ips": [{"ip_address": "10.0.0.2"}]}
    body = {"ports": [good, good, taken]}
    api.refused(409, "IpAddressAlreadyAllocated", "POST", "/ports", body)
    assert len(api.list("port")) == 1
    result = api.call("POST", "/ports", {"ports": [good | {"name": str(n)} for n in range(200)]})
    assert result.status_code == 201, result.text
    made = result.json["ports"]
    assert [port["name"] for port in made] == [str(n) for n in range(200)]
    assert len({addresses(port)[0] for port in made}) == 200


@pytest.mark.parametrize("ports", [[], {}, None, "x", [5], [None]])
def test_a_bulk_of_nothing_is_refused(api: Api, ports: Any) -> None:
    api.refused(400, "HTTPBadRequest", "POST", "/ports", {"ports": ports})


@pytest.mark.parametrize("revision", [0, 1])
def test_if_match_guards_a_port(api: Api, port: Make, revision: int) -> None:
    made = port()
    headers = {"If-Match": f"revision_number={revision}"}
    path, body = f"/ports/{made['id']}", {"port": {"name": "x"}}
    expected = 200 if revision == 0 else 412
    assert api.call("PUT", path, body, headers=headers).status_code == expected


def test_making_a_port_takes_few_statements(
    api: Api, sqlite: Database, subnet: dict[str, Any]
) -> None:
    api.create("port", network_id=subnet["network_id"])  # fills the allocator's candidates
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    sqlalchemy.event.listen(sqlite.engine, "before_cursor_execute", note)
    api.create("port", network_id=subnet["network_id"])
    # Besides these only BEGIN and COMMIT: network, port, address and its history. None reads the
    # port back.
    made = [text for text in statements if not text.startswith("BEGIN")]
    audited = [text for text in made if "INTO audit_event" in text]
    limited = [text for text in made if "UPDATE quota" in text]
    assert len(audited) == 1
    assert len(limited) == 1, "the counts of ports and addresses are added to"
    assert len(made) - len(audited) - len(limited) <= 4, statements


def test_renaming_a_port_takes_few_statements(api_on_each: Api, database: Database) -> None:
    api = api_on_each
    port = api.create("port", network_id=api.create("network")["id"])
    with statements(database) as seen:
        api.update("port", port["id"], name="new")
    texts = [text for text, _ in seen if not text.startswith("BEGIN")]
    # The row is locked and changed, and the audit event added. PostgreSQL reads it as it changes.
    reads_back = database.url.get_backend_name() != "postgresql"
    assert len(texts) <= 3 + reads_back, texts


def test_a_list_takes_as_many_statements_for_many_ports_as_for_few(
    api: Api, sqlite: Database, subnet: dict[str, Any]
) -> None:
    statements: list[str] = []
    sqlalchemy.event.listen(
        sqlite.engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    counts = []
    for _ in range(2):
        body = {"ports": [{"network_id": subnet["network_id"]}] * 50}
        assert api.call("POST", "/ports", body).status_code == 201
        statements.clear()
        api.list("port")
        counts.append(len([text for text in statements if text.startswith("SELECT")]))
    assert counts[0] == counts[1] <= 2


def test_an_address_pair_without_mac_address_shows_the_port_s_own(port: Make) -> None:
    """As Neutron does: `openstack port unset --allowed-address` names both."""
    made = port(allowed_address_pairs=[{"ip_address": "10.0.0.99"}])
    pair = {"ip_address": "10.0.0.99", "mac_address": made["mac_address"]}
    assert made["allowed_address_pairs"] == [pair]


def test_an_address_pair_is_an_address_or_a_cidr_once(
    api: Api, network: dict[str, Any], port: Make
) -> None:
    given = [{"ip_address": "10.0.0.0/28"}, {"ip_address": "2001:DB8::1"}]
    made = port(allowed_address_pairs=given)
    shown = [pair["ip_address"] for pair in made["allowed_address_pairs"]]
    assert shown == ["10.0.0.0/28", "2001:db8::1"]
    for kind, pairs in (
        ("DuplicateAddressPairInRequest", [{"ip_address": "10.0.0.9"}] * 2),
        ("AllowedAddressPairExhausted", [{"ip_address": f"10.0.0.{n}"} for n in range(11)]),
    ):
        body = {"port": {"network_id": network["id"], "allowed_address_pairs": pairs}}
        api.refused(400, kind, "POST", "/ports", body)
        path = f"/ports/{made['id']}"
        api.refused(400, kind, "PUT", path, {"port": {"allowed_address_pairs": pairs}})


def test_a_security_group_does_not_exist(api: Api, port: Make) -> None:
    unknown = {"security_groups": ["00000000-0000-0000-0000-000000000000"]}
    made = port(security_groups=[])
    body = {"port": {"network_id": made["network_id"], **unknown}}
    refusal = (404, "SecurityGroupNotFound")
    assert unknown["security_groups"][0] in api.refused(*refusal, "POST", "/ports", body)
    api.refused(*refusal, "PUT", f"/ports/{made['id']}", {"port": unknown})
    assert api.update("port", made["id"], security_groups=[])["security_groups"] == []


def test_port_security_is_the_networks_and_the_clouds_own_ports_have_none(
    api: Api, port: Make
) -> None:
    secured = port()
    assert secured["port_security_enabled"] is True
    assert port(port_security_enabled=False)["port_security_enabled"] is False
    own = port(device_owner="network:router_gateway", port_security_enabled=True)
    assert own["port_security_enabled"] is False
    (dhcp,) = api.list("port", device_owner="network:dhcp")
    assert dhcp["port_security_enabled"] is False
    network = api.create("network", port_security_enabled=False)
    open_port = api.create("port", network_id=network["id"])
    assert open_port["port_security_enabled"] is False
    own = api.create("port", network_id=network["id"], port_security_enabled=True)
    assert own["port_security_enabled"] is True


def test_address_pairs_need_port_security(api: Api, port: Make) -> None:
    refusal = (409, "AddressPairAndPortSecurityRequired")
    pairs = [{"ip_address": "10.0.0.99"}]
    made = port(allowed_address_pairs=pairs)
    path = f"/ports/{made['id']}"
    without: dict[str, Any] = {"port_security_enabled": False}
    api.refused(*refusal, "PUT", path, {"port": without})
    api.refused(*refusal, "PUT", path, {"port": {**without, "allowed_address_pairs": pairs}})
    body = {"network_id": made["network_id"], **without, "allowed_address_pairs": pairs}
    api.refused(*refusal, "POST", "/ports", {"port": body})
    off = api.update("port", made["id"], **without, allowed_address_pairs=[])
    assert (off["port_security_enabled"], off["allowed_address_pairs"]) == (False, [])
    api.refused(*refusal, "PUT", path, {"port": {"allowed_address_pairs": pairs}})
    assert api.update("port", made["id"], name="x")["name"] == "x"
    both = {"port_security_enabled": True, "allowed_address_pairs": pairs}
    assert api.update("port", made["id"], **both)["port_security_enabled"] is True


def test_mac_address_null_gives_the_port_another_one(port: Make, api: Api) -> None:
    made = port()
    changed = api.update("port", made["id"], mac_address=None)
    assert changed["mac_address"] != made["mac_address"]
    assert changed["mac_address"].startswith("fa:16:3e:")
    assert changed["fixed_ips"] == made["fixed_ips"]
