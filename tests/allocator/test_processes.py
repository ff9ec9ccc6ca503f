"""Several processes on one subnet, some killed with -9, and an oracle that counts addresses."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ipam.clock import now_seconds
from ipam.store import tables
from ipam.store.engine.database import Database
from tests.allocator.subnets import Ground
from tests.waiting import PATIENCE_SECONDS, eventually

WORKERS = 4
KILLED = 2
SECONDS = 4.0
WORKER = Path(__file__).with_name("worker_process.py")


class Claims:
    """What one worker said it owns."""

    def __init__(self, path: Path) -> None:
        self.certain: set[str] = set()
        """Committed, and no release tried."""
        self.open: set[str] = set()
        """A release was tried and not confirmed: owned or not."""
        self.faults: list[str] = []
        for line in path.read_text().splitlines():
            mark, address = line[0], line[1:]
            match mark:
                case "+":
                    if address in self.certain:
                        self.faults.append(f"{address} was given to its owner again")
                    self.certain.add(address)
                case "?":
                    self.certain.remove(address)
                    self.open.add(address)
                case "-":
                    self.open.remove(address)
                case _:
                    self.faults.append(f"{address} was not there to release")


@pytest.fixture
def crowd(database_url: str, tmp_path: Path) -> Callable[[Ground], list[Claims]]:
    """A function that lets workers loose on a subnet, kills some, and reads what they said."""

    def run(ground: Ground) -> list[Claims]:
        files = [tmp_path / f"worker-{number}" for number in range(WORKERS)]
        stop = tmp_path / "stop"
        workers = []
        for number, file in enumerate(files):
            file.touch()
            arguments = [database_url, ground.subnet, ground.ports[number], file, stop, number]
            workers.append(subprocess.Popen([sys.executable, WORKER, *map(str, arguments)]))
        try:
            eventually(lambda: all(file.stat().st_size for file in files), "all have an address")
            for worker in workers[:KILLED]:
                time.sleep(SECONDS / 3)
                worker.send_signal(signal.SIGKILL)
            time.sleep(SECONDS / 3)
            stop.touch()
            codes = [worker.wait(PATIENCE_SECONDS) for worker in workers]
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
        assert codes == [-signal.SIGKILL] * KILLED + [0] * (WORKERS - KILLED)
        return [Claims(file) for file in files]

    return run


@pytest.mark.parametrize("last", ["10.0.0.30", "10.0.3.255"], ids=["29 addresses", "1023"])
def test_processes_never_share_lose_or_waste_an_address(
    database: Database,
    ground: Callable[..., Ground],
    crowd: Callable[[Ground], list[Claims]],
    last: str,
) -> None:
    subnet = ground(f"10.0.0.2-{last}", ports=WORKERS)
    claims = crowd(subnet)
    size = 29 if last == "10.0.0.30" else 1022

    assert [fault for each in claims for fault in each.faults] == []
    certain = [address for each in claims for address in each.certain]
    assert len(certain) == len(set(certain)), "two workers say they own one address"
    owned = set(subnet.owned())
    assert set(certain) <= owned, "an acknowledged address is lost"
    said = set(certain).union(*(each.open for each in claims))
    assert len(owned - said) <= 6 * KILLED, "more than a killed worker's last batch is unaccounted"
    subnet.clock.seconds = now_seconds()
    for process in (None, subnet.another_process()):
        subnet.fill(by=process)
    assert len(subnet.owned()) == size == subnet.count(tables.ip_address), "the pool did not fill"
