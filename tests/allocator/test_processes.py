"""Several processes on two subnets, some killed with -9, and an oracle outside the database."""

import time
from contextlib import closing
from pathlib import Path

from tests.allocator.crowd import Crowd
from tests.servers.galera_cluster import GaleraCluster

WORKERS = 4
KILLED = 2
SECONDS = 4.0


def test_processes_never_share_lose_or_waste_an_address(database_url: str, tmp_path: Path) -> None:
    with closing(Crowd([database_url], tmp_path, ports=WORKERS)) as crowd:
        workers = [crowd.add(seed) for seed in range(WORKERS)]
        crowd.wait_until_all_own()
        for worker in workers[:KILLED]:
            time.sleep(SECONDS / 3)
            crowd.kill(worker)
        time.sleep(SECONDS / 3)
        crowd.stop()
        assert crowd.faults() == []
        assert crowd.unfilled() == 0
        assert all(record.counts["own"] for record in crowd.records())


def test_nor_do_writers_on_three_nodes_of_which_one_is_killed_and_comes_back(
    galera: GaleraCluster, galera_url: str, tmp_path: Path
) -> None:
    with closing(Crowd(galera.urls(galera_url), tmp_path, ports=6)) as crowd:
        for seed in range(6):
            crowd.add(seed)
        crowd.wait_until_all_own()
        crowd.kill(0)
        galera.kill(2)
        galera.bring_back(2)
        crowd.stop()
        galera.settle()
        assert crowd.faults() == []
        assert crowd.unfilled() == 0
