"""Virtual environments of other projects' programs, which the tests start. Made once and kept."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent


class Environment:
    """A folder beside the checkout's own `.venv`, with a virtual environment and what it needs."""

    def __init__(
        self,
        name: str,
        requirements: str,
        *,
        also: str = "",
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        """`requirements` is a file beside this one. `finish` runs after the installation; both
        run again when that file, or the text `also`, has changed."""
        kept = os.environ.get(f"IPAM_{name.upper()}_VENV")
        self.folder = Path(kept) if kept else HERE.parents[1] / f".venv-{name}"
        self.programs = self.folder / "venv" / "bin"
        self._requirements = HERE / requirements
        self._also = also
        self._finish = finish

    def prepare(self) -> None:
        """Make it unless it is there; test workers that start together wait for the first."""
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            installed = self.folder / "installed.txt"
            wanted = self._requirements.read_text() + self._also
            if installed.exists() and installed.read_text() == wanted:
                return
            self._install()
            self._finish()
            installed.write_text(wanted)

    def _install(self) -> None:
        base = getattr(sys, "_base_executable", sys.executable)
        for command in (
            [base, "-m", "venv", "--clear", str(self.programs.parent)],
            [
                f"{self.programs}/python",
                "-m",
                "pip",
                "install",
                "-q",
                "-r",
                f"{self._requirements}",
            ],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr[-2000:]}")
