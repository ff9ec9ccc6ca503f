"""A systemd unit's sandbox, read from its file, as far as the kernel gives it without systemd."""

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

UNITS = Path(__file__).parents[2] / "etc" / "systemd"


@dataclass(frozen=True)
class Unit:
    """The directives of [Service]; one that is given twice has both values."""

    path: Path
    directives: dict[str, list[str]]

    def is_on(self, name: str) -> bool:
        return self.directives.get(name) in (["yes"], ["true"], ["strict"], ["invisible"])

    def words(self, name: str) -> list[str]:
        return " ".join(self.directives.get(name, [])).split()

    def one(self, name: str) -> str:
        (value,) = self.directives[name]
        return value

    @property
    def forbidden_calls(self) -> set[str]:
        """The system calls that the filter refuses."""
        allowed: set[str] = set()
        for line in self.directives["SystemCallFilter"]:
            calls = {call for word in line.lstrip("~").split() for call in calls_of(word)}
            allowed = allowed - calls if line.startswith("~") else allowed | calls
        return calls_of("@known") - allowed


def unit(name: str) -> Unit:
    """The unit of that name in etc/systemd."""
    path = UNITS / f"{name}.service"
    directives: dict[str, list[str]] = {}
    section = ""
    for line in path.read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            key, _equals, value = line.partition("=")
            directives.setdefault(key, []).append(value)
    return Unit(path, directives)


@cache
def calls_of(word: str) -> set[str]:
    """The system calls of a group, as systemd knows them, or the one call."""
    if not word.startswith("@"):
        return {word}
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.strip() for line in said.splitlines()[1:]]
    return {call for one in lines if one and not one.startswith("#") for call in calls_of(one)}


def exposure(one: Unit) -> float:
    """What `systemd-analyze security` says of the unit: 0 is best, 10 is worst."""
    said = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", str(one.path)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return float(said.rpartition(".service: ")[2].split()[0])
