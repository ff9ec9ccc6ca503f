"""Starts dnsmasq processes in their namespaces, adopts, reloads and stops them.

They outlive the agent. A process is recognised by its pid file and its command line. A pidfd then
stands for that process only, and becomes readable when it ends.
"""

import contextlib
import logging
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from ipam import model
from ipam.agent.actions import ReleaseLease, RestoreLease
from ipam.agent.dnsmasq import event_queue, lease_messages, log_file
from ipam.agent.dnsmasq.config import lease_file_of
from ipam.agent.dnsmasq.failures import DnsmasqFailed
from ipam.agent.dnsmasq.files import CONFIG, ServerFiles
from ipam.agent.dnsmasq.process_stat import STAT_BYTES, ProcessStat, open_proc
from ipam.agent.host.confinement import confine_thread
from ipam.agent.host.namespaces import call_in_namespace, namespace_path
from ipam.agent.outside import Pulse, Running
from ipam.errors import HostUnfit

LOG = logging.getLogger(__name__)

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STOP_SECONDS = 5.0
"""dnsmasq gives its pending events to its helper before it ends."""
HELPER_SECONDS = 2.0
COMMAND_SECONDS = 20.0


def find_program(name: str, package: str) -> str:
    """The path of a program. Raises HostUnfit with the Debian package to install."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")
    if found is None:
        raise HostUnfit(f"{name} is not installed: `apt install {package}` (Debian and Ubuntu).")
    return found


class DnsmasqProcesses:
    """See outside.Processes. Its only state is the paths of the programs."""

    def __init__(self, dnsmasq: str) -> None:
        self.dnsmasq = find_program(dnsmasq, "dnsmasq-base")
        self._release = find_program("dhcp_release", "dnsmasq-utils")
        self._prlimit = find_program("prlimit", "util-linux")

    def find(self, directory: Path) -> Mapping[str, int]:
        """The process ids of those that serve from directories in this one, by their names.

        Each in its network's namespace, which nobody but root can have put it into.
        """
        found: dict[int, str] = {}
        parents: dict[int, int] = {}
        for process in psutil.process_iter(["pid", "ppid", "cmdline"]):
            for word in process.info["cmdline"] or ():
                path = Path(word.removeprefix("--conf-file="))
                if (path.name, path.parent.parent) == (CONFIG, directory):
                    found[process.info["pid"]] = path.parent.name
                    parents[process.info["pid"]] = process.info["ppid"]
        return {
            network_id: pid
            for pid, network_id in found.items()
            if parents[pid] not in found and _in_namespace(pid, network_id)
        }

    def adopt(self, network_id: str, files: ServerFiles) -> Running | None:
        """The running dnsmasq of these files, in the network's namespace."""
        try:
            pid = int(files.pid_file.read_text())
            descriptor = os.pidfd_open(pid)
        except (OSError, ValueError, OverflowError):
            return None
        try:
            if not _serves_from(pid, files):
                os.close(descriptor)
                return None
            running = _running(pid, descriptor)
        except (OSError, LookupError):
            LOG.warning("network %s: dnsmasq %d has lost its helper: stopping it", network_id, pid)
            _end(descriptor, STOP_SECONDS)
            os.close(descriptor)
            return None
        if not _in_namespace(pid, network_id):
            LOG.warning("network %s: dnsmasq %d is in a namespace that is gone", network_id, pid)
            self.stop(running)
            self.let_go(running)
            return None
        return running

    def start(
        self, network_id: str, files: ServerFiles, environment: Mapping[str, str], log: int
    ) -> Running:
        """A dnsmasq that has read its files and is ready to answer. It logs into `log`.

        It and its helper write in their network's directory and spool alone. One that was killed
        leaves the processes that answer DNS over TCP, and those its port: they end first.
        """
        try:
            self._run_server(network_id, files, environment, log)
        except DnsmasqFailed:
            if not _end_left_behind(files):
                raise
            self._run_server(network_id, files, environment, log)
        running = self.adopt(network_id, files)
        if running is None:
            raise DnsmasqFailed("dnsmasq ended right after its start")
        return running

    def _run_server(
        self, network_id: str, files: ServerFiles, environment: Mapping[str, str], log: int
    ) -> None:
        self._enter(
            network_id,
            [self.dnsmasq, f"--conf-file={files.directory / CONFIG}"],
            {"PATH": SYSTEM_PATH, **environment},
            errors=log,
            writable=[
                files.directory,
                *_existing(environment["IPAM_SPOOL"]),
                *_existing(lease_file_of(files.startup)),
                Path(os.devnull),
            ],
        )

    def reload(self, running: Running) -> None:
        """Make it read its hosts and options again, before the next packet."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(running.descriptor, signal.SIGHUP)

    def pulse(self, running: Running) -> Pulse:
        """See outside.Processes. Three reads of files that are open: 5 µs if neither has run."""
        (state, cpu_seconds), (of_helper, _) = (stat.read() for stat in running.stats)
        # A debugger's hold is another state.
        is_stopped = b"T" in (state, of_helper)
        hook = _read_hook(running.hooks)
        waiting = event_queue.waiting(running.queue) if hook or of_helper != b"S" else 0
        return Pulse(is_stopped, state == b"S", cpu_seconds, hook, waiting)

    def has_run(self, running: Running) -> bool:
        """See outside.Processes. Two reads of files that are open."""
        dnsmasq, helper = running.stats
        return dnsmasq.has_run() or helper.has_run()

    def resume(self, running: Running) -> None:
        """Have it and its helper go on, which a signal has stopped."""
        for descriptor in (running.descriptor, running.helper):
            _send(descriptor, signal.SIGCONT)

    def signal_hook(self, running: Running, hook: int, number: int) -> None:
        """Send a signal to the hook, if the helper still waits for it."""
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(hook)
            try:
                if _read_hook(running.hooks) == hook:
                    _send(descriptor, number)
            finally:
                os.close(descriptor)

    def stop(self, running: Running) -> None:
        """Stop it. Its helper gets some time for the last events."""
        _end(running.descriptor, STOP_SECONDS)
        _ended(running.helper, HELPER_SECONDS)

    def kill(self, running: Running) -> None:
        """End one that does not listen, and its helper. One that the kernel holds ends later."""
        for descriptor in (running.descriptor, running.helper):
            _send(descriptor, signal.SIGKILL)
        for descriptor in (running.descriptor, running.helper):
            _ended(descriptor, HELPER_SECONDS)

    def let_go(self, running: Running) -> None:
        """Close its descriptors, whether it runs or has ended."""
        for descriptor in (running.descriptor, running.helper, running.hooks):
            os.close(descriptor)
        for stat in running.stats:
            stat.close()

    def release(self, step: ReleaseLease) -> None:
        """Tell the network's dnsmasq that the lease has ended, as the client would.

        Not by dhcp_release6: that waits a second for an answer, and so would every network.
        """
        lease = step.lease
        if model.ip_version(lease.ip_address) == 6:
            _send_as_relay(step, lease_messages.release6(step))
            return
        client_id = lease_messages.whole_client_id(lease)
        command = [self._release, step.interface.inside, lease.ip_address]
        command += [lease.mac_address or "*", *([client_id] if client_id else [])]
        self._enter(step.network_id, command, {"PATH": SYSTEM_PATH})

    def restore(self, step: RestoreLease, seconds: int) -> None:
        """See outside.Processes. The answer goes to the server itself."""
        _send_as_relay(step, lease_messages.request(step, seconds))

    def _enter(
        self,
        network_id: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        errors: int | None = None,
        writable: Sequence[Path] = (),
    ) -> None:
        """Run it to its end in the namespace. A file takes what it says: a daemon keeps pipes.

        Its standard error may go to a descriptor instead. If paths are given, it and what it
        starts write nowhere else, and no file that is longer than a log may be.
        """
        limit = [self._prlimit, f"--fsize={log_file.LIMIT_BYTES}:", "--"] if writable else []
        with tempfile.TemporaryFile() as output:

            def run() -> subprocess.CompletedProcess[bytes]:
                if writable:  # the thread stays confined, and ends after this
                    confine_thread(writable)
                return subprocess.run(
                    [*limit, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output if errors is None else errors,
                    env=dict(environment),
                    cwd="/",
                    timeout=COMMAND_SECONDS,
                    check=False,
                    restore_signals=False,  # SIGXFSZ would end it at the limit of its log
                )

            try:
                done = call_in_namespace(model.dhcp_namespace(network_id), run)
            except OSError as error:
                raise DnsmasqFailed(f"{command[0]} cannot be started: {error}") from error
            output.seek(0)
            said = output.read(2000).decode(errors="backslashreplace").strip()
        if done.returncode != 0:
            raise DnsmasqFailed(f"{command[0]} ended with status {done.returncode}: {said}")


def _send_as_relay(step: ReleaseLease | RestoreLease, frame: bytes) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.sendto(frame, (step.interface.outside, 0))


def _serves_from(pid: int, files: ServerFiles) -> bool:
    try:
        return f"--conf-file={files.directory / CONFIG}" in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _end_left_behind(files: ServerFiles) -> int:
    """Kill what an ended dnsmasq of these files has left; how many processes that were."""
    left = [one for one in psutil.process_iter() if _serves_from(one.pid, files)]
    for one in left:
        with contextlib.suppress(psutil.Error):
            one.kill()
    psutil.wait_procs(left, timeout=HELPER_SECONDS)
    return len(left)


def _in_namespace(pid: int, network_id: str) -> bool:
    try:
        return Path(f"/proc/{pid}/ns/net").samefile(namespace_path(network_id))
    except OSError:
        return False


def _helper_of(pid: int) -> int:
    """The oldest child: younger ones answer DNS over TCP. Raises LookupError without one."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0])


def _running(pid: int, descriptor: int) -> Running:
    """The dnsmasq and its helper. Raises OSError or LookupError if one of them has ended."""
    with contextlib.ExitStack() as opened:

        def held(one: int) -> int:
            opened.callback(os.close, one)
            return one

        helper = _helper_of(pid)
        watched = held(os.pidfd_open(helper))
        hooks = held(open_proc(helper, f"task/{helper}/children"))
        stats = ProcessStat(pid), ProcessStat(helper)
        opened.pop_all()
    return Running(pid, descriptor, watched, stats, hooks, event_queue.find(pid, helper))


def _read_hook(children: int) -> int:
    """The only child of a helper; 0 for none."""
    try:
        found = os.pread(children, STAT_BYTES, 0).split()
    except ProcessLookupError:
        return 0
    return int(found[0]) if found else 0


def _send(descriptor: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, number)


def _end(descriptor: int, patience_seconds: float) -> None:
    _send(descriptor, signal.SIGTERM)
    if not _ended(descriptor, patience_seconds):
        _send(descriptor, signal.SIGKILL)
        _ended(descriptor, patience_seconds)


def _ended(descriptor: int, patience_seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(patience_seconds * 1000))


def _existing(file: str) -> list[Path]:
    """The file, unless a disk that is read-only has none."""
    path = Path(file)
    return [path] if file and path.exists() else []
