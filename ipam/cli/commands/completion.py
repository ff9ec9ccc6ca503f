"""`ipam completion`: the script for a shell's completion of commands and options."""

import click

from ipam.cli.options import examples
from ipam.cli.terminal import say_lines

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog=examples(
        "bash: echo 'eval \"$(ipam completion bash)\"' >> ~/.bashrc",
        "zsh:  echo 'eval \"$(ipam completion zsh)\"' >> ~/.zshrc",
        "fish: ipam completion fish > ~/.config/fish/completions/ipam.fish",
    )
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print a script that makes SHELL complete commands and options."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415  # rarely used

    from ipam.cli.root import root  # noqa: PLC0415  # root loads this module

    kind = get_completion_class(shell)
    assert kind is not None, f"click completes for none of {SHELLS}?"  # SHELLS is click's
    say_lines(kind(root, {}, "ipam", "_IPAM_COMPLETE").source())
