"""Decides how an explanation is told on a screen. Pure."""

from collections.abc import Iterator
from datetime import datetime
from textwrap import wrap

from ipam.cli.explain.facts import Explanation, Fact
from ipam.cli.instants import relative
from ipam.escaping import escaped

INDENT = "      "
MARKS = {True: ("✓", "ok "), False: ("✗", "bad"), None: ("?", "?  ")}
"""By `ok`: the mark, and the word where the terminal has no such mark."""
VERDICTS = {
    "fine": "all is well",
    "broken": "NO ADDRESS, or not as it should be",
    "unknown": "cannot tell",
}


def lines(
    explanation: Explanation, now: datetime, *, has_marks: bool, width: int
) -> Iterator[str]:
    """The verdict, each link with its age, and what mends the cause, within so many characters.

    Commands are never broken, so that they can be copied.
    """
    yield f"{escaped(explanation.subject)}: {VERDICTS[explanation.verdict]}"
    for fact in explanation.facts:
        mark = MARKS[fact.ok][not has_marks]
        if fact.is_note and fact.ok is None:
            mark = "-" if has_marks else "-  "
        text = f"{escaped(fact.text)}{_proof(fact, now)}"
        yield from wrap(text, width, initial_indent=f"  {mark} ", subsequent_indent=INDENT)
        if fact.ok is False and fact.fix:
            arrow = "→" if has_marks else "->"
            advice = escaped(fact.fix.text)
            yield from wrap(advice, width, initial_indent=INDENT, subsequent_indent=INDENT)
            if fact.fix.command:
                yield f"    {arrow} {escaped(fact.fix.command)}"


def _proof(fact: Fact, now: datetime) -> str:
    """Who says it, and how long ago that was."""
    said = [] if fact.source in ("API", "guest") else [fact.source]
    said += [relative(fact.at, now)] if fact.at else []
    return f" ({', '.join(said)})" if said else ""
