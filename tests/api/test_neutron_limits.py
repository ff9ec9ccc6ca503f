"""What Neutron answers at each limit of its attributes, and where this service differs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from ipam.api.app import create_app
from ipam.settings import Settings
from ipam.settings import load as load_settings
from ipam.store.engine.database import Database
from ipam.store.tables import metadata
from tests.api.caller import ADMIN, Api
from tests.api.neutron_limits import CASES, Case
from tests.changed_settings import NO_QUOTAS

PAGE: Final = Path(__file__).parents[2] / "docs" / "neutron-differences.md"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One service for all cases, each of which has a network of its own."""
    path = tmp_path_factory.mktemp("limits")
    file = path / "ipam.conf"
    file.write_text(f"[DEFAULT]\nstate_path = {path}\nrun_path = {path}\n[quotas]\n{NO_QUOTAS}")
    settings: Settings = load_settings([str(file)])
    database = Database(f"sqlite:///{path}/api.sqlite")
    metadata.create_all(database.engine)
    yield Api(create_app(settings, authenticate=lambda _: ADMIN, database=database))
    database.dispose()


def status(api: Api, case: Case) -> tuple[int, str]:
    """The status and the text of the answer to a case."""
    method, name = case.request.split()
    network = api.create("network") if name != "network" or method == "PUT" else {}
    needed: dict[str, dict[str, Any]] = {
        "network": {},
        "subnet": {"cidr": "10.0.0.0/24", "ip_version": 4},
        "port": {},
    }
    if name != "network":
        needed[name]["network_id"] = network["id"]
    if name == "port":
        api.create("subnet", **needed["subnet"], network_id=network["id"])
    if method == "PUT":
        made = network if name == "network" else api.create(name, **needed[name])
        answer = api.call("PUT", f"/{name}s/{made['id']}", {name: case.body})
    else:
        body = {**needed[name], **case.body}
        body = {key: value for key, value in body.items() if key not in case.without}
        answer = api.call("POST", f"/{name}s", {name: body})
        made = answer.json.get(name, {})
    for path in (f"/{name}s/{made.get('id')}", f"/networks/{network.get('id')}"):
        api.call("DELETE", path)
    return answer.status_code, answer.text


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_value_is_answered_as_neutron_answers_it(place: Api, case: Case) -> None:
    found, text = status(place, case)
    assert found == case.status, text


def differences() -> list[tuple[Case, int, str]]:
    """The rows of the page: a case with the status here, Neutron's, and why."""
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 5 and cells[0].startswith(("POST", "PUT")):
            request, body, neutrons, here, why = cells
            case = Case(request, int(here), json.loads(body.strip("`")))
            found.append((case, int(neutrons), why))
    return found


@pytest.mark.parametrize(("case", "neutrons", "why"), differences(), ids=str)
def test_the_page_of_differences_says_what_is_answered(
    place: Api, case: Case, neutrons: int, why: str
) -> None:
    found, text = status(place, case)
    assert found == case.status != neutrons, text
    assert why.endswith(".")
    held = {(each.request, json.dumps(each.body, sort_keys=True)) for each in CASES}
    assert (case.request, json.dumps(case.body, sort_keys=True)) not in held


def test_every_row_of_the_page_is_read() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| P")]
    assert len(rows) == len(differences()) > 20
