"""Runs a benchmark and prints its results as a table, or as JSON with --json."""

import argparse
import importlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.bench_parts.all import document
from scripts.bench_parts.progress import interruptible

ALL = "all"
PARTS = {
    ALL: "every other part, three times: medians, spread, machine, versions; --quick, --write",
    "agent": "a host of 500 networks: its start, its restart, its rest, its memory; --quick",
    "api": "requests to the API: rate, latency, CPU, statements, per database; --quick, --seconds",
    "allocator": "an allocation beside a bare INSERT, and beside peers'; --quick, --seconds",
    "capacity": "how full a /8 is said to be with 100,000 and 1,000,000 in use; --quick",
    "cli": "the commands of an admin's day beside 100,000 ports, and help beside Python; --quick",
    "footprint": "memory (PSS) of an idle API, an idle agent, and one more network",
    "hook": "a DHCP event: the hook in Python beside a bare one, in Lua beside none; --quick",
    "leases": "2,000 machines at once: leases a second in PostgreSQL, the API's CPU; --quick",
    "names": "a name more beside many, its memory; a port until its name is answered; --quick",
    "nova": "what one boot in Nova takes here: its 14 calls, and the event it waits for; --quick",
    "scale": "how many hosts one API serves: simulated agents and PostgreSQL; --quick",
    "wire": "the guard, a frame, the start of 200 tunnels, a network of 100 hosts; --quick",
    "start": "`ipam up` to its first answer, a network to its first lease, a port to DHCP-ready",
}


def main() -> None:
    """Run the part that was asked for, or list them."""
    listing = "\n".join(f"  {name:12}{what}" for name, what in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        epilog=f"parts:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", choices=PARTS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="few calls, where a part can")
    parser.add_argument(
        "--seconds", type=float, help="print what is known after so long, where a part can"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="where `all` puts its tables")
    arguments = parser.parse_args()
    if not arguments.part:
        parser.print_help()
        return
    run = importlib.import_module(f"scripts.bench_parts.{arguments.part}").run
    takes = inspect.signature(run).parameters
    options: dict[str, Any] = {"quick": arguments.quick} if "quick" in takes else {}
    if arguments.part == ALL:
        options["parts"] = [part for part in PARTS if part != ALL]
    if "figures" in takes:
        result: dict[str, Any] = {}
        with interruptible(arguments.seconds):
            run(result, **options)
    else:
        result = run(**options)
    if arguments.write and arguments.part == ALL:
        arguments.write.write_text(document(result))
    if arguments.json:
        print(json.dumps(result))
        return
    for name, value in _flat(result):
        print(f"{name:56} {value}")


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield prefix, value
        return
    for key, inner in value.items():
        yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))


main()
