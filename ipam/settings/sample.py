"""The commented sample of the settings file, made from the options."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from oslo_config import cfg

from ipam.settings.of_libraries import FOREIGN
from ipam.settings.parsed import GROUPS

WIDTH = 98
HEAD = """\
# Settings of ipam: one file for `ipam api`, `ipam agent run`, `ipam worker` and `ipam up`.
# Read from /etc/ipam/ipam.conf, or from --config-file. Every option is here with its default or an
# example: remove the # before those that you change. OS_<GROUP>__<OPTION> in the environment
# is read, too.
"""


def sample_text() -> str:
    """A settings file with every option explained and its default, all commented out."""
    groups = ("\n".join(_group(name, options)) for name, options in GROUPS.items())
    foreign = ("\n".join(_foreign(name, options)) for name, options in FOREIGN.items())
    return "\n".join([HEAD, *groups, *foreign])


def _group(group: str, options: Sequence[cfg.Opt]) -> Iterator[str]:
    yield f"[{group}]"
    for option in options:
        yield ""
        text = f"{option.help} {_rule(option)}"
        yield from textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"#{option.name} = {_default(option)}".rstrip()
    yield ""


def _foreign(group: str, options: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    yield f"[{group}]"
    for name, example, help_text in options:
        yield ""
        yield from textwrap.wrap(help_text, WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"#{name} = {example}"
    yield ""


def _rule(option: cfg.Opt) -> str:
    """The allowed values, such as `(integer, 1 or more)`."""
    kind = option.type
    words = [getattr(kind, "type_name", "string").removesuffix(" value")]
    choices = getattr(kind, "choices", None)
    least, most = getattr(kind, "min", None), getattr(kind, "max", None)
    if choices:
        words.append(f"one of {', '.join(one or 'nothing' for one in choices)}")
    if least is not None and most is not None:
        words.append(f"{_number(least)} to {_number(most)}")
    elif least is not None:
        words.append(f"{_number(least)} or more")
    return f"({', '.join(words)})"


def _number(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else str(value)


def _default(option: cfg.Opt) -> Any:
    value = option.default if option.sample_default is None else option.sample_default
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value
