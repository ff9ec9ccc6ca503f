"""`ipam policy …`: the rules of who may do what."""

import textwrap
from collections.abc import Iterator

import click

from ipam.cli.options import examples
from ipam.cli.terminal import say_lines

WIDTH = 98
HEAD = """\
# Who may do what: oslo.policy rules, each with its reason. Every rule is here with its default:
# remove the # before those that you change, and name the file in [oslo_policy] policy_file.
# Besides roles a rule may use owner, network_owner, shared and external, joined by `or`; rules of
# get_…:ATTRIBUTE look at roles alone.
"""


@click.group()
def policy() -> None:
    """Who may do what in the API."""


@policy.command(epilog=examples("ipam policy sample | sudo tee /etc/ipam/policy.yaml"))
def sample() -> None:
    """Print a policy file with every rule, its default and its reason."""
    say_lines(sample_text(), end="")


def sample_text() -> str:
    """A policy file with every rule, all commented out."""
    return "\n".join([HEAD, *_lines()])


def _lines() -> Iterator[str]:
    from ipam.identity.default_rules import RULES  # noqa: PLC0415  # not needed for help

    for name, check, reason in RULES:
        yield from textwrap.wrap(reason, WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f'#"{name}": "{check}"'
        yield ""
