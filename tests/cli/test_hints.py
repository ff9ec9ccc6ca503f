"""What messages tell a user to do can be done: each command in one of them is a command."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import ipam
from ipam.cli.next_steps import BY_TYPE, MEANT, next_step, suggestion
from ipam.cli.reference import commands
from ipam.cli.root import root
from ipam.errors import IpamError
from tests.cli.command_lines import parse
from tests.cli.conftest import Ipam

COMMAND = re.compile(r"`(?:sudo )?ipam ([^`]+)`")
SOURCES = sorted(Path(ipam.__file__).parent.rglob("*.py"))
PLACEHOLDER = "X"


def texts(source: Path) -> Iterator[str]:
    """Every text of a module; a part that is filled in at run time stands as X."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.JoinedStr):
            parts = (
                str(part.value) if isinstance(part, ast.Constant) else PLACEHOLDER
                for part in node.values
            )
            yield "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"\{\w*\}", PLACEHOLDER, node.value)


HINTS = sorted(
    {
        found[1]
        for source in SOURCES
        for text in texts(source)
        for found in COMMAND.finditer(text)
        if not found[1].startswith(PLACEHOLDER)  # a command of whatever kind of thing
        and not re.match(r"\d|.*…", found[1])
    }
)


def test_there_are_hints() -> None:
    assert len(HINTS) > 30


@pytest.mark.parametrize("line", HINTS)
def test_a_hint_names_a_command_that_there_is_with_options_that_it_has(line: str) -> None:
    parse(line)


@pytest.mark.parametrize("line", ["port lst", "port list --colour red", "rbac policy list"])
def test_the_test_of_hints_finds_wrong_ones(line: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        parse(line)


def test_steps_are_for_errors_that_there_are() -> None:
    def names(kind: type[IpamError]) -> set[str]:
        return {kind.__name__}.union(*map(names, kind.__subclasses__()))

    assert BY_TYPE.keys() <= names(IpamError)


def test_a_step_names_what_the_message_names() -> None:
    port = "6f1c2a3b-0000-4000-8000-000000000001"
    assert next_step("MacAddressInUse", 409, "MAC address fa:16:3e:00:00:01 is in use.") == (
        "`ipam find fa:16:3e:00:00:01` tells which port has it."
    )
    for ip in ("10.0.0.20", "2001:db8::20", "fe80::1"):
        step = next_step(
            "IpAddressAlreadyAllocated", 409, f"IP address {ip} is already allocated."
        )
        assert f"`ipam find {ip}`" in step
    step = next_step("SubnetInUse", 409, f"Subnet {port}: in use.")
    assert step == f"`ipam subnet addresses {port}` shows them."


def test_a_step_whose_value_no_message_names_is_not_told() -> None:
    assert next_step("MacAddressInUse", 409, "In use.") == ""


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("search", "find"),
        ("netwrok", "network"),
        ("subnets", "subnet"),
        ("who-has", "who-had"),
        ("xyzzy", ""),
        ("usage", "subnet usage"),
    ],
)
def test_a_mistyped_command_is_understood_or_nothing_is_guessed(word: str, meant: str) -> None:
    assert suggestion(word, root.list_commands(click.Context(root))) == meant


@pytest.mark.parametrize("meant", sorted(set(MEANT.values())))
def test_what_is_suggested_is_a_command(meant: str) -> None:
    assert f"ipam {meant}" in {words for words, _, _ in commands()}


def test_a_group_that_lacks_a_command_says_what_it_has(ipam: Ipam) -> None:
    refused = ipam("network", "frobnicate")
    assert refused.status == 2
    assert "There are: agent, boot, create, delete, list, rbac, set, show, unset." in refused.err
