"""docs/cli.md, from the commands themselves: `python -m ipam.cli.reference > docs/cli.md`."""

from collections.abc import Iterator

import click

from ipam.cli.first_screen import COMMANDS, help_text
from ipam.cli.root import root
from ipam.cli.terminal import say_lines

WIDTH = 98
INTRODUCTION = """\
# The command line

Verbs, options and list titles are those of the `openstack` command where it has them. Every
command takes names or ids. This page is what `--help` prints; write it anew with
`python -m ipam.cli.reference > docs/cli.md`.

## Which service it talks to

The first of these that is given:

1. the options `--os-cloud`, `--url` (with `--user`), `--socket`;
2. `OS_CLOUD`, `OS_AUTH_URL`, `OS_AUTH_TYPE`, `OS_ENDPOINT`, with the other `OS_*` of any OpenStack
   client;
3. `IPAM_URL` (with `IPAM_USER` and `IPAM_PASSWORD`), or `IPAM_SOCKET`;
4. the socket `/run/ipam/api.sock`, on a machine that has the directory `/run/ipam`;
5. `clouds.yaml` in the current directory, `~/.config/openstack` or `/etc/openstack`.

On the machine that runs the service, root needs none of it. Elsewhere, a `clouds.yaml` without
Keystone:

    clouds:
      lab:
        auth_type: http_basic
        auth: {endpoint: "https://network.example.org", username: anna, password: "..."}

## Output

Lists and records are tables. A table has names where the API has ids, and times as `5 min ago`;
`--long` shows more columns, with ids and exact times. On a terminal its widest columns are wrapped
so that a line fits; `--max-width 120` sets the width, `--no-fit-width` leaves lines whole.
`--watch` shows a list again whenever it changes. `-f json` and `-f yaml` keep every value as it
is, `-f csv` and `-f value` are lines of text, `-f shell` is for `eval`; all of them have the
columns of the `openstack` command. `-c COLUMN` picks columns and `--sort-column COLUMN` sorts by
any of them, by the title or by the name of the API's field. In a table, control characters in
names are shown escaped.

Exit status: 0; 1 when the service refused, something failed, or one of several deletes did; 2 when
the command line is wrong; 130 after Ctrl-C. `--debug` shows each request as a curl command, and
the trace of an unexpected error; `--quiet` leaves notes and warnings out. NO_COLOR leaves colours
out.

## Completion

    echo 'eval "$(ipam completion bash)"' >> ~/.bashrc
    echo 'eval "$(ipam completion zsh)"' >> ~/.zshrc
    ipam completion fish > ~/.config/fish/completions/ipam.fish

Tab completes commands and options, and asks the service for names, hosts and columns.

## ipam
"""


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command with the words that call it, in the order of the help."""
    top = click.Context(root, info_name="ipam", **root.context_settings)
    for name in COMMANDS:
        command = root.get_command(top, name)
        assert command is not None, name
        context = click.Context(
            command, info_name=name, parent=top, max_content_width=WIDTH, terminal_width=WIDTH
        )
        yield from _with_those_below(f"ipam {name}", command, context)


def _with_those_below(
    words: str, command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    yield words, command, context
    if not isinstance(command, click.Group):
        return
    for word, inner in command.commands.items():
        below = click.Context(
            inner, info_name=word, parent=context, max_content_width=WIDTH, terminal_width=WIDTH
        )
        yield from _with_those_below(f"{words} {word}", inner, below)


def reference() -> str:
    """The whole page."""
    parts = [INTRODUCTION, _block(help_text())]
    for words, command, context in commands():
        level = "#" * (words.count(" ") + 1)
        parts.append(f"{level} {words}\n\n{_block(command.get_help(context))}")
    return "\n".join(parts)


def _block(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip().split("\n")) + "\n"


if __name__ == "__main__":
    say_lines(reference(), end="")
