"""Which requests leave which names in the outbox of the zones elsewhere."""

from typing import Any

import pytest
from sqlalchemy import delete, select

from ipam import model
from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.rules.dns_zones import Zone
from ipam.settings import Settings
from ipam.store import tables
from ipam.store.engine.database import Database
from ipam.zones.wanted import Wanted
from tests.api.caller import ADMIN, Api
from tests.changed_settings import changed

LAB, OTHER, BACK = "lab.example", "other.example", "2.0.192.in-addr.arpa"
ZONES = (Zone(LAB), Zone(OTHER), Zone(BACK))
WHOLE = [(BACK, ""), (LAB, ""), (OTHER, "")]


class Site:
    """The application with three zones, and its outbox."""

    def __init__(self, settings: Settings, database: Database) -> None:
        given = [f"{zone.name} 192.0.2.53" for zone in ZONES]
        self.settings = changed(settings, "dns", zones=given)
        self.database = database
        self.api = self.called_by(ADMIN)

    def called_by(self, caller: Caller) -> Api:
        return Api(
            create_app(self.settings, authenticate=lambda _environ: caller, database=self.database)
        )

    def network(self, *, publish: bool = True, **fields: Any) -> dict[str, Any]:
        network = self.api.create("network", dns_domain="lab.example.", **fields)
        self.api.create(
            "subnet",
            network_id=network["id"],
            cidr="192.0.2.0/24",
            ip_version=4,
            dns_publish_fixed_ip=publish,
        )
        return network

    def port(self, network: dict[str, Any], name: str, last: int, **more: Any) -> dict[str, Any]:
        fixed_ips = [{"ip_address": f"192.0.2.{last}"}]
        return self.api.create(
            "port", network_id=network["id"], dns_name=name, fixed_ips=fixed_ips, **more
        )

    def told(self) -> list[tuple[str, str]]:
        """What waits in the outbox, sorted; it is empty afterwards."""
        table = tables.dns_change
        query = select(table.c.zone, table.c.name).order_by(table.c.zone, table.c.name)
        found = self.database.read(lambda tx: tx.execute(query).all())
        self.database.write(lambda tx: tx.execute(delete(table)).rowcount)
        return [(row.zone, row.name) for row in found]

    def wanted(self, name: str, zone: str = LAB) -> list[str]:
        (of_it,) = (one for one in ZONES if one.name == zone)
        of_names = Wanted(ZONES, "").of_names
        found = self.database.read(lambda tx: of_names(tx, of_it, [name]))
        return sorted(value for _, value in found[name])


def of(name: str, last: int, zone: str = LAB) -> list[tuple[str, str]]:
    return sorted([(zone, f"{name}.{zone}"), (BACK, f"{last}.{BACK}")])


@pytest.fixture
def site(settings: Settings, database: Database) -> Site:
    return Site(settings, database)


@pytest.fixture
def small(settings: Settings, sqlite: Database) -> Site:
    """The same on SQLite alone."""
    return Site(settings, sqlite)


def test_each_change_of_a_name_or_an_address_names_what_was_and_what_is(site: Site) -> None:
    network = site.network()
    assert site.told() == []
    port = site.port(network, "web", 5)
    assert site.told() == of("web", 5)
    assert site.wanted("web.lab.example") == ["192.0.2.5"]
    assert site.wanted(f"5.{BACK}", BACK) == ["web.lab.example."]
    site.api.update("port", port["id"], dns_name="www")
    assert site.told() == sorted([*of("web", 5), (LAB, "www.lab.example")])
    site.api.update("port", port["id"], fixed_ips=[{"ip_address": "192.0.2.6"}])
    assert site.told() == sorted([*of("www", 6), (BACK, f"5.{BACK}")])
    site.api.update("port", port["id"], dns_domain="other.example.")
    assert site.told() == sorted([*of("www", 6), (OTHER, "www.other.example")])
    assert site.wanted("www.other.example", OTHER) == ["192.0.2.6"]
    site.api.update("port", port["id"], name="n", device_id="d")
    assert site.told() == []
    site.api.delete("port", port["id"])
    assert site.told() == of("www", 6, OTHER)
    assert site.wanted("www.other.example", OTHER) == []


def test_a_name_that_two_ports_share_has_the_addresses_of_both(small: Site) -> None:
    network = small.network()
    first, _ = small.port(network, "web", 5), small.port(network, "web", 6)
    small.told()
    assert small.wanted("web.lab.example") == ["192.0.2.5", "192.0.2.6"]
    small.api.delete("port", first["id"])
    assert small.told() == of("web", 5)
    assert small.wanted("web.lab.example") == ["192.0.2.6"]


def test_the_subnet_decides_what_is_published(small: Site) -> None:
    network = small.network(publish=False)
    small.port(network, "web", 5)
    assert small.told() == []
    assert small.wanted("web.lab.example") == []
    (subnet,) = small.api.list("subnet")
    small.api.update("subnet", subnet["id"], dns_publish_fixed_ip=True)
    assert small.told() == WHOLE
    assert small.wanted("web.lab.example") == ["192.0.2.5"]
    (shown,) = small.api.list("subnet", dns_publish_fixed_ip="true")
    assert shown["dns_publish_fixed_ip"] is True


def test_ports_without_a_name_and_those_of_leases_are_not_published(small: Site) -> None:
    network = small.network()
    port = small.port(network, "", 5)
    assert small.told() == []
    small.port(network, "wpad", 6)
    assert small.told() == []
    small.api.update("port", port["id"], dns_name="printer")
    small.told()
    of_lease = tables.port.update().values(device_owner=model.LEASE_PORT_OWNER)
    small.database.write(lambda tx: tx.execute(of_lease).rowcount)
    assert small.wanted("printer.lab.example") == []


def test_another_domain_of_the_network_has_all_zones_compared(small: Site) -> None:
    network = small.network()
    small.port(network, "web", 5)
    small.told()
    small.api.update("network", network["id"], dns_domain="other.example.")
    assert small.told() == WHOLE
    assert small.wanted("web.lab.example") == []
    assert small.wanted("web.other.example", OTHER) == ["192.0.2.5"]
    small.api.update("network", network["id"], name="other")
    assert small.told() == []


def test_without_zones_nothing_is_noted(settings: Settings, sqlite: Database) -> None:
    site = Site(settings, sqlite)
    site.settings = changed(settings, "dns", zones=[])
    site.api = site.called_by(ADMIN)
    network = site.network()
    site.port(network, "web", 5)
    site.api.update("network", network["id"], dns_domain="other.example.")
    assert site.told() == []


def test_names_elsewhere_are_for_admins_and_owners_of_networks_to_decide(small: Site) -> None:
    member = small.called_by(Caller("max", "p1", "member"))
    network = member.create("network")
    body = {"network_id": network["id"], "cidr": "192.0.2.0/24", "ip_version": 4}
    member.create("subnet", **body, dns_publish_fixed_ip=False)
    (subnet,) = member.list("subnet")
    member.refused(
        403,
        "PolicyNotAuthorized",
        "PUT",
        f"/subnets/{subnet['id']}",
        {"subnet": {"dns_publish_fixed_ip": True}},
    )
    own = member.create("port", network_id=network["id"], dns_domain="other.example.")
    assert own["dns_domain"] == "other.example."
    shared = small.api.create("network", shared=True)
    body = {"port": {"network_id": shared["id"], "dns_domain": "other.example."}}
    member.refused(403, "PolicyNotAuthorized", "POST", "/ports", body)
