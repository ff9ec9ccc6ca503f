"""Leases keep writers that know no lock out of a file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipam.agent.host import file_lease
from tests.waiting import PATIENCE_SECONDS


def test_who_opens_the_file_waits_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    assert file_lease.is_possible(tmp_path)
    write = ["import sys", "print('asks', flush=True)", "open(sys.argv[1], 'w').write('x')"]
    with path.open("r+b") as ours:
        with file_lease.alone(ours.fileno()):
            other = subprocess.Popen(
                [sys.executable, "-IS", "-c", "; ".join(write), str(path)], stdout=subprocess.PIPE
            )
            assert other.stdout is not None
            assert other.stdout.readline() == b"asks\n"
            with pytest.raises(subprocess.TimeoutExpired):
                other.wait(0.2)
            assert os.fstat(ours.fileno()).st_size == 0
        assert other.wait(PATIENCE_SECONDS) == 0
        other.stdout.close()
    assert path.read_bytes() == b"x"


def test_a_file_that_somebody_writes_to_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with (
        path.open("ab"),
        path.open("r+b") as ours,
        pytest.raises(BlockingIOError),
        file_lease.alone(ours.fileno()),
    ):
        pytest.fail("it was open")


def test_where_there_are_no_leases_is_known(tmp_path: Path) -> None:
    assert not file_lease.is_possible(tmp_path / "missing")
