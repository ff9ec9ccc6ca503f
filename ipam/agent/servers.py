"""The dnsmasq servers of this host, as observed for the plan, and the actions on them.

It joins, by network, the files, the process and the leases of one server.
"""

import logging
import math
import time
from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from ipam.agent.actions import ReleaseLease, RestoreLease
from ipam.agent.dnsmasq.config import lease_file_of, longest_lease_seconds
from ipam.agent.dnsmasq.failures import DnsmasqFailed
from ipam.agent.dnsmasq.files import ServerFiles, prepare_directory
from ipam.agent.forwarder.forwarder import DnsForwarder
from ipam.agent.in_turn import InTurn
from ipam.agent.leases.inbox import Spool
from ipam.agent.names.names import Names
from ipam.agent.observed import ObservedNetwork
from ipam.agent.outside import FileWatch, Logs, Processes, Pulse, Running, SeenNetwork
from ipam.agent.server_leases import ServerLeases
from ipam.agent.state import Lease, NetworkState
from ipam.agent.unchanged import Unchanged

LOG = logging.getLogger(__name__)

RELOAD_EVERY_SECONDS = 0.1
"""A SIGHUP replays every lease through the hook: many changes share one."""
LOOKS_FOR_ALL = 60
"""So many looks see every network's files: at one in ten seconds, ten minutes."""


class Servers:
    """The servers by network id. Not thread-safe."""

    def __init__(
        self,
        directory: Path,
        processes: Processes,
        *,
        leases: ServerLeases,
        spool: Spool,
        names: Names,
        forwarder: DnsForwarder,
        logs: Logs,
        file_watch: FileWatch,
        watch: Callable[[str, Running], None],
        unwatch: Callable[[Running], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._processes = processes
        self._leases = leases
        self._spool = spool
        self._names = names
        self._forwarder = forwarder
        self._logs = logs
        self._file_watch = file_watch
        self._watch = watch
        self._unwatch = unwatch
        self._monotonic = monotonic
        self._files: dict[str, ServerFiles] = {}
        self._running: dict[str, Running] = {}
        self._changed: set[Path] = set()
        self._turns = InTurn(LOOKS_FOR_ALL)
        self._observed = Unchanged[ObservedNetwork]()
        prepare_directory(directory)

    def forward(self, network_id: str, dns_servers: Sequence[str] | None) -> None:
        """Whom the network's server asks for names of elsewhere; None: the settings' servers."""
        self._forwarder.know(network_id, dns_servers)

    def adopt(self) -> None:
        """Take over what an earlier life of the agent left running."""
        for network_id, pid in self._processes.find(self._directory).items():
            self._files_of(network_id).keep_pid(pid)
        for path in self._directory.iterdir():
            files = self._files_of(path.name)
            running = self._processes.adopt(path.name, files)
            if running is not None and files.was_whole:
                self._hold(path.name, running)
                self._names.open(path.name, files.names)
                self._forwarder.serve(path.name)
            elif running is not None:
                self._processes.stop(running)
                self._processes.let_go(running)

    def refresh(self, held: Collection[str]) -> None:
        """Take in what others have changed on disk, but for these networks."""
        for network_id in self._names.take_kept() & self._files.keys():
            self._files[network_id].reload_later()
        self._changed.update(self._file_watch.changed())
        by_network: dict[str, set[Path]] = {}
        for path in self._changed:
            by_network.setdefault(self._network_of(path), set()).add(path)
        self._changed.clear()
        for network_id in by_network.keys() & self._files.keys():
            if network_id in held:
                self._changed.update(self._files[network_id].directories())  # for later
            else:
                self._take_in(network_id, by_network[network_id])

    def look_at_all(self) -> None:
        """Have the next `refresh` look at all files of all networks."""
        self._changed.update(one for files in self._files.values() for one in files.directories())

    def look_again(self, held: Collection[str]) -> bool:
        """Look at all files of some networks, other ones each time: the net under the watch.

        True if there is something to be done.
        """
        found = False
        for network_id in self._turns.some(self._files):
            if network_id in self._files and network_id not in held:
                files = self._files[network_id]
                self._take_in(network_id, files.directories())
                found |= self._files[network_id] is not files or files.reload_due
        return found

    def pulse(self, network_id: str) -> Pulse | None:
        """How the network's server is at this moment; None without one."""
        running = self._running.get(network_id)
        return self._processes.pulse(running) if running is not None else None

    def has_run(self, network_id: str) -> bool:
        """Whether the network's server may be no more as it was when it was seen at rest."""
        running = self._running.get(network_id)
        return running is None or self._processes.has_run(running)

    def runs(self, network_id: str) -> bool:
        """Whether the network has a server."""
        return network_id in self._running

    def resume(self, network_id: str) -> None:
        """Have a server go on that somebody has stopped with a signal."""
        LOG.warning("network %s: dnsmasq was stopped by a signal; it goes on", network_id)
        self._processes.resume(self._running[network_id])

    def signal_hook(self, network_id: str, hook: int, number: int) -> None:
        """Send a signal to the hook that the server's helper waits for."""
        self._processes.signal_hook(self._running[network_id], hook, number)

    def network_ids(self) -> AbstractSet[str]:
        """The networks of which the agent has something on this host."""
        return self._files.keys()

    def count(self) -> int:
        """How many servers run."""
        return len(self._running)

    def observe(
        self, network_id: str, seen: SeenNetwork, taps: Collection[str]
    ) -> ObservedNetwork:
        """The network's actual state, with those of the given taps that are on its bridge."""
        files, leases = self._files[network_id], self._leases.of(network_id)
        startup = files.startup if network_id in self._running else None
        due, retired = files.reload_due, files.retired()
        return self._observed.of(
            network_id,
            (seen, taps, files.snapshot(), startup, due, leases, retired),
            lambda: ObservedNetwork(
                NetworkState(
                    id=network_id,
                    bridge=seen.bridge,
                    namespace=seen.namespace,
                    interface=seen.interface,
                    addresses=seen.addresses,
                    files=files.snapshot(),
                    server=startup,
                    reload_due=due and startup is not None,
                    wire=seen.wire,
                    peers=seen.peers,
                    taps=seen.members & frozenset(taps),
                ),
                seen.foreign,
                leases,
                retired,
            ),
        )

    def begin(self, network_id: str) -> None:
        """Mark the network as the agent's, before anything of it exists."""
        self._files_of(network_id)

    def write(self, network_id: str, path: str, text: str) -> None:
        """See ServerFiles.write."""
        self._files[network_id].write(path, text)

    def remove(self, network_id: str, path: str) -> None:
        """See ServerFiles.remove."""
        self._files[network_id].remove(path)

    def start(self, network_id: str, startup: str) -> None:
        """Start the server with the leases that it had."""
        files = self._files[network_id]
        left = self._processes.adopt(network_id, files)
        if left is not None:  # by a start that failed half-way: two cannot serve
            self._processes.stop(left)
            self._processes.let_go(left)
        files.write_startup(startup)
        self._names.open(network_id, files.names)
        self._forwarder.serve(network_id)
        self._leases.prepare(network_id, lease_file_of(startup), longest_lease_seconds(startup))
        environment = {
            "IPAM_NETWORK": network_id,
            "IPAM_INBOX": str(self._leases.inbox.path),
            "IPAM_SPOOL": str(self._spool.prepare(network_id)),
        }
        self._logs.open(network_id, files.directory)
        log = self._logs.begin_anew(network_id)
        try:
            running = self._processes.start(network_id, files, environment, log)
        except DnsmasqFailed as error:
            raise DnsmasqFailed(f"{error}: {self._logs.last_words(network_id)}") from error
        self._hold(network_id, running)
        files.mark_read(self._monotonic())

    def reload(self, network_id: str) -> float:
        """Make the server read its files, or give the seconds until it may.

        One that does not run reads them when it starts.
        """
        running = self._running.get(network_id)
        if running is None:
            return 0.0
        files = self._files[network_id]
        wait = files.last_reload + RELOAD_EVERY_SECONDS - self._monotonic()
        if wait > 0:
            return wait
        self._processes.reload(running)
        self._logs.reloads(network_id)
        files.mark_read(self._monotonic())
        return 0.0

    def stop(self, network_id: str, *, for_good: bool) -> None:
        """Stop the server. If it is `for_good`, report the ends of its leases, too."""
        self._forwarder.leave(network_id)
        running = self._running.get(network_id)
        if running is not None:
            self._processes.stop(running)
            self._settle(network_id)
        if for_good:
            self._leases.end(network_id, self._leases.of(network_id))

    def died(self, network_id: str) -> None:
        """Stop what is left after the server or its helper has ended: neither works alone."""
        LOG.warning("network %s: dnsmasq has died; starting it again", network_id)
        self.stop(network_id, for_good=False)

    def hangs(self, network_id: str, what: str) -> None:
        """Kill a server that does not work any more. It starts again with its leases."""
        LOG.error("network %s: %s; killing its dnsmasq and starting it again", network_id, what)
        self._processes.kill(self._running[network_id])
        self._settle(network_id)

    def renew_log(self, network_id: str) -> None:
        """End a server that can soon log no more. It starts again with its leases."""
        LOG.warning(
            "network %s: the log of dnsmasq is nearly as long as it may be; starting it again",
            network_id,
        )
        self.stop(network_id, for_good=False)

    def release(self, step: ReleaseLease) -> None:
        """Ask the server to end a lease."""
        self._leases.expect_end(step.network_id, step.lease.ip_address)
        self._processes.release(step)

    def restore(self, step: RestoreLease, seconds: int) -> None:
        """Ask the server for a lease that has ended, for so long."""
        self._processes.restore(step, seconds)

    def stop_without(self, network_id: str, lease: Lease) -> None:
        """End a lease that the server does not end: it is stopped, and starts again without."""
        self.stop(network_id, for_good=False)
        self._leases.end_stopped(network_id, lease)

    def compare_leases(self, held: Collection[str]) -> float:
        """Record what no hook has reported. Gives the seconds until there may be more.

        A server whose hooks report nothing is killed, but for these.
        """
        wait = min(map(self._leases.compare, self._running), default=math.inf)
        silent = self._leases.take_unreported().intersection(self._running).difference(held)
        for network_id in silent:
            self.hangs(network_id, "its hooks report nothing")
        return 0.0 if silent else wait

    def forget(self, network_id: str) -> None:
        """Nothing of the network is left: remove its files."""
        self._leave(network_id).delete()
        self._names.forget(network_id)
        self._forwarder.forget(network_id)
        self._leases.forget(network_id)
        self._spool.remove(network_id)

    def let_go(self) -> None:
        """Close the descriptors of the processes, which run on."""
        for network_id in list(self._running):
            self._let_go(network_id)

    def _settle(self, network_id: str) -> None:
        """A server does not run any more: record what its hooks did not report."""
        self._let_go(network_id)
        startup = self._files[network_id].startup
        self._leases.settle(network_id, longest_lease_seconds(startup))

    def _hold(self, network_id: str, running: Running) -> None:
        self._running[network_id] = running
        self._watch(network_id, running)

    def _let_go(self, network_id: str) -> None:
        running = self._running.pop(network_id)
        self._unwatch(running)
        self._processes.let_go(running)

    def _files_of(self, network_id: str) -> ServerFiles:
        if network_id not in self._files:
            files = self._files[network_id] = ServerFiles(self._directory / network_id)
            if path := lease_file_of(files.startup):
                self._leases.locate(network_id, path)
            self._logs.open(network_id, files.directory)
            files.remember_parts()
            for directory in files.directories():
                self._file_watch.watch(directory)
        return self._files[network_id]

    def _leave(self, network_id: str) -> ServerFiles:
        """The files, which are no more the agent's."""
        self._names.shut(network_id)
        self._logs.close(network_id)
        self._observed.forget(network_id)
        files = self._files.pop(network_id)
        for directory in files.directories():
            self._file_watch.unwatch(directory)
        return files

    def _network_of(self, path: Path) -> str:
        """The network whose directory the path is in, or would be."""
        within = str(path).removeprefix(f"{self._directory}/")  # pathlib takes ten times as long
        return "" if within == str(path) else within.partition("/")[0]

    def _take_in(self, network_id: str, paths: Collection[Path]) -> None:
        files = self._files[network_id]
        if not files.is_whole():  # and what runs watches directories that are gone
            self.stop(network_id, for_good=False)
            self._leave(network_id).delete()
            self._files_of(network_id)
            return
        files.take_in(paths)
        running = self._running.get(network_id)
        if running is not None and not {files.directory, files.pid_file}.isdisjoint(paths):
            files.keep_pid(running.pid)
