"""`ipam compute audit`: the real API, and a server that lists as Nova does."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ipam.client import Client
from ipam.compute.findings import Kind
from ipam.errors import ServiceUnavailable
from tests.cli.conftest import Ipam, Outcome
from tests.compute.audited_cloud import AuditedCloud
from tests.compute.nova_listing import NovaListing, error, nova_listing, server
from tests.servers.live_api import LiveApi

Audit = Callable[..., Outcome]


@pytest.fixture
def nova() -> Iterator[NovaListing]:
    with nova_listing(page_size=2) as running:
        yield running


@pytest.fixture
def client(api: LiveApi) -> Iterator[Client]:
    with Client(socket_path=api.socket) as client:
        yield client


@pytest.fixture
def cloud(api: LiveApi, nova: NovaListing, tmp_path: Path) -> dict[str, str]:
    lab = {
        "auth_type": "http_basic",
        "auth": {"endpoint": api.url, "username": "admin", "password": "sesame"},
        "compute_endpoint_override": nova.url,
    }
    path = tmp_path / "clouds.yaml"
    path.write_text(json.dumps({"clouds": {"lab": lab}}))
    return {"OS_CLIENT_CONFIG_FILE": str(path), "OS_CLOUD": "lab"}


@pytest.fixture
def audit(ipam: Ipam, cloud: dict[str, str]) -> Audit:
    """The command without waiting."""

    def run(*words: str) -> Outcome:
        timing = ("--pause", "0", "--grace", "0")
        return ipam("compute", "audit", *timing, *words, environment=cloud)

    return run


def rows(outcome: Outcome) -> list[dict[str, Any]]:
    assert outcome.status == 0, outcome.err
    found: list[dict[str, Any]] = json.loads(outcome.out)
    return found


class Cloud(AuditedCloud):
    """With ports of every kind that may stand against a server."""

    def made_by_nova(self) -> dict[str, Any]:
        return self.port_of(str(uuid.uuid4()))

    def given_to_nova(self) -> dict[str, Any]:
        device = {"device_id": str(uuid.uuid4()), "device_owner": "compute:nova"}
        body: dict[str, Any] = {**device, "binding:host_id": "host-a", "dns_name": "web-1"}
        body["binding:profile"] = {"pci_slot": "0000:1", "mine": "yes"}
        path = f"/v2.0/ports/{self.port()['id']}"
        made: dict[str, Any] = self.client.put(path, json={"port": body})["port"]
        return made

    def serve(self, port: dict[str, Any], **changes: Any) -> str:
        interface = (port["mac_address"], port["fixed_ips"][0]["ip_address"])
        return self.nova.add(server(port["device_id"], interface, **changes))

    def living(self, number: int) -> list[dict[str, Any]]:
        ports = [self.made_by_nova() for _ in range(number)]
        for port in ports:
            self.serve(port)
        return ports

    def show(self, port: dict[str, Any]) -> dict[str, Any] | None:
        found = self.client.list("/v2.0/ports", "ports", {"id": port["id"]})
        return found[0] if found else None


@pytest.fixture
def site(client: Client, nova: NovaListing) -> Cloud:
    return Cloud(client, nova)


def test_ports_and_servers_that_agree_are_an_empty_table(site: Cloud, audit: Audit) -> None:
    site.living(5)
    site.port()
    outcome = audit()
    assert (outcome.status, outcome.out) == (0, "")
    assert "Ports and servers agree; ports of servers: 5, servers: 5.\n" in outcome.err
    assert "Look 1 of 2: 7 ports, 5 servers.\n" in outcome.err
    assert rows(audit("-f", "json")) == []


def test_each_contradiction_is_shown_with_what_is_to_be_done(site: Cloud, audit: Audit) -> None:
    site.living(4)
    deleted, unbound = site.made_by_nova(), site.given_to_nova()
    moved, stale, strange = (site.made_by_nova() for _ in range(3))
    site.serve(moved, **{"OS-EXT-SRV-ATTR:host": "host-b"})
    site.nova.add(server(stale["device_id"], (stale["mac_address"], "10.0.0.250")))
    site.serve(strange)
    lan = site.nova.servers[strange["device_id"]]["addresses"]["lan"]
    lan.append({**lan[0], "addr": "10.0.0.251", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:ff:ff:ff"})
    found = rows(audit("--long", "-f", "json"))
    assert {(row["Kind"], row["Port"], row["Server"], row["Action"]) for row in found} == {
        ("orphan", deleted["id"], deleted["device_id"], "delete"),
        ("orphan", unbound["id"], unbound["device_id"], "unbind"),
        ("wrong host", moved["id"], moved["device_id"], "none"),
        ("other address", stale["id"], stale["device_id"], "none"),
        ("stranger", None, strange["device_id"], "none"),
    }
    assert {row["Kind"] for row in found} == {str(kind) for kind in Kind}
    for row in found:
        assert row["Evidence"]
        assert row["Proposal"]
        assert row["Network"] == ("lan" if row["Kind"] == "stranger" else site.network)
    assert len(site.client.list("/v2.0/ports", "ports")) == 9 + len(["DHCP"])
    table = audit("--kind", "orphan").out
    assert deleted["id"] in table
    assert moved["id"] not in table
    assert len(rows(audit("--kind", "orphan", "-f", "json", "-c", "Port"))) == 2
    nobody = audit("--project", "nobody")
    assert (nobody.status, nobody.out) == (0, "")
    assert "No such findings among 5" in nobody.err


def test_reclaiming_deletes_what_nova_made_and_unbinds_what_it_was_given(
    site: Cloud, audit: Audit
) -> None:
    living = site.living(4)
    deleted, unbound = site.made_by_nova(), site.given_to_nova()
    found = rows(audit("--reclaim", "-f", "json"))
    assert {(row["Port"], row["Result"]) for row in found} == {
        (deleted["id"], "deleted"),
        (unbound["id"], "unbound"),
    }
    assert site.show(deleted) is None
    kept = site.show(unbound)
    assert kept
    assert kept["fixed_ips"] == unbound["fixed_ips"]
    assert (kept["device_id"], kept["device_owner"], kept["binding:host_id"]) == ("", "", "")
    assert (kept["binding:profile"], kept["dns_name"]) == ({"mine": "yes"}, "")
    assert [site.show(port) for port in living] == living
    assert "agree; ports of servers: 4," in audit("--reclaim").err


def test_a_port_within_the_grace_period_is_left_alone(site: Cloud, audit: Audit) -> None:
    site.living(1)
    young = site.made_by_nova()
    assert rows(audit("--reclaim", "--grace", "600", "-f", "json")) == []
    assert site.show(young) == young


def test_servers_that_the_list_does_not_show_keep_their_ports(site: Cloud, audit: Audit) -> None:
    ports = site.living(6)
    site.nova.down = {port["device_id"] for port in ports[:2]}
    site.nova.soft_deleted = {port["device_id"] for port in ports[2:4]}
    assert rows(audit("--reclaim", "-f", "json")) == []
    assert [site.show(port) for port in ports] == ports


def test_a_server_born_between_the_listings_keeps_its_port(site: Cloud, audit: Audit) -> None:
    ports = site.living(3)
    late = site.made_by_nova()

    def born(path: str) -> None:
        if site.nova.paths.count("/v2.1/servers/detail?all_tenants=1") == 2:
            site.serve(late)

    site.nova.before = born
    assert rows(audit("--reclaim", "-f", "json")) == []
    assert [site.show(port) for port in [*ports, late]] == [*ports, late]


def test_a_port_that_changes_between_the_listings_is_left_alone(site: Cloud, audit: Audit) -> None:
    site.living(3)
    orphan = site.made_by_nova()

    def touch(path: str) -> None:
        if path.endswith(orphan["device_id"]):
            body = {"port": {"description": str(uuid.uuid4())}}
            site.client.put(f"/v2.0/ports/{orphan['id']}", json=body)

    site.nova.before = touch
    assert rows(audit("--reclaim", "-f", "json")) == []
    assert site.show(orphan)


def test_a_port_that_changes_after_the_second_listing_is_left_alone(
    site: Cloud, audit: Audit
) -> None:
    site.living(3)
    orphan = site.made_by_nova()
    looks: list[str] = []

    def touch(path: str) -> None:
        looks.extend([path] if path.endswith(orphan["device_id"]) else [])
        if len(looks) == 2:
            body = {"port": {"description": "mine"}}
            site.client.put(f"/v2.0/ports/{orphan['id']}", json=body)

    site.nova.before = touch
    (row,) = rows(audit("--reclaim", "-f", "json"))
    assert row["Result"].startswith("left alone")
    assert site.show(orphan)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error("forbidden", 403, "Policy disallows"), "role admin"),
        (error("computeFault", 500, "Unexpected"), "500"),
        ((200, b'{"servers": [{"id"'), "Compute API"),
    ],
)
def test_a_listing_that_fails_in_the_middle_of_its_pages_reclaims_nothing(
    site: Cloud, audit: Audit, answer: Any, said: str
) -> None:
    ports = [*site.living(5), site.made_by_nova()]
    site.nova.before = lambda path: answer if "marker" in path else None
    outcome = audit("--reclaim")
    assert (outcome.status, outcome.out) == (1, "")
    assert said in outcome.err
    assert [site.show(port) for port in ports] == ports


def test_a_nova_without_servers_reclaims_nothing_unless_that_is_meant(
    site: Cloud, audit: Audit
) -> None:
    port = site.made_by_nova()
    dry = audit("-f", "json")
    assert "--allow-drastic" in dry.err
    assert len(rows(dry)) == 1
    refused = audit("--reclaim")
    assert (refused.status, refused.out) == (1, "")
    assert "--allow-drastic" in refused.err
    assert site.show(port) == port
    assert rows(audit("--reclaim", "--allow-drastic", "-f", "json"))
    assert site.show(port) is None


def test_more_than_half_of_the_ports_are_not_reclaimed(site: Cloud, audit: Audit) -> None:
    site.living(2)
    ports = [site.made_by_nova() for _ in range(3)]
    refused = audit("--reclaim")
    assert refused.status == 1
    assert "3 of 5" in refused.err
    assert [site.show(port) for port in ports] == ports


def test_a_failure_ends_with_status_1_after_the_others_had_their_turn(
    site: Cloud, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.living(4)
    ports = [site.made_by_nova() for _ in range(3)]
    delete, refused = Client.delete, ports[1]["id"]

    def some(self: Client, path: str, **options: Any) -> Any:
        if refused in path:
            raise ServiceUnavailable("Not now.")
        return delete(self, path, **options)

    monkeypatch.setattr(Client, "delete", some)
    outcome = audit("--reclaim", "-f", "json")
    assert outcome.status == 1
    assert refused in outcome.err
    results = {row["Port"]: row["Result"] for row in json.loads(outcome.out)}
    assert results.pop(refused).startswith("failed")
    assert set(results.values()) == {"deleted"}
    assert [bool(site.show(port)) for port in ports] == [False, True, False]


def test_without_a_cloud_the_error_names_what_to_set(api: LiveApi, ipam: Ipam) -> None:
    outcome = ipam("--socket", api.socket, "compute", "audit")
    assert outcome.status == 1
    for word in ("--os-cloud", "OS_CLOUD", "--config-file", "[nova]"):
        assert word in outcome.err


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("", "sign in to Nova"),
        ("[nova]\nauth_type = password\n", "auth_url"),
        ("[nova]\nauth_type = nonsense\n", "nonsense"),
    ],
)
def test_settings_that_do_not_say_how_to_sign_in_are_a_sentence(
    api: LiveApi, ipam: Ipam, group: str, said: str
) -> None:
    with Path(api.config_file).open("a") as file:
        file.write(group)
    outcome = ipam("compute", "audit", "--config-file", api.config_file)
    assert outcome.status == 1
    assert said in outcome.err
    assert "bug" not in outcome.err


def test_the_settings_lead_to_nova_and_to_the_local_socket(
    api: LiveApi, ipam: Ipam, site: Cloud
) -> None:
    site.living(2)
    orphan = site.made_by_nova()
    with Path(api.config_file).open("a") as file:
        file.write(f"[nova]\nauth_type = none\nendpoint_override = {site.nova.url}\n")
    timing = ("--pause", "0", "--grace", "0")
    words = ("--reclaim", "-f", "json", "--config-file", api.config_file)
    assert [row["Port"] for row in rows(ipam("compute", "audit", *timing, *words))] == [
        orphan["id"]
    ]
    assert site.show(orphan) is None
