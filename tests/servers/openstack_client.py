"""python-openstackclient, unchanged, in a virtual environment of its own.

A start of `openstack` takes a second. So one process runs one command after another, each in a
shell of its own, as if it had been typed. The client keeps its connection to a service as long as
its process lives, so each user has a process.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.servers.environments import Environment
from tests.waiting import PATIENCE_SECONDS

CLIENT: Final = Environment("openstackclient", "openstack-client-requirements.txt")

PROGRAM: Final = """
import contextlib, io, json, logging, sys
from openstackclient.shell import OpenStackShell
answers = sys.stdout
for line in sys.stdin:
    logging.getLogger().handlers.clear()  # each shell adds one that writes to its own stderr
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = OpenStackShell().run(json.loads(line))
        except SystemExit as end:
            status = end.code
    print(json.dumps([status, out.getvalue(), err.getvalue()]), file=answers, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str


class OpenStackClient:
    """One user of the cloud at the prompt: an entry of clouds.yaml. `close` ends it."""

    def __init__(self, clouds_yaml: Path, cloud: str) -> None:
        CLIENT.prepare()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        python = [f"{CLIENT.programs}/python", "-W", "ignore"]
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *python, "-c", PROGRAM],
            env={**kept, "OS_CLIENT_CONFIG_FILE": str(clouds_yaml), "OS_CLOUD": cloud},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=clouds_yaml.parent,
        )

    def run(self, command: str, *words: str) -> Done:
        """`openstack` with these words, to its end; `command` is split at blanks."""
        assert self._process.stdin is not None, "stdin is a pipe"
        assert self._process.stdout is not None, "stdout is a pipe"
        print(json.dumps([*command.split(), *words]), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, f"the process ended at: openstack {command} {' '.join(words)}"
        return Done(*json.loads(line))

    def __call__(self, command: str, *words: str) -> str:
        """What a command prints; it must not fail."""
        done = self.run(command, *words)
        assert done.status == 0, f"{command} {' '.join(words)}: {done.out}{done.err}"
        return done.out

    def json(self, command: str, *words: str) -> Any:
        """What a command prints with `-f json`, parsed."""
        return json.loads(self(command, *words, "-f", "json"))

    def refused(self, command: str, *words: str) -> str:
        """What a command that must fail says."""
        done = self.run(command, *words)
        assert done.status != 0, f"{command} {' '.join(words)} was let pass: {done.out}"
        return done.err

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None, "stdin is a pipe"
        assert self._process.stdout is not None, "stdout is a pipe"
        self._process.stdin.close()
        self._process.wait(PATIENCE_SECONDS)
        self._process.stdout.close()
