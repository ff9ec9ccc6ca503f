"""A machine with a live lease of another dnsmasq renews it at ours, and is never refused."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.live_service import Service, run_or_fail
from tests.waiting import PATIENCE_SECONDS, eventually

pytestmark = [pytest.mark.root, pytest.mark.system]

MAC = "52:54:00:92:00:07"
SERVER = "10.92.0.2"
CONF = """\
port=0
interface=old0
bind-interfaces
dhcp-authoritative
no-ping
listen-address=10.92.0.2
dhcp-range=10.92.0.100,10.92.0.150,255.255.255.0,1h
dhcp-option=3,10.92.0.1
dhcp-leasefile={folder}/dnsmasq.leases
"""
SCRIPT = """#!/bin/sh
[ "$1" = bound ] && ip address add "$ip/$mask" dev "$interface"
echo "$1 $ip $serverid" >>"$RESULT"
"""
Run = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def names() -> Iterator[tuple[str, str]]:
    """Namespaces of the old server and of the machine, on one wire."""
    server, machine = f"old-{os.getpid()}", f"mover-{os.getpid()}"
    for name in (server, machine):
        run_or_fail("ip", "netns", "add", name)
    run_or_fail(
        *("ip", "link", "add", "old0", "netns", server, "type", "veth"),
        *("peer", "name", "eth0", "address", MAC, "netns", machine),
    )
    run_or_fail("ip", "-n", server, "address", "add", f"{SERVER}/24", "dev", "old0")
    for name, link in ((server, "lo"), (server, "old0"), (machine, "lo"), (machine, "eth0")):
        run_or_fail("ip", "-n", name, "link", "set", link, "up")
    yield server, machine
    for name in (server, machine):
        subprocess.run(["ip", "netns", "del", name], check=False)


@pytest.fixture
def inside() -> Iterator[Run]:
    """Start a program in a namespace; it ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def run(namespace: str, *command: str, **environment: str) -> "subprocess.Popen[bytes]":
        words = ["ip", "netns", "exec", namespace, *command]
        started.append(subprocess.Popen(words, env=os.environ | environment))
        return started[-1]

    yield run
    for one in started:
        one.kill()
        one.wait()


def test_a_live_lease_is_renewed_at_ours_after_the_old_server_has_gone(
    service: Service, names: tuple[str, str], inside: Run, tmp_path: Path
) -> None:
    server, machine = names
    folder = service.state_path / "old"
    folder.mkdir()
    folder.chmod(0o777)  # dnsmasq leaves root
    (folder / "dnsmasq.conf").write_text(CONF.format(folder=folder))
    old = inside(server, "dnsmasq", "--no-daemon", f"--conf-file={folder}/dnsmasq.conf")
    script, result = tmp_path / "client.sh", tmp_path / "client.result"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    udhcpc = ("udhcpc", "-f", "-t", "60", "-T", "1", "-i", "eth0", "-s", str(script))
    client = inside(machine, *udhcpc, RESULT=str(result))

    def told(word: str) -> list[list[str]]:
        lines = result.read_text().splitlines() if result.exists() else []
        return [line.split() for line in lines if line.startswith(f"{word} ")]

    eventually(lambda: told("bound"))
    ((_, address, given_by),) = told("bound")
    assert given_by == SERVER
    eventually(lambda: address in (folder / "dnsmasq.leases").read_text())
    old.send_signal(signal.SIGTERM)
    old.wait()
    before = len(result.read_text().splitlines())

    done = service.run("import", str(folder), "--yes")
    assert done.returncode == 0, done.stderr
    (port,) = service.json("port", "list", "--mac-address", MAC)
    assert service.run("port", "set", port["ID"], "--host", service.host).returncode == 0
    tap = f"tap{port['ID']}"[:14]
    run_or_fail("ip", "-n", server, "link", "set", "old0", "name", tap, "netns", "1")
    try:
        waited = service.run("port", "wait", port["ID"], "--timeout", f"{PATIENCE_SECONDS:g}")
        assert waited.returncode == 0, waited.stderr
        client.send_signal(signal.SIGUSR1)
        eventually(lambda: told("renew"))
    finally:
        subprocess.run(["ip", "link", "del", tap], check=False)
        shutil.rmtree(folder)

    after = [line.split() for line in result.read_text().splitlines()[before:]]
    assert {word for word, *_ in after} == {"renew"}, after
    assert after[0] == ["renew", address, SERVER]
    eventually(lambda: service.json("lease", "list", "--ip", address))
