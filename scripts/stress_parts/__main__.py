"""Runs a part, and ends with status 1 if it finds a fault."""

import argparse
import importlib
import json
import sys

from scripts.stress_parts import page

DATABASES = ("sqlite", "postgresql", "mariadb", "galera")

PARTS = {
    "allocator": "16 processes on few subnets, some killed: is an address lost, shared, early?",
    "truth": "random changes, a real client after each: did a port that was ACTIVE get nothing?",
    "leases": "faults of every part under load: is any lease lost, invented, or without history?",
    "hostile": "an attack on the API with each database: what fails, hangs, grows, delays?",
    "ipv6": "each pair of IPv6 modes with each client; --write FILE makes the table",
    "matrix": "every state before, every change, a real client; --write FILE makes the table",
}


def main() -> int:
    """Run the part that was asked for, or list them."""
    listing = "\n".join(f"  {name:12}{what}" for name, what in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="scripts/stress",
        epilog=f"parts:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", choices=PARTS)
    parser.add_argument("--changes", type=int, default=500, help="how many (truth)")
    parser.add_argument(
        "--seed", type=int, help="as an earlier run printed it (all but matrix, ipv6)"
    )
    parser.add_argument("--requests", type=int, default=100_000, help="to each database (hostile)")
    parser.add_argument("--only", type=int, help="this request of a seed alone (hostile)")
    parser.add_argument(
        "--database",
        choices=DATABASES,
        help="this one alone (allocator; hostile: not galera; leases: neither it nor mariadb)",
    )
    parser.add_argument("--minutes", type=float, default=60, help="of all databases (allocator)")
    parser.add_argument("--rounds", type=int, default=5, help="of each fault (leases)")
    parser.add_argument("--fault", help="this one alone (leases)")
    parser.add_argument("--hook", choices=("python", "lua"), default="python", help="(leases)")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="the cells of scripts/test (matrix, ipv6), 3,000 requests (hostile)",
    )
    parser.add_argument(
        "--write",
        metavar="FILE",
        type=page.path,
        help="the page that gets the table (matrix, hostile, ipv6, leases)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    arguments = parser.parse_args()
    if not arguments.part:
        parser.print_help()
        return 0
    result = importlib.import_module(f"scripts.stress_parts.{arguments.part}").run(arguments)
    print(
        json.dumps(result) if arguments.json else "\n".join(f"{k}: {v}" for k, v in result.items())
    )
    return 1 if result["faults"] else 0


sys.exit(main())
