"""Help, completion and the reference page: every command has them, and help costs little."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ipam.cli import reference
from ipam.cli.first_screen import COMMANDS, OPTIONS
from ipam.cli.reference import commands
from ipam.cli.root import root
from tests.cli.conftest import Ipam

HEAVY = (
    "alembic",
    "bcrypt",
    "falcon",
    "httpx",
    "jinja2",
    "keystoneauth1",
    "msgspec",
    "openstack",
    "oslo_config",
    "prettytable",
    "pyroute2",
    "rich",
    "sqlalchemy",
    "waitress",
    "yaml",
)
LEAVES = [
    (words, command) for words, command, _ in commands() if not isinstance(command, click.Group)
]


def modules_after(*words: str) -> set[str]:
    """The modules that a fresh process has loaded when the command line is done."""
    program = (
        "import json, sys; from ipam.cli.main import main; status = main(sys.argv[1:]);"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr))


@pytest.mark.parametrize("words", ["--help", "-h", "help"])
def test_the_first_screen_loads_not_even_click(words: str) -> None:
    loaded = modules_after(words)
    assert "click" not in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("noun", list(COMMANDS))
def test_help_of_a_command_loads_nothing_heavy(noun: str) -> None:
    assert not modules_after(noun, "--help") & set(HEAVY)


def test_the_first_screen_names_every_command_and_option(ipam: Ipam) -> None:
    shown = ipam("--help")
    assert shown.status == 0
    for name, (_, line) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", shown.out, re.MULTILINE)
    for option in root.params:
        assert option.opts[0] in shown.out
        assert any(one.startswith(option.opts[0]) for one in OPTIONS)


def test_the_first_screen_is_the_same_when_click_prints_it(ipam: Ipam) -> None:
    assert ipam("--url", "http://x", "--help").out == ipam("--help").out


def test_no_words_at_all_is_a_usage_error_that_helps(ipam: Ipam) -> None:
    outcome = ipam()
    assert outcome.status == 2
    assert outcome.err == ipam("--help").out


@pytest.mark.parametrize(("words", "command"), LEAVES, ids=[words for words, _ in LEAVES])
def test_help_has_a_sentence_and_examples_that_are_commands(
    ipam: Ipam, words: str, command: click.Command
) -> None:
    shown = ipam(*words.split()[1:], "--help")
    assert shown.status == 0
    assert command.help
    assert "Examples:" in shown.out
    assert words in shown.out.partition("Examples:")[2]


@pytest.mark.parametrize(("words", "command"), LEAVES, ids=[words for words, _ in LEAVES])
def test_every_option_is_explained(words: str, command: click.Command) -> None:
    for param in command.params:
        if isinstance(param, click.Option) and param.opts[0] != "--help":
            assert param.help or words == "ipam config show", f"{words} {param.opts}"


def test_the_reference_page_is_what_help_prints() -> None:
    page = Path(__file__).parents[2] / "docs" / "cli.md"
    hint = "write it anew: python -m ipam.cli.reference > docs/cli.md"
    assert page.read_text() == reference.reference(), hint


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(ipam: Ipam, shell: str) -> None:
    outcome = ipam("completion", shell)
    assert outcome.status == 0
    assert "_IPAM_COMPLETE" in outcome.out


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ipam netw", "network"),
        ("ipam port cre", "create"),
        ("ipam port create --netw", "--network"),
        ("ipam agent ru", "run"),
    ],
)
def test_completion_completes_commands_and_options(line: str, expected: str) -> None:
    environment = os.environ | {
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
        "_IPAM_COMPLETE": "bash_complete",
    }
    done = subprocess.run(
        [sys.executable, "-m", "ipam"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split("\n")[0] == f"plain,{expected}", done.stderr


def test_version_is_printed_by_option_and_command(ipam: Ipam) -> None:
    assert ipam("--version").out == ipam("version").out
    assert re.fullmatch(r"ipam \d+\.\d+\S*\n", ipam("version").out)
