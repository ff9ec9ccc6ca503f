"""Real processes that behave like dnsmasq, in the namespace of the test, so that it needs no root.

The programs stand in a directory of their own: `dnsmasq` becomes a daemon with a helper,
and `dhcp_release` notes its arguments. Which namespaces were entered is noted, too.
"""

import contextlib
import dataclasses
import os
import resource
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv6Address
from pathlib import Path
from typing import Self

import psutil
import pytest

from ipam import model
from ipam.agent.actions import ReleaseLease
from ipam.agent.dnsmasq import probe_dhcp6, probe_frames, process
from ipam.agent.dnsmasq.config import server_duid
from ipam.agent.dnsmasq.failures import DnsmasqFailed
from ipam.agent.dnsmasq.files import ServerFiles
from ipam.agent.dnsmasq.log_file import LIMIT_BYTES, LogFile
from ipam.agent.dnsmasq.process import DnsmasqProcesses
from ipam.agent.outside import Pulse, Running
from ipam.agent.state import Interface, Lease
from ipam.errors import HostUnfit
from tests.agent.network_rows import NETWORK
from tests.waiting import PATIENCE_SECONDS, eventually

FAKE = Path(__file__).with_name("fake_dnsmasq.py")
INTERFACE = Interface("tap22222222-22", "ns-22222222-22", "fa:16:3e:00:00:02", 1450)
DHCP_RELEASE = """\
#!/bin/sh
echo "$@" >> {directory}/released
test -f {directory}/release-fails && echo "cannot setup interface" && exit 1
exit 0
"""


class Host:
    """The programs, and the files of one network."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        programs = directory / "programs"
        programs.mkdir()
        for name, text in (
            ("dnsmasq", f"#!{sys.executable} -IS\n{FAKE.read_text()}"),
            ("dhcp_release", DHCP_RELEASE.format(directory=directory)),
        ):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(programs), prepend=":")
        self.directory = directory
        self.namespace = "/proc/self/ns/net"
        monkeypatch.setattr(process, "namespace_path", lambda _network_id: self.namespace)
        self.entered: list[str] = []
        monkeypatch.setattr(process, "call_in_namespace", self._enter)
        self.confined: list[list[Path]] = []
        """What each started dnsmasq may write; the test's own programs write elsewhere, too."""
        monkeypatch.setattr(process, "confine_thread", self.confined.append)
        self.spool = directory / "spool"
        self.processes = DnsmasqProcesses("dnsmasq")
        self.files = ServerFiles(directory / NETWORK)
        self.log = LogFile(directory)
        self.held: list[Running] = []

    def _enter(self, name: str, work: Callable[[], object]) -> object:
        self.entered.append(name)
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(work).result()

    def start(self, config: str = "") -> Running:
        self.files.write_startup(config)
        running = self.processes.start(
            NETWORK,
            self.files,
            {"IPAM_NETWORK": NETWORK, "IPAM_SPOOL": str(self.spool)},
            self.log.begin_anew(),
        )
        self.held.append(running)
        return running

    def adopt(self) -> Running | None:
        running = self.processes.adopt(NETWORK, self.files)
        if running is not None:
            self.held.append(running)
        return running

    def text(self, name: str) -> str:
        path = self.files.directory / name
        return path.read_text() if path.exists() else ""

    def close(self) -> None:
        for running in self.held:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(running.descriptor, signal.SIGKILL)
            self.processes.let_go(running)
        self.log.close()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    one = Host(tmp_path, monkeypatch)
    yield one
    one.close()


def ends(descriptor: int) -> bool:
    """True when the process of a pidfd ends; False if it goes on for ever."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(PATIENCE_SECONDS * 1000))


def runs(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return not poll.poll(0)


def opened() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_started_server_runs_in_the_namespace_with_its_helper(host: Host) -> None:
    running = host.start()
    assert runs(running.descriptor)
    assert runs(running.helper)
    assert host.text("pid") == f"{running.pid}\n"
    assert host.entered == [model.dhcp_namespace(NETWORK)]
    assert host.log.read() == ["dnsmasq: started"]


def test_a_server_may_write_for_its_network_alone(host: Host) -> None:
    host.spool.mkdir()
    host.start()
    assert host.confined == [[host.files.directory, host.spool, Path("/dev/null")]]


def test_a_log_that_is_too_long_is_refused_to_a_server_and_does_not_end_it(host: Host) -> None:
    running = host.start()
    soft, _hard = resource.prlimit(running.pid, resource.RLIMIT_FSIZE)
    assert soft == LIMIT_BYTES
    status = Path(f"/proc/{running.pid}/status").read_text()
    ignored = int(status.partition("SigIgn:")[2].split()[0], 16)
    assert ignored >> (signal.SIGXFSZ - 1) & 1


def test_a_server_gets_the_hooks_environment_and_none_of_the_agents(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its messages are read in English, and the agent's secrets are nothing for a daemon."""
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("IPAM_PASSWORD", "secret")
    host.start()
    names = {line.partition("=")[0] for line in host.text("environment").splitlines()}
    assert {"IPAM_NETWORK", "PATH"} <= names
    assert not {"LANG", "IPAM_PASSWORD"} & names


def test_a_next_agent_adopts_the_server_that_runs(host: Host) -> None:
    first = host.start()
    again = host.adopt()
    assert again is not None
    assert again.pid == first.pid
    assert runs(again.descriptor)
    os.kill(first.pid, signal.SIGKILL)
    assert ends(again.descriptor)
    assert ends(again.helper), "it watches this server's own helper"


def test_servers_are_found_by_the_directory_that_they_serve_from(host: Host) -> None:
    """The helper has the same command line, and stands for no server."""
    running = host.start()
    assert host.processes.find(host.directory) == {NETWORK: running.pid}
    assert host.processes.find(host.files.directory) == {}
    host.namespace = "/proc/self/ns/uts"
    assert host.processes.find(host.directory) == {}, "it is in another namespace"
    host.namespace = "/proc/self/ns/net"
    host.processes.stop(running)
    assert host.processes.find(host.directory) == {}


def test_without_a_server_there_is_nothing_to_adopt(host: Host) -> None:
    before = opened()
    assert host.adopt() is None
    for text in ("", "none", "-1", "99999999999999999999", "4194304"):
        host.files.pid_file.write_text(text)
        assert host.adopt() is None, text
    assert opened() == before


def test_another_process_with_the_number_of_the_server_is_left_alone(host: Host) -> None:
    with subprocess.Popen(["/bin/sleep", "infinity"]) as other:
        before = opened()
        host.files.pid_file.write_text(str(other.pid))
        assert host.adopt() is None
        assert opened() == before
        assert other.poll() is None
        other.kill()


def test_a_server_of_other_files_is_left_alone(host: Host) -> None:
    running = host.start()
    others = ServerFiles(host.directory / "other")
    others.pid_file.write_text(host.text("pid"))
    assert host.processes.adopt(NETWORK, others) is None
    assert runs(running.descriptor)


def test_a_server_that_has_lost_its_helper_is_stopped_and_not_adopted(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a helper dnsmasq drops every lease event silently."""
    before = opened()
    with pytest.raises(DnsmasqFailed, match="ended right after its start"):
        host.start("no-helper")
    assert opened() == before
    pid = int(host.text("pid"))
    eventually(lambda: has_ended(pid), "the server without a helper ends")
    assert "has lost its helper" in caplog.text


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("gone", ["/no/such/namespace", "/proc/self/ns/uts"])
def test_a_server_in_a_namespace_that_is_gone_is_stopped_and_not_adopted(
    host: Host, gone: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Another namespace may stand at the same path by now, where the server is not."""
    running = host.start()
    before = opened()
    host.namespace = gone
    assert host.adopt() is None
    assert ends(running.descriptor)
    assert ends(running.helper)
    assert opened() == before
    assert "a namespace that is gone" in caplog.text


def test_a_reload_reaches_the_server_and_none_that_has_ended(host: Host) -> None:
    running = host.start()
    host.processes.reload(running)
    eventually(lambda: host.text("reloads") == "read\n", "it reads its files again")
    assert runs(running.descriptor)
    os.kill(running.pid, signal.SIGKILL)
    assert ends(running.descriptor)
    host.processes.reload(running)


@pytest.mark.parametrize("which", ["server", "helper"])
def test_a_server_or_a_helper_that_a_signal_has_stopped_goes_on(host: Host, which: str) -> None:
    """A stopped one answers nobody, or reports nothing, and ends no descriptor."""
    running = host.start()
    assert not host.processes.pulse(running).is_stopped
    server = psutil.Process(running.pid)
    stopped = server if which == "server" else server.children()[0]
    stopped.suspend()
    eventually(lambda: host.processes.pulse(running).is_stopped)
    host.processes.resume(running)
    eventually(lambda: stopped.status() != psutil.STATUS_STOPPED, "it goes on")
    assert not host.processes.pulse(running).is_stopped


def test_what_has_ended_is_not_stopped(host: Host) -> None:
    running = host.start()
    host.processes.stop(running)
    assert host.processes.pulse(running) == Pulse(False, False, 0.0, 0)
    host.processes.resume(running)


def test_a_server_that_waits_is_asleep_and_one_that_is_busy_uses_time(host: Host) -> None:
    running = host.start()
    eventually(lambda: host.processes.pulse(running).is_asleep)
    (host.files.directory / "busy").touch()
    host.processes.reload(running)
    before = host.processes.pulse(running).cpu_seconds
    eventually(lambda: host.processes.pulse(running).cpu_seconds > before + 0.1)
    assert not host.processes.pulse(running).is_asleep


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_hook_that_the_helper_waits_for_is_seen_and_can_be_ended(
    host: Host, number: int
) -> None:
    running = host.start("hook")
    hook = eventually(lambda: host.processes.pulse(running).hook, "the hook")
    host.processes.signal_hook(running, running.pid, number)  # it is no hook
    host.processes.signal_hook(running, hook, number)
    eventually(lambda: host.processes.pulse(running).hook == 0, "the hook ends")
    host.processes.signal_hook(running, hook, number)
    assert runs(running.descriptor)
    assert runs(running.helper)


def test_a_server_that_hangs_is_killed_with_its_helper_and_its_hook_is_not_waited_for(
    host: Host,
) -> None:
    running = host.start("hook deaf-to-term")
    hook = eventually(lambda: host.processes.pulse(running).hook, "the hook")
    host.processes.kill(running)
    assert ends(running.descriptor)
    assert ends(running.helper)
    assert host.processes.pulse(running).hook == 0
    with contextlib.suppress(ProcessLookupError):
        os.kill(hook, signal.SIGKILL)


def test_to_stop_waits_for_the_helpers_last_events(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(process, "HELPER_SECONDS", PATIENCE_SECONDS)
    running = host.start("slow-helper")
    host.processes.stop(running)
    assert not runs(running.descriptor)
    assert not runs(running.helper)
    assert (host.files.directory / "helper-ended").exists()


def test_to_stop_what_has_ended_is_no_error(host: Host) -> None:
    running = host.start()
    os.kill(running.pid, signal.SIGKILL)
    assert ends(running.descriptor)
    host.processes.stop(running)
    assert host.adopt() is None


def test_a_server_that_does_not_obey_is_killed(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.05)
    running = host.start("deaf-to-term")
    host.processes.stop(running)
    assert ends(running.descriptor)
    assert ends(running.helper)


def test_a_start_that_fails_says_the_program_and_its_status(host: Host) -> None:
    with pytest.raises(DnsmasqFailed, match="ended with status 1"):
        host.start("refuse")
    assert host.log.read() == ["dnsmasq: bad option at line 1"], "its words are in its log"
    assert host.adopt() is None


def test_a_server_that_ends_at_once_is_no_started_server(host: Host) -> None:
    before = opened()
    with pytest.raises(DnsmasqFailed, match="ended right after its start"):
        host.start("ends-at-once")
    assert opened() == before


def test_a_missing_program_is_said_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: Host
) -> None:
    monkeypatch.setattr(process, "SYSTEM_PATH", "")
    for name, package in (("prlimit", "util-linux"), ("dhcp_release", "dnsmasq-utils")):
        (tmp_path / "programs" / name).unlink(missing_ok=True)
        monkeypatch.setenv("PATH", str(tmp_path / "programs"))
        with pytest.raises(HostUnfit, match=f"{name} is not installed: `apt install {package}`"):
            DnsmasqProcesses("dnsmasq")


LEASE = Lease("10.0.0.5", "fa:16:3e:00:00:05", 7, "web", "01:fa:16:3e:00:00:05")


@pytest.mark.parametrize(
    ("lease", "arguments"),
    [
        (LEASE, "10.0.0.5 fa:16:3e:00:00:05 01:fa:16:3e:00:00:05"),
        (Lease("10.0.0.5", LEASE.mac_address, 7), f"10.0.0.5 {LEASE.mac_address}"),
        (Lease("10.0.0.5", LEASE.mac_address, 7, None, "ff:00:"), f"10.0.0.5 {LEASE.mac_address}"),
        (Lease("10.0.0.5", None, 7, None, "ff:00"), "10.0.0.5 * ff:00"),
    ],
    ids=["with a client id", "without", "a client id that was cut", "without a MAC address"],
)
def test_an_ipv4_lease_is_released_as_its_client_would(
    host: Host, lease: Lease, arguments: str
) -> None:
    host.processes.release(ReleaseLease(NETWORK, INTERFACE, "10.0.0.2", lease))
    released = (host.directory / "released").read_text()
    assert released == f"{INTERFACE.inside} {arguments}\n"


def test_a_release_that_fails_says_why(host: Host) -> None:
    (host.directory / "release-fails").touch()
    with pytest.raises(DnsmasqFailed, match="ended with status 1: cannot setup interface"):
        host.processes.release(ReleaseLease(NETWORK, INTERFACE, "10.0.0.2", LEASE))


LEASE6 = Lease("2001:db8::5", None, 7, duid="00:03:00:01:fa:16:3e:00:00:05", iaid="T77")


def test_an_ipv6_lease_is_released_through_a_relay_with_the_machines_own_words(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame on the outer end of the veth pair, so that no process is started in a namespace."""
    sent: list[tuple[bytes, tuple[str, int]]] = []

    class Sender:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_unused: object) -> None:
            pass

        def sendto(self, frame: bytes, to: tuple[str, int]) -> None:
            sent.append((frame, to))

    monkeypatch.setattr(socket, "socket", lambda *_unused: Sender())
    host.processes.release(ReleaseLease(NETWORK, INTERFACE, "2001:db8::2", LEASE6))
    ((frame, to),) = sent
    assert to == (INTERFACE.outside, 0)
    assert frame[:6].hex(":") == INTERFACE.mac
    found = probe_frames.frame_content(frame)
    assert found is not None
    assert (found.kind, found.source) == (probe_frames.DHCPV6_SERVER_PORT, "2001:db8::2")
    (message,) = probe_dhcp6.read_options(found.payload[34:])[9]
    assert message[0] == 8, "RELEASE"
    options = probe_dhcp6.read_options(message[4:])
    assert options[1] == [bytes.fromhex("00030001fa163e000005")]
    assert options[2] == [bytes.fromhex(server_duid(NETWORK).replace(":", ""))]
    (association,) = options[4]  # IA_TA, as the T says
    assert association[:4] == (77).to_bytes(4)
    (address,) = probe_dhcp6.read_options(association[4:])[5]
    assert address == IPv6Address("2001:db8::5").packed + bytes(8)


@pytest.mark.parametrize(
    "lease",
    [dataclasses.replace(LEASE6, duid=None), dataclasses.replace(LEASE6, iaid=None)],
    ids=["no DUID", "no IAID"],
)
def test_an_ipv6_lease_without_its_machines_words_cannot_be_released(
    host: Host, lease: Lease
) -> None:
    with pytest.raises(DnsmasqFailed, match=f"lease of {lease.ip_address}: no DUID or IAID"):
        host.processes.release(ReleaseLease(NETWORK, INTERFACE, "2001:db8::2", lease))
