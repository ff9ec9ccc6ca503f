"""`scripts/lab`: a whole cloud with ipam as its network service, until `scripts/lab down`.

`openstack` starts a process that holds the cloud, shows its progress and returns when the cloud is
ready. Everything ends with that process, however it ends.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

from tests.servers.openstack import libvirt
from tests.servers.openstack.cloud import Cloud
from tests.servers.openstack.hypervisors import Hypervisor
from tests.servers.openstack.programs import LabError, end_marked
from tests.servers.openstack.releases import NOVA33, NOVA34
from tests.servers.openstack_client import CLIENT

HOME: Final = Path(os.environ.get("IPAM_LAB_HOME", "/var/lib/ipam-lab"))
CLOUD: Final = HOME / "cloud"
LOG: Final = HOME / "lab.log"
PID: Final = HOME / "pid"
READY: Final = HOME / "ready"
LOOK_SECONDS: Final = 0.2
STOP_SECONDS: Final = 90

FAKE_HOSTS: Final = (Hypervisor("compute1"), Hypervisor("compute2", namespace="ipam-lab-2"))


def main() -> int:
    """Carry out the command line; the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("openstack", "start the cloud and say what to try"),
        ("hold", argparse.SUPPRESS),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument(
            "--hypervisor",
            choices=["fake", "libvirt"],
            default="fake",
            help="fake: Nova 34, two hosts that pretend; libvirt: Nova 33 and QEMU on this host",
        )
    commands.add_parser("down", help="end every process of the cloud, and delete its files")
    given = parser.parse_args()
    match given.command:
        case "openstack":
            return up(given.hypervisor)
        case "hold":
            return hold(given.hypervisor)
        case _:
            return down()


def up(hypervisor: str) -> int:
    """Start the cloud in a process of its own, and wait until it is ready."""
    if _holder():
        print(f"It runs already. `scripts/lab down` ends it; its log is {LOG}.")
        return 1
    down()
    HOME.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.servers.openstack", "hold", "--hypervisor", hypervisor]
    with LOG.open("w") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    PID.write_text(str(process.pid))
    with LOG.open() as lines:
        while process.poll() is None and not READY.exists():
            _show(lines.read())
            time.sleep(LOOK_SECONDS)
        _show(lines.read())
    if process.poll() is not None:
        print(f"The cloud did not start; its log is {LOG}.", file=sys.stderr)
        return 1
    return 0


def hold(hypervisor: str) -> int:
    """Start the cloud, and keep it until SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    (HOME / "tmp").mkdir(exist_ok=True)
    tempfile.tempdir = str(HOME / "tmp")
    CLOUD.mkdir()
    CLIENT.prepare()

    def say(line: str) -> None:
        print(line, flush=True)

    cloud = (
        Cloud(CLOUD, [libvirt.hypervisor("compute1", CLOUD)], release=NOVA33, say=say)
        if hypervisor == "libvirt"
        else Cloud(CLOUD, FAKE_HOSTS, release=NOVA34, say=say)
    )
    try:
        cloud.launch()
    except LabError as error:
        # The files stay, for whoever wants to know why.
        print(f"lab: {error}", file=sys.stderr, flush=True)
        cloud.programs.stop_all()
        return 1
    try:
        say(_advice(cloud))
        READY.touch()
        stop.wait()
    finally:
        cloud.remove()
    return 0


def down() -> int:
    """End the process that holds the cloud, and whatever it may have left."""
    if pid := _holder():
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _holder() and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        if _holder():
            os.kill(pid, signal.SIGKILL)
    if left := end_marked(str(CLOUD)):
        print(f"ended {left} processes that were left")
    for each in FAKE_HOSTS:
        if each.namespace and Path("/run/netns", each.namespace).exists():
            subprocess.run(["ip", "netns", "del", each.namespace], check=False)
    shutil.rmtree(HOME, ignore_errors=True)
    return 0


def _holder() -> int:
    """The pid of the process that holds the cloud; 0 if there is none."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(PID.read_text())
        if b"tests.servers.openstack" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    return 0


def _advice(cloud: Cloud) -> str:
    client = CLIENT.programs / "openstack"
    socket = cloud.place.run_path / "api.sock"
    boot = f"--flavor tiny --image {cloud.image} --network lan --wait"
    return f"""
Ready. To try it:
  export OS_CLIENT_CONFIG_FILE={cloud.place.clouds_yaml} OS_CLOUD=demo
  alias openstack={client}
  openstack network create lan
  openstack subnet create lan-v4 --network lan --subnet-range 10.20.0.0/24
  openstack server create web-1 {boot}
  openstack port list --server web-1
  openstack console log show web-1
  sudo ipam --socket {socket} agent list
  sudo ipam --os-cloud admin compute audit
Logs: {cloud.programs.logs}. The end: sudo scripts/lab down
"""


def _show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
