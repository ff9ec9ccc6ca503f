"""The recorded boot, as `scripts/bench nova` replays it, in this process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import falcon.testing
import msgspec
import pytest

from ipam import model
from ipam import settings as ipam_settings
from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.store.engine.database import Database
from scripts.bench_parts.api_statements import InProcess, counter
from scripts.bench_parts.nova import Stopwatch
from scripts.bench_parts.nova_calls import CALLS, Boot
from scripts.bench_parts.nova_place import Session

CALLERS = {
    "user": Caller(user_id="alice", project_id="alpha", role="member"),
    "nova": Caller(user_id="nova", project_id="service", role="service"),
    "admin": Caller(user_id="root", project_id="admin", role="admin"),
}


@pytest.fixture
def application(database: Database, tmp_path: Path) -> Any:
    file = tmp_path / "ipam.conf"
    file.write_text(f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n")

    def authenticate(environ: Mapping[str, Any]) -> Caller:
        return CALLERS[environ["HTTP_X_AUTH_TOKEN"]]

    settings = ipam_settings.load([str(file)])
    return create_app(settings, authenticate=authenticate, database=database)


@pytest.fixture
def wires(application: Any) -> dict[str, Any]:
    client = falcon.testing.TestClient(application)
    return {name: InProcess(client, name) for name in CALLERS}


@pytest.fixture
def boot(wires: dict[str, Any]) -> Boot:
    def make(kind: str, **attributes: Any) -> str:
        made = wires["admin"].call("POST", f"/v2.0/{kind}s", {kind: attributes})
        resource_id: str = msgspec.json.decode(made)[kind]["id"]
        return resource_id

    network = make("network", shared=True)
    subnet = make("subnet", network_id=network, cidr="10.0.0.0/24", ip_version=4)
    return Boot("alpha", network, subnet, "compute1", model.new_id())


def test_a_replayed_boot_ends_with_a_port_of_the_user_on_the_server_s_host(
    wires: dict[str, Any], boot: Boot
) -> None:
    watch = Stopwatch()
    watch.boot(Session("alpha", wires["user"], wires["nova"]), boot)
    (booted,) = watch.boots
    answer = wires["admin"].call("GET", f"/v2.0/ports/{booted.port_id}")
    port = msgspec.json.decode(answer)["port"]
    assert (port["project_id"], port["device_id"]) == ("alpha", boot.server_id)
    assert (port["binding:host_id"], port["device_owner"]) == ("compute1", "compute:nova")
    assert port["fixed_ips"] == [{"subnet_id": boot.subnet_id, "ip_address": booted.address}]
    assert {name: len(took) for name, took in watch.call_ms.items()} == {
        call.name: 1 for call in CALLS
    }


def test_a_boot_takes_few_statements(
    wires: dict[str, Any], boot: Boot, database: Database
) -> None:
    session, watch = Session("alpha", wires["user"], wires["nova"]), Stopwatch()
    watch.boot(session, boot)  # the first allocation fills the list of candidates
    with counter(database) as seen:
        watch.boot(session, boot)
    statements = [statement for statement in seen if not statement.startswith("BEGIN")]
    audited = [statement for statement in statements if "INTO audit_event" in statement]
    assert len(audited) == 2  # the port is made and bound
    # Two of the others hold the finite quotas of ports and addresses. Two changes of the port are
    # answered by a read on all databases but PostgreSQL.
    read_back = 0 if database.url.get_backend_name() == "postgresql" else 2
    assert len(statements) - len(audited) <= 21 + read_back, statements
