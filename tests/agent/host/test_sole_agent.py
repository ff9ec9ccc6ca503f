"""A directory is one agent's, and nobody's once that has ended, however it ended."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ipam.agent.host.sole_agent import sole_agent
from ipam.errors import HostUnfit

HOLDER = """
import pathlib, sys, time
from ipam.agent.host.sole_agent import sole_agent
with sole_agent(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_one_agent_has_its_directories(tmp_path: Path) -> None:
    state, run = tmp_path / "state", tmp_path / "deep" / "run"
    with sole_agent(state, run, run):
        for other in ((state, tmp_path / "run-2"), (tmp_path / "state-2", run)):
            with pytest.raises(HostUnfit, match="Another agent runs with"), sole_agent(*other):
                pass
        with sole_agent(tmp_path / "state-2", tmp_path / "run-2"):
            pass
    with sole_agent(state, run):
        pass


def test_an_agent_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(HostUnfit, match=str(tmp_path)), sole_agent(tmp_path):
            pass
        process.send_signal(signal.SIGKILL)
    with sole_agent(tmp_path):
        pass
