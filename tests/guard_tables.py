"""Removes what an agent that was killed has left in the kernel."""

import shutil
import subprocess
from pathlib import Path

from ipam.agent.guard import table


def remove_guard(run_path: Path) -> None:
    """Have no table of the agent with this run path."""
    if shutil.which("nft"):
        command = ["nft", "delete", "table", "bridge", table.name_of(run_path.absolute())]
        subprocess.run(command, capture_output=True, check=False)
