"""Every answer to schemathesis is one that the OpenAPI document describes. Runs are repeatable.

The requests, good and bad, are made from the document. The database has rows of most kinds, and
ids in paths and bodies are sometimes those of the rows.
"""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from ipam import settings as ipam_settings
from ipam.api.app import create_app
from ipam.identity.caller import Caller
from ipam.settings import Settings
from ipam.store.engine.database import Database
from ipam.store.tables import metadata
from tests.api.caller import ADMIN, READER, Api
from tests.changed_settings import NO_QUOTAS

EXAMPLES: Final = 8
"""Good requests to each operation, and as many bad ones."""

PARTS: Final = {
    "networks": r"^/v2\.0/networks",
    "subnets": r"^/v2\.0/subnets",
    "ports": r"^/v2\.0/ports",
    "pools": r"^/v2\.0/(subnetpools|address-scopes|network-ip-availabilities)",
    "agents": r"^/v2\.0/(agents|leases|lease-events|allocation-events|availability_zones)",
    "administration": r"^/v2\.0/(quotas|rbac-policies|auto-allocated-topology)",
}
REST: Final = "the rest"


@pytest.fixture(scope="module")
def sqlite_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path_factory.mktemp('documented')}/api.sqlite")
    metadata.create_all(opened.engine)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def settings_of_all(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    directory = tmp_path_factory.mktemp("settings")
    file = Path(directory) / "ipam.conf"
    file.write_text(
        f"[DEFAULT]\nstate_path = {directory}\nrun_path = {directory}\n[quotas]\n{NO_QUOTAS}"
    )
    return ipam_settings.load([str(file)])


FORMATS: Final = {
    "cidr": ["10.0.1.0/24", "10.65.0.0/16", "192.0.2.0/30", "2001:db8:1::/64", "2001:db8::/32"],
    "ip-address": ["10.0.0.7", "10.0.1.1", "192.0.2.1", "2001:db8:1::7"],
    "mac-address": ["fa:16:3e:00:00:01", "FA-16-3E-00-00-02"],
    "uuid": ["b3a1b7a2-6a4f-4a55-9e39-0d3f6a1c7f10", "00000000-0000-4000-8000-000000000000"],
}
"""Values of the formats that the document names, some of which fit together."""


class Documented:
    """The application as one caller, with the document that describes it."""

    def __init__(self, settings: Settings, database: Database, caller: Caller) -> None:
        import schemathesis  # noqa: PLC0415  # half a second, for this file alone

        for name, values in FORMATS.items():
            schemathesis.openapi.format(name, st.sampled_from(values))
        self.application = create_app(
            settings, authenticate=lambda _environ: caller, database=database
        )
        self.api = Api(self.application)
        self.schema = schemathesis.openapi.from_wsgi("/v2.0/openapi.json", self.application)
        self.fixed_paths = {one.path for one in self.operations("") if "{" not in one.path}

    def operations(self, pattern: str) -> list[Any]:
        chosen: Any = self.schema.include(path_regex=pattern)
        return [found.ok() for found in chosen.get_all_operations()]

    def is_fixed(self, case: Any) -> bool:
        """Whether the case's path is one without an id."""
        return case.formatted_path in self.fixed_paths

    def ids(self, path: str) -> list[str]:
        """Ids for the path's `{resource_id}`; of a new thing each time, as some go away."""
        name = path.removeprefix("/v2.0/").partition("/")[0].replace("-", "_")
        answer = self.api.call("GET", "/" + name.replace("_", "-"), params={"limit": "3"})
        items = answer.json.get(name, []) if answer.status_code == 200 else []
        if isinstance(items, dict):  # there is one of it
            return []
        return [item["id"] for item in items if "id" in item]

    def check(self, operation: Any, examples: int, **known: str) -> None:
        """Send good and bad requests; every answer has to be as documented."""
        from schemathesis import GenerationMode, checks  # noqa: PLC0415  # as above

        wanted = [
            checks.not_a_server_error,
            *checks.CHECKS.get_by_names(
                [
                    "status_code_conformance",
                    "content_type_conformance",
                    "response_headers_conformance",
                    "response_schema_conformance",
                ]
            ),
        ]
        ids = self.ids(operation.path)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            strategy = operation.as_strategy(generation_mode=mode)

            @hypothesis_settings(
                max_examples=examples,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=strategy, number=st.integers(0, 3))
            def ask(case: Any, number: int) -> None:
                if number:  # a key that was used before says nothing about the rest
                    case.headers.pop("Idempotency-Key", None)
                if number and ids and "resource_id" in (case.path_parameters or {}):
                    case.path_parameters["resource_id"] = ids[number % len(ids)]
                case.body = with_known(case.body, known) if number else case.body
                # `project` as an id of a quota is another operation's path.
                assume(operation.path in self.fixed_paths or not self.is_fixed(case))
                case.call_and_validate(checks=wanted)

            # Of what has no bad form, no bad request can be made.
            none_is_fine = [Unsatisfiable] if mode is GenerationMode.NEGATIVE else []
            with contextlib.suppress(*none_is_fine):
                ask()


def with_known(body: Any, known: dict[str, str]) -> Any:
    """The body with ids of things that exist in place of those that were made up."""
    if isinstance(body, list):
        return [with_known(each, known) for each in body]
    if not isinstance(body, dict):
        return body
    return {
        name: known[name] if name in known and is_uuid(value) else with_known(value, known)
        for name, value in body.items()
    }


def is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


_numbers = itertools.count(1)


def furnish(api: Api) -> dict[str, str]:
    """Something of most kinds; the ids that bodies name."""
    number = next(_numbers)
    network = api.create("network", name=f"net-{number}", tags=["red"])
    subnet = api.create(
        "subnet", network_id=network["id"], cidr="10.0.0.0/24", ip_version=4, tags=["red"]
    )
    port = api.create("port", network_id=network["id"], binding__host_id="node-1")
    for kind, body in (
        ("rbac-policies", {"rbac_policy": policy(network["id"])}),
        ("subnetpools", {"subnetpool": {"name": "p", "prefixes": ["10.64.0.0/10"]}}),
        ("address-scopes", {"address_scope": {"name": "s", "ip_version": 4}}),
        ("agents", {"agent": {"host": "node-1", "started_at": 1}}),
    ):
        made = api.call("POST", f"/{kind}", body)
        assert made.status_code in (200, 201), made.text
    return {"network_id": network["id"], "subnet_id": subnet["id"], "port_id": port["id"]}


def policy(network_id: str) -> dict[str, str]:
    return {
        "object_type": "network",
        "object_id": network_id,
        "action": "access_as_shared",
        "target_tenant": "project-b",
    }


@pytest.fixture(scope="module")
def documented(settings_of_all: Settings, sqlite_of_all: Database) -> Documented:
    return Documented(settings_of_all, sqlite_of_all, ADMIN)


@pytest.mark.parametrize("part", [*PARTS, REST])
def test_every_answer_to_an_admin_is_as_documented(documented: Documented, part: str) -> None:
    others = "|".join(PARTS.values())
    pattern = PARTS.get(part, rf"^(?!{others.replace('^', '')}).*")
    operations = documented.operations(pattern)
    assert operations, pattern
    for operation in operations:
        documented.check(operation, EXAMPLES, **furnish(documented.api))


def test_every_answer_to_a_reader_is_as_documented(
    documented: Documented, settings_of_all: Settings, sqlite_of_all: Database
) -> None:
    """What is hidden from a reader is not missed."""
    known = furnish(documented.api)
    reader = Documented(settings_of_all, sqlite_of_all, READER)
    for operation in reader.operations(r"^/v2\.0/(networks|subnets|ports)"):
        reader.check(operation, EXAMPLES // 3, **known)
