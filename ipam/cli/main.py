"""The entry point of `ipam`.

`ipam --help` must cost hardly more than starting Python, so this file imports nothing but `sys`
and the text of the help. Everything else, including click, is loaded when a command runs.
"""

import sys

from ipam.cli.first_screen import help_text


def main(arguments: list[str] | None = None) -> int:
    """Run one command line. Returns the exit status: 0, 1 (refused or failed) or 2 (usage)."""
    words = sys.argv[1:] if arguments is None else arguments
    if words in (["--help"], ["-h"], ["help"]):
        return _print_help()
    from ipam.cli.root import run  # noqa: PLC0415  # click is not loaded for the help

    return run(words)


def _print_help() -> int:
    try:
        sys.stdout.write(help_text())
        sys.stdout.flush()
    except BrokenPipeError:  # `ipam --help | head -1` closes the pipe: no error
        sys.stderr.close()
    return 0
