"""What a confined thread starts writes where it may, and nowhere else."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE

import pytest

from ipam.agent.host import confinement
from ipam.agent.host.confinement import confine_thread, landlock_version
from tests.kernel_features import lack

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or landlock_version() == 0, reason="needs root and a kernel with Landlock"
)

WRITE = "import sys; open(sys.argv[1], 'a').write('x')"


def confined(writable: list[Path], *commands: list[str]) -> list[int]:
    """The statuses of the commands, run from a thread that was confined."""

    def start() -> list[int]:
        confine_thread(writable)
        return [subprocess.run(one, check=False, stderr=PIPE).returncode for one in commands]

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(start).result()


def writing(path: Path) -> list[str]:
    return [sys.executable, "-IS", "-c", WRITE, str(path)]


def test_only_what_was_named_is_written(tmp_path: Path) -> None:
    own, spool, other = tmp_path / "own", tmp_path / "spool", tmp_path / "other"
    own.mkdir()
    spool.touch()
    other.touch()
    statuses = confined(
        [own, spool],
        writing(own / "new"),
        writing(spool),
        writing(other),
        writing(tmp_path / "new"),
        ["rm", str(other)],
        ["cat", str(other)],
    )
    assert [status == 0 for status in statuses] == [True, True, False, False, False, True]
    assert spool.read_text() == "x"


def test_the_thread_alone_is_confined(tmp_path: Path) -> None:
    confined([], ["true"])
    (tmp_path / "new").write_text("x")


def test_no_process_outside_is_signalled(tmp_path: Path) -> None:
    if landlock_version() < 6:
        lack("landlock_signals")
    with subprocess.Popen(["sleep", "1000"]) as outside:
        try:
            assert confined([], ["kill", "-CONT", str(outside.pid)]) != [0]
        finally:
            outside.kill()


def test_a_path_that_is_missing_is_an_error_and_confines_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        confined([tmp_path / "missing"])


def test_without_landlock_nothing_is_confined_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confinement, "landlock_version", lambda: 0)
    assert confined([], writing(tmp_path / "new")) == [0]
