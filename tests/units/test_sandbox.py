"""The product runs in the sandbox of its units: a directive that breaks it is found here."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ipam import model
from tests.units.sandbox import SERVICE_UID
from tests.waiting import PATIENCE_SECONDS, eventually

pytestmark = [
    pytest.mark.root,
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to drop privileges"),
    pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze"),
]
HOST = "host-in-units"
MAC = "fa:16:3e:00:77:01"


class Service:
    """API, worker and agent, each in the sandbox of its unit."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name in ("ipam", "run"):
            (directory / name).mkdir()
            os.chown(directory / name, SERVICE_UID, SERVICE_UID)
        for name in ("ipam-agent", "run-agent"):
            (directory / name).mkdir()
            (directory / name).chmod(0o755)
        self.conf = directory / "ipam.conf"
        self.conf.write_text(
            f"[DEFAULT]\nhost = {HOST}\nstate_path = {directory}/ipam\n"
            f"run_path = {directory}/run\n[api]\nbind_port = 0\n"
            f"[agent]\nstate_path = {directory}/ipam-agent\nrun_path = {directory}/run-agent\n"
        )
        # Process 1 here is of the test: its mounts are those that the whole host sees.
        self.host = subprocess.Popen(
            "exec unshare --pid --fork --kill-child --mount-proc --propagation unchanged"
            " sleep infinity",
            shell=True,
        )
        of_host = psutil.Process(self.host.pid)
        eventually(of_host.children, "the host runs")
        self.first = of_host.children()[0].pid
        eventually(lambda: Path(f"/proc/{self.first}/comm").read_text() == "sleep\n", "it sleeps")
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, unit: str, *words: str) -> None:
        with self.log(unit).open("ab") as log:
            self.running[unit] = subprocess.Popen(
                self.command(unit, *words), stdout=log, stderr=log
            )

    def command(self, unit: str, *words: str) -> list[str]:
        python = [sys.executable, "-m"]
        into = [*python, "tests.units.sandbox", "all", unit, str(self.directory)]
        enter = ["nsenter", "--target", str(self.first), "--pid", "--mount", f"--wd={Path.cwd()}"]
        return [*enter, *into, *python, "ipam", *words, "--config-file", str(self.conf)]

    def stop(self, unit: str) -> None:
        process = self.running.pop(unit)
        psutil.Process(process.pid).children()[0].terminate()  # nsenter waits for it
        assert process.wait(PATIENCE_SECONDS) == 0, self.log(unit).read_text()

    def log(self, unit: str) -> Path:
        return self.directory / f"{unit}.log"

    def ipam(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ipam", "--socket", f"{self.directory}/run/api.sock", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        logs = [self.log(unit).read_text() for unit in self.running]
        assert done.returncode == 0, (words, done.stderr, *logs)
        return done.stdout.strip()


@pytest.fixture
def service() -> Iterator[Service]:
    with tempfile.TemporaryDirectory(prefix="ipam-units-", dir="/var/lib") as path:
        Path(path).chmod(0o755)
        one = Service(Path(path))
        yield one
        one.host.kill()  # and with it all that runs there
        for process in [one.host, *one.running.values()]:
            process.wait()


def test_the_whole_product_serves_in_the_sandboxes_of_its_units(service: Service) -> None:
    subprocess.run(service.command("ipam-api", "db", "upgrade"), check=True)
    service.start("ipam-api", "api")
    eventually((service.directory / "run" / "api.sock").exists, "the API listens")
    service.start("ipam-worker", "worker")
    service.start("ipam-agent", "agent", "run")
    network = service.ipam("network", "create", "n1", "-f", "value", "-c", "id")
    service.ipam("subnet", "create", "--network", "n1", "--subnet-range", "10.77.0.0/24")
    port = ("port", "create", "--network", "n1", "--host", HOST, "--mac-address", MAC, "p1")
    service.ipam(*port)
    service.ipam("port", "wait", "p1", "--timeout", str(int(PATIENCE_SECONDS)))
    name = Path("/run/netns") / model.dhcp_namespace(network)
    assert os.path.ismount(name), "the whole host sees it"
    pid_file = service.directory / "run-agent" / "dhcp" / network / "pid"
    assert not (service.directory / "run" / "dhcp").exists(), "that is the service user's"
    pid = pid_file.read_text()

    service.stop("ipam-agent")
    assert os.path.ismount(name)
    service.start("ipam-agent", "agent", "run")
    service.ipam("port", "set", "p1", "--name", "p2", "--fixed-ip", "ip-address=10.77.0.99")
    service.ipam("port", "wait", "p2", "--timeout", str(int(PATIENCE_SECONDS)))
    assert pid_file.read_text() == pid, "dnsmasq served on"

    service.ipam("port", "delete", "p2")
    service.ipam("network", "delete", "n1")
    eventually(lambda: not name.exists(), "the namespace is gone from the host")
    for unit in list(service.running):
        service.stop(unit)
        assert "Traceback" not in service.log(unit).read_text(), unit


def test_one_machine_is_served_in_the_sandbox_of_its_one_unit(service: Service) -> None:
    of_all, _agent, _its_directory = service.conf.read_text().partition("[agent]")
    service.conf.write_text(of_all)
    service.start("ipam-up", "up", "--keep-on-exit")
    eventually((service.directory / "run" / "api.sock").exists, "the API listens")
    service.ipam("network", "create", "n1")
    service.ipam("subnet", "create", "--network", "n1", "--subnet-range", "10.78.0.0/24")
    service.ipam("port", "create", "--network", "n1", "--host", HOST, "p1")
    service.ipam("port", "wait", "p1", "--timeout", str(int(PATIENCE_SECONDS)))
    service.ipam("port", "delete", "p1")
    service.ipam("network", "delete", "n1")
    service.stop("ipam-up")
    assert "Traceback" not in service.log("ipam-up").read_text()
