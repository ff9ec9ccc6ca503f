"""Tells a dry run's answer in lines for a terminal. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ipam.cli.instants import SHORT, shown
from ipam.cli.output import counted

MACHINES_SHOWN: Final = 15
HOSTS_SHOWN: Final = 15
Record = Mapping[str, Any]

SERVER: Final = {
    "starts": "dnsmasq starts",
    "stops": "dnsmasq stops",
    "restarts": "dnsmasq restarts",
    "reloads": "dnsmasq reads its files again",
    "reads new files": "dnsmasq reads new files",
    "": "dnsmasq goes on",
}


def lines(told: Record, *, in_full: bool = False) -> Iterator[str]:
    """What would be done; `in_full` with each step of each agent."""
    machines, hosts = told["machines"], told["hosts"]
    if not (machines or hosts or told["unserved"]):
        yield "No host has anything to do, and no machine feels it."
        return
    for one in hosts if in_full else hosts[:HOSTS_SHOWN]:
        yield _host(one)
        yield from _steps(one) if in_full else ()
    if not in_full and (more := len(hosts) - HOSTS_SHOWN) > 0:
        yield f"{counted(more, 'more host')}: `ipam plan` shows all."
    yield from (
        f"network {one} has one agent less; another takes it, if one may"
        for one in told["unserved"]
    )
    most = machines if in_full else machines[:MACHINES_SHOWN]
    yield from map(_machine, most)
    yield _total(told["totals"], len(most))


def _host(one: Record) -> str:
    files = [(one["files_written"], "written"), (one["files_removed"], "removed")]
    parts = [SERVER[one["server"]]]
    parts += [f"{counted(count, 'file')} {what}" for count, what in files if count]
    late = "" if one["alive"] else " (its agent is away: once it is back)"
    return f"{one['host']}  {one['network_name'] or one['network_id']}: {', '.join(parts)}{late}"


def _steps(one: Record) -> Iterator[str]:
    yield from (f"    {step['action']} {step['what']}" for step in one["steps"])
    if one["steps_left_out"]:
        yield f"    and {one['steps_left_out']} more"


def _machine(one: Record) -> str:
    name = one["port_name"] or one["mac_address"]
    had, has = " ".join(one["before"]) or "-", " ".join(one["after"])
    by = f", by {shown(one['until'], form=SHORT)}" if one["until"] else ""
    match one["effect"]:
        case "loses":
            until = shown(one["until"], form=SHORT) if one["until"] else "its lease ends"
            said = f"{had} answered no more; kept until {until}"
            said += f"; gets {has}" if has else ""
        case "moves":
            said = f"{had} -> {has} at its next renewal (NAK){by}"
        case "hears":
            said = f"{had} hears at its next renewal{by}: {_few(one['options'])}"
        case _:
            said = f"gets {has}"
    return f"  {name}  {said}{'; cut off AT ONCE' if one['cut_off'] else ''}"


def _few(options: Sequence[str]) -> str:
    return ", ".join(options[:5]) + (", …" if len(options) > 5 else "")


def _total(totals: Mapping[str, int], told: int) -> str:
    words = {
        "loses": ("loses an address", "lose an address"),
        "moves": ("moves to another address", "move to another address"),
        "hears": ("hears other options", "hear other options"),
        "gains": ("gains an address", "gain an address"),
        "stopped": (
            "of them is known to use what it loses",
            "of them are known to use what they lose",
        ),
    }
    count = sum(totals[name] for name in ("loses", "moves", "hears", "gains"))
    parts = [
        f"{totals[name]} {one if totals[name] == 1 else many}"
        for name, (one, many) in words.items()
        if totals[name]
    ]
    rest = f" ({count - told} not shown)" if count > told else ""
    told_all = f"{counted(count, 'machine')}{rest}: {', '.join(parts)}"
    return told_all if count else "No machine feels it."
