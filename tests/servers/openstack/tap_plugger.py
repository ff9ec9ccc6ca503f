"""Makes the taps of the ports of one host, which Nova's fake drivers do not make.

`python -m tests.servers.openstack.tap_plugger DIRECTORY HOST` makes a tap for each server's port
that the host's ipam agent knows, like Nova does for libvirt, and removes it with the port. The
agent keeps its last known networks in DIRECTORY.
"""

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

from ipam import model

LOOK_SECONDS = 0.1


def wanted(directory: Path, host: str) -> set[str]:
    """The taps of the servers' ports in the agent's files."""
    found = set()
    for path in directory.glob("*"):
        with contextlib.suppress(OSError, ValueError):
            network = json.loads(path.read_text())
            found |= {
                model.tap_name(port["id"])
                for port in network["ports"]
                if port["binding_host_id"] == host
                and port["device_owner"].startswith(model.COMPUTE_OWNER_PREFIX)
            }
    return found


def main(directory: Path, host: str) -> None:
    """Make it so, until killed."""
    plugged: set[str] = set()
    while True:
        taps = wanted(directory, host)
        for tap in taps - plugged:
            _ip("tuntap", "add", tap, "mode", "tap")
            _ip("link", "set", tap, "up")
        for tap in plugged - taps:
            _ip("link", "del", tap)
        plugged = taps
        time.sleep(LOOK_SECONDS)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=False, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
