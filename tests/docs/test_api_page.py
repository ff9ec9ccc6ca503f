"""docs/api.md is true: the tests make it again, and run its examples."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipam.api.about.extensions import EXTENSIONS
from scripts.api_docs import extensions, words
from scripts.api_docs.examples import EXAMPLES
from scripts.api_docs.page import error_classes, page
from scripts.api_docs.running import Answered, Api, fresh_api, run

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with fresh_api() as opened:
        yield opened


@pytest.fixture(scope="module")
def answered(api: Api) -> list[Answered]:
    return run(api, EXAMPLES)


def test_the_page_is_in_step_with_the_api(api: Api, answered: list[Answered]) -> None:
    made = page(api, answered, extensions.table())
    assert PAGE.read_text().strip() == made.strip(), "run scripts/api-docs"


def test_every_operation_is_on_the_page(api: Api) -> None:
    text = PAGE.read_text()
    for path, route in api.table:
        for method in route.operations:
            assert f"| `{method} {path}` |" in text


def test_every_operation_has_an_example_that_ran(api: Api, answered: list[Answered]) -> None:
    ran = {(method, _shape(path)) for method, path in (each.operation for each in answered)}
    without = [
        f"{method} {path}"
        for path, route in api.table
        for method in route.operations
        if (method, _shape(path)) not in ran
    ]
    assert without == [], "write examples in scripts/api_docs/examples.py"


def test_an_example_that_succeeds_has_the_status_of_its_operation(
    api: Api, answered: list[Answered]
) -> None:
    operations = {path: route.operations for path, route in api.table}
    for each in answered:
        method, path = each.operation
        if each.status < 400:
            assert each.status == operations[path][method].status, each.example


def test_every_error_is_named_where_it_can_be_met() -> None:
    named = {*words.ANYWHERE, *(each for errors in words.REFUSALS.values() for each in errors)}
    assert [each.__name__ for each in error_classes() if each not in named] == []
    assert all(inspect.getdoc(each) for each in error_classes())


def test_every_section_with_words_of_its_own_exists() -> None:
    text = PAGE.read_text()
    for title in (*words.SECTIONS, *words.PROSE, *words.REFUSALS):
        assert f"\n## {title}\n" in text


def test_an_extension_is_in_one_state() -> None:
    served = {each.alias for each in EXTENSIONS}
    assert not served & extensions.EMPTY_LISTS.keys()
    assert not served & extensions.NOT_THERE.keys()
    assert not extensions.EMPTY_LISTS.keys() & extensions.NOT_THERE.keys()


def _shape(path: str) -> str:
    """What a path is in the examples: tags do the same for every kind of resource."""
    parts = path.split("/")
    return "/".join(["", "v2.0", "*", *parts[3:]]) if "tags" in parts else path
