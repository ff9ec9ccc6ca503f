"""`ipam up` whole: three real processes on a state of their own, and a host left as it was."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from ipam.cli.commands.preflight import find_program
from ipam.cli.commands.service_user import check_access, hand_over, service_user
from ipam.model import bridge_name, dhcp_namespace, tap_name
from tests.compute.nova_endpoint import NovaEndpoint
from tests.open_directory import open_directory
from tests.waiting import PATIENCE_SECONDS, eventually, until_it_serves

pytestmark = [
    pytest.mark.root,
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: bridges and namespaces"),
    pytest.mark.skipif(not find_program("dnsmasq"), reason="needs dnsmasq (dnsmasq-base)"),
]


class Up:
    """One `ipam up`, with its output in a file."""

    def __init__(self, directory: Path, *more: str) -> None:
        self.run_path = directory / "run"
        self.log = directory / "up.log"
        self.arguments = [
            "--state-path",
            str(directory / "state"),
            "--run-path",
            str(self.run_path),
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ipam", "up", "--port", "0", *self.arguments, *more],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        until_it_serves(self.process, lambda: "ipam is up." in self.log.read_text(), self.log)

    def ipam(self, *words: str) -> Any:
        command = [
            sys.executable,
            "-m",
            "ipam",
            "--socket",
            str(self.run_path / "api.sock"),
            *words,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in path.read_text().split()]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture
def directory() -> Iterator[Path]:
    with open_directory("up") as made:
        yield made


@pytest.fixture
def up(directory: Path) -> Iterator[Up]:
    running = Up(directory)
    try:
        running.wait()
        yield running
    finally:
        running.stop()


def test_api_and_worker_run_without_privileges_and_cannot_touch_what_is_roots(up: Up) -> None:
    status = {pid: Path(f"/proc/{pid}/status").read_text() for pid in up.children()}
    words = {pid: Path(f"/proc/{pid}/cmdline").read_text().split("\0") for pid in status}
    for pid, said in status.items():
        is_agent = "agent" in words[pid]
        assert ("\nUid:\t0\t0\t0\t0\n" in said) == is_agent, words[pid]
        assert is_agent or "\nCapPrm:\t0000000000000000\n" in said
        assert is_agent or "\nNoNewPrivs:\t1\n" in said
        assert is_agent or "\nGroups:\t \n" in said
    assert len(status) == 3
    state = up.run_path.parent / "state"
    for directory in (state, up.run_path):
        found = directory.stat()
        assert found.st_uid == 0
        assert found.st_mode & stat.S_ISVTX, "nobody replaces what is root's in it"
    assert (state / "ipam.sqlite").stat().st_uid != 0
    assert (state / "agent").stat().st_uid == 0
    assert "can be " not in up.log.read_text(), "no file of its own is too open"


def test_a_state_that_root_made_before_is_handed_over(directory: Path) -> None:
    (directory / "state").mkdir()
    for name in ("ipam.sqlite", "ipam.sqlite.lock", "htpasswd"):
        (directory / "state" / name).touch(0o600)
    user = service_user("65523")
    assert user is not None
    hand_over(user, directory / "state", directory)
    found = {path.name: path.stat() for path in (directory / "state").iterdir()}
    assert found["ipam.sqlite"].st_uid == found["ipam.sqlite.lock"].st_uid == user.uid
    assert found["htpasswd"].st_uid == 0, "the service reads it and cannot change it"
    assert found["htpasswd"].st_gid == user.gid
    assert stat.S_IMODE(found["htpasswd"].st_mode) == 0o640


def test_another_name_of_a_file_of_roots_is_not_handed_over(directory: Path) -> None:
    state, secret = directory / "state", directory / "shadow"
    state.mkdir()
    secret.touch(0o600)
    for name in ("ipam.sqlite.lock", "htpasswd"):
        (state / name).hardlink_to(secret)
    (state / "ipam.sqlite").symlink_to(secret)
    user = service_user("65523")
    assert user is not None
    hand_over(user, state, directory)
    found = secret.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 0, 0o600)


def test_a_settings_file_that_the_service_cannot_read_is_told_with_the_remedy(
    directory: Path,
) -> None:
    secret = directory / "ipam.conf"
    secret.write_text("[agent]\n")
    secret.chmod(0o600)
    user = service_user("")
    assert user is not None
    with pytest.raises(click.ClickException, match=r"(?s)ipam\.conf.*chgrp.*service_user"):
        check_access(user, [str(secret)])
    secret.chmod(0o644)
    check_access(user, [str(secret)])


def test_root_may_keep_its_privileges_and_an_unknown_user_is_refused() -> None:
    assert service_user("root") is None
    with pytest.raises(click.ClickException, match="no user 'nobody-here'"):
        service_user("nobody-here")


def test_a_port_becomes_active_and_the_end_leaves_the_host_as_it_was(up: Up) -> None:
    (agent,) = up.ipam("agent", "list", "-f", "json")
    assert agent["Alive"] is True
    network = up.ipam("network", "create", "demo", "-f", "json")["id"]
    up.ipam("subnet", "create", "--network", "demo", "--subnet-range", "10.0.0.0/24", "-f", "json")
    words = ["port", "create", "--network", "demo", "--host", agent["Host"], "web-1", "-f", "json"]
    up.ipam(*words)
    up.ipam("port", "wait", "web-1", "--timeout", f"{PATIENCE_SECONDS:g}")
    bridge = Path("/sys/class/net", bridge_name(network))
    namespace = Path("/run/netns", dhcp_namespace(network))
    assert bridge.exists()
    assert namespace.exists()
    up.stop()
    assert up.process.returncode == 0, up.log.read_text()
    assert not bridge.exists()
    assert not namespace.exists()
    assert not (up.run_path / "api.sock").exists()
    assert "Traceback" not in up.log.read_text()


def test_nova_hears_of_a_port_from_its_boot_to_its_end(directory: Path) -> None:
    server = "11111111-2222-4333-8444-555555555555"
    nova, config = NovaEndpoint(), directory / "ipam.conf"
    # Without the datagram that wakes the worker it would look after an hour.
    lines = "[compute]\nsend_events = true\nevents_interval = 3600\n"
    config.write_text(lines + nova.settings())
    up = Up(directory, "--config-file", str(config))
    tap = ""
    try:
        up.wait()
        (agent,) = up.ipam("agent", "list", "-f", "json")
        up.ipam("network", "create", "demo", "-f", "json")
        subnet = ["--network", "demo", "--subnet-range", "10.0.0.0/24", "-f", "json"]
        up.ipam("subnet", "create", *subnet)
        words = ["--network", "demo", "--host", agent["Host"], "--device", server, "-f", "json"]
        port = up.ipam("port", "create", *words, "--device-owner", "compute:nova", "web-1")["id"]
        tap = tap_name(port)
        subprocess.run(["ip", "tuntap", "add", tap, "mode", "tap"], check=True)
        wait_for(nova, ("network-vif-plugged", server, port))
        up.ipam("port", "delete", "web-1")
        wait_for(nova, ("network-vif-deleted", server, port))
        assert len(nova.heard) == 2
    finally:
        subprocess.run(["ip", "link", "delete", tap], check=False)
        up.stop()
        nova.close()
    assert up.process.returncode == 0, up.log.read_text()
    assert "Traceback" not in up.log.read_text()


def wait_for(nova: NovaEndpoint, event: tuple[str, str, str]) -> None:
    eventually(lambda: event in nova.heard, lambda: f"{event} in {nova.batches}")


def test_a_second_one_on_the_same_directory_is_refused(up: Up) -> None:
    command = [sys.executable, "-m", "ipam", "up", "--port", "0", *up.arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Another `ipam up` runs on {up.run_path}" in done.stderr


def test_a_child_that_is_killed_comes_back(up: Up) -> None:
    before = up.children()
    api = next(pid for pid in before if b"\0api\0" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(api, signal.SIGKILL)
    eventually(
        lambda: api not in up.children() and len(up.children()) == len(before), up.log.read_text
    )
    assert "api was killed by SIGKILL; starting it again in 1 s" in up.log.read_text()


def test_killing_it_leaves_no_child_behind(up: Up) -> None:
    children = up.children()
    assert len(children) == 3
    up.process.kill()
    up.process.wait()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))


def test_what_stands_in_the_way_is_told_before_anything_starts(tmp_path: Path) -> None:
    settings = tmp_path / "ipam.conf"
    settings.write_text("[agent]\ndnsmasq = no-such-dnsmasq\n")
    words = ["up", "--config-file", str(settings), "--state-path", str(tmp_path / "state")]
    done = subprocess.run(
        [sys.executable, "-m", "ipam", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "apt install dnsmasq-base" in done.stderr
    assert not (tmp_path / "state").exists()
