"""`ipam compute audit` against a real Nova."""

import json
import os
import subprocess
import uuid
from typing import Any

import pytest

from tests.nova.people import Tenant
from tests.servers.openstack.controllers import IPAM
from tests.waiting import eventually


def audit(tenant: Tenant, *options: str) -> list[dict[str, Any]]:
    """What it finds, for the tenant's networks."""
    command = [IPAM, *["--os-cloud", "admin", "compute", "audit", "--long", "-f", "json"]]
    done = subprocess.run(
        [*command, "--grace", "0", "--pause", "1", *options],
        env={**os.environ, "OS_CLIENT_CONFIG_FILE": str(tenant.cloud.place.clouds_yaml)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return [row for row in found if tenant.is_own(row)]


def test_servers_with_their_ports_agree(tenant: Tenant, network: Any) -> None:
    tenant.boot([{"uuid": network.id}])
    tenant.boot([{"port": tenant.port(network).id}])
    assert audit(tenant) == []


@pytest.mark.parametrize("how", ["made for the server", "the user's own"])
def test_an_orphan_is_found_and_reclaimed(tenant: Tenant, network: Any, how: str) -> None:
    tenant.boot([{"uuid": network.id}])  # a Nova without servers would look broken
    gone = {"device_id": str(uuid.uuid4()), "device_owner": "compute:nova"}
    if how == "made for the server":
        port = tenant.port(network, **gone)
    else:
        port = tenant.port(network)
        tenant.ipam.put(f"/v2.0/ports/{port.id}", json={"port": gone})
    (found,) = audit(tenant)
    assert (found["Kind"], found["Port"]) == ("orphan", port.id)
    (reclaimed,) = audit(tenant, "--reclaim")
    left = tenant.ipam.list("/v2.0/ports", "ports", {"id": port.id})
    if how == "made for the server":
        assert (reclaimed["Result"], left) == ("deleted", [])
    else:
        assert reclaimed["Result"] == "unbound"
        assert [(one["device_id"], one["device_owner"]) for one in left] == [("", "")]
    assert audit(tenant) == []


def test_a_port_deleted_unheard_makes_a_stranger_until_nova_hears(
    tenant: Tenant, network: Any
) -> None:
    server = tenant.boot([{"uuid": network.id}])
    tenant.cloud.programs.stop("ipam-worker")
    try:
        tenant.net.delete_port(tenant.the_port(server)["id"])
        (found,) = audit(tenant)
        assert (found["Kind"], found["Server"]) == ("stranger", server.id)
    finally:
        tenant.cloud.programs.start_again("ipam-worker")
    eventually(lambda: tenant.addresses(server) == [], "Nova has heard of it")
    assert audit(tenant) == []


def test_a_port_on_another_host_than_its_server_is_found(tenant: Tenant, network: Any) -> None:
    server = tenant.boot([{"uuid": network.id}])
    port = tenant.the_port(server)
    (other,) = tenant.cloud.hosts.keys() - {port["binding:host_id"]}
    body = {"port": {"binding:host_id": other}}
    tenant.ipam.put(f"/v2.0/ports/{port['id']}", json=body)
    (found,) = audit(tenant)
    assert (found["Kind"], found["Port"]) == ("wrong host", port["id"])
    assert other in found["Evidence"]
