"""docs/authorization.md is true: each cell is asked, and no operation or rule is left out."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from ipam import settings as ipam_settings
from ipam.api.app import make_service, routes
from ipam.identity.default_rules import RULES
from ipam.store.engine.database import Database
from tests.api.authorization.site import PERSONAS, Site

PAGE: Final = Path(__file__).parents[3] / "docs" / "authorization.md"
METHODS: Final = {"get": "GET", "create": "POST", "update": "PUT"}
NOT_IN_BODIES: Final = {"fixed_ips:ip_address": "ip_address", "fixed_ips:subnet_id": "subnet_id"}
"""Where the last part of a rule's attribute is what a body has."""
PATHS: Final = {
    "network": "networks",
    "subnet": "subnets",
    "port": "ports",
    "subnetpool": "subnetpools",
    "address_scope": "address-scopes",
    "rbac_policy": "rbac-policies",
    "audit_event": "audit-events",
}


@dataclass(frozen=True)
class Row:
    """A request with what each persona is answered."""

    method: str
    path: str
    body: str
    answers: Sequence[str]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.body}".strip()

    def text(self) -> str:
        """The row as it stands on the page."""
        body = f"`{self.body}`" if self.body else ""
        return f"| `{self.method} {self.path}` | {body} | {' | '.join(self.answers)} |"


def rows() -> list[Row]:
    found = []
    for line in PAGE.read_text().splitlines():
        if line.startswith("| `"):
            request, body, *answers = (cell.strip() for cell in line.strip("|").split(" | "))
            method, _, path = request.strip("` ").partition(" ")
            found.append(Row(method, path, body.strip("` "), answers))
    return found


ROWS: Final = rows()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("authorization")
    file = directory / "ipam.conf"
    file.write_text(f"[DEFAULT]\nstate_path = {directory}\nrun_path = {directory}\n")
    made = Site(directory, ipam_settings.load([str(file)]))
    yield made
    made.close()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_persona_is_answered_as_the_page_says(site: Site, row: Row) -> None:
    answers = [site.answer(persona, row.method, row.path, row.body) for persona in PERSONAS]
    answered = Row(row.method, row.path, row.body, answers)
    assert answered == row, f"if it is right, write\n{answered.text()}"


def test_every_operation_is_on_the_page(tmp_path: Path) -> None:
    file = tmp_path / "ipam.conf"
    file.write_text(f"[DEFAULT]\nstate_path = {tmp_path}\nrun_path = {tmp_path}\n")
    service = make_service(
        ipam_settings.load([str(file)]), Database(f"sqlite:///{tmp_path}/none.sqlite")
    )
    asked = {(row.method, _shape(row.path)) for row in ROWS}
    left_out = [
        f"{method} {path}"
        for path, route in routes(service)
        for method in route.operations
        if (method, _shape(path)) not in asked
    ]
    assert left_out == []


def test_every_attribute_with_a_rule_is_on_the_page() -> None:
    left_out = []
    for rule, _, _ in RULES:
        action, colon, attribute = rule.partition(":")
        verb, _, name = action.partition("_")
        if colon and not _is_asked(METHODS[verb], PATHS[name], attribute):
            left_out.append(rule)
    assert left_out == []


def _is_asked(method: str, collection: str, attribute: str) -> bool:
    """Whether a row asks with this attribute: its body has it, or its `fields=` names it."""
    word = f'"{NOT_IN_BODIES.get(attribute, attribute)}":'
    return any(
        row.path.endswith(f"?fields={attribute}") if method == "GET" else word in row.body
        for row in ROWS
        if row.method == method and row.path.startswith(f"/v2.0/{collection}")
    )


def _shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path.partition("?")[0])
