"""Run as a process of its own by test_processes: allocates and releases until told to stop.

Arguments: database URL, subnet, port, acknowledgement file, file that says stop, seed. It writes a
line into the acknowledgement file for each of its actions: "+ADDRESS" after an allocation's
commit, "?ADDRESS" before a release, "-ADDRESS" after the release's commit.
"""

import random
import sys
from functools import partial
from pathlib import Path

from ipam.allocator.allocator import Allocator
from ipam.errors import IpAddressGenerationFailure
from ipam.model import unpack
from ipam.store.engine.database import Database, Transaction


class Undo(Exception):  # noqa: N818  # not an error
    """Ends a transaction without a trace."""


def main() -> None:
    """Work until the file that says stop exists."""
    url, subnet, port, acknowledged, stop, seed = sys.argv[1:]
    chance = random.Random(int(seed))
    database = Database(url)
    allocator = Allocator(database, cooldown_seconds=0, worker=f"worker-{seed}")
    mine: list[bytes] = []

    def take(tx: Transaction) -> list[bytes]:
        taken = (
            allocator.allocate_many(tx, int(subnet), [int(port)] * chance.randint(2, 6))
            if chance.random() < 0.2
            else [allocator.allocate(tx, int(subnet), int(port))]
        )
        if chance.random() < 0.1:
            raise Undo
        return taken

    def give_back(tx: Transaction, ip: bytes) -> bool:
        return allocator.release(tx, int(subnet), ip, int(port))

    with Path(acknowledged).open("a", buffering=1) as lines:
        while not Path(stop).exists():
            try:
                given = database.write(take)
            except Undo:
                continue
            except IpAddressGenerationFailure:
                given = []
            lines.writelines(f"+{unpack(ip)}\n" for ip in given)
            mine += given
            if mine and (not given or chance.random() < 0.3):
                ip = mine.pop(chance.randrange(len(mine)))
                lines.write(f"?{unpack(ip)}\n")
                if not database.write(partial(give_back, ip=ip)):
                    lines.write(f"!{unpack(ip)}\n")
                lines.write(f"-{unpack(ip)}\n")
    database.dispose()


if __name__ == "__main__":
    main()
