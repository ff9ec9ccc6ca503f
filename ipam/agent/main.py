"""The agent process: its parts put together, its one loop, its end."""

import contextlib
import logging
import os
import pwd
import resource
import selectors
import signal
import time
from pathlib import Path
from typing import Any, Self

from msgspec import UNSET

import ipam
from ipam import files, systemd
from ipam.agent.api_link import ApiLink
from ipam.agent.dnsmasq import safe_words
from ipam.agent.dnsmasq.config import Site, mac_tags_file
from ipam.agent.dnsmasq.logs import ServerLogs
from ipam.agent.dnsmasq.probe import PacketProber
from ipam.agent.dnsmasq.process import DnsmasqProcesses
from ipam.agent.host import checks
from ipam.agent.host.kernel import NetlinkKernel
from ipam.agent.last_known_networks import KnownState
from ipam.agent.leases.inbox import LeaseInbox, Spool
from ipam.agent.leases.inbox_file import InboxFile
from ipam.agent.leases.shipper import LeaseShipper
from ipam.agent.leases.table import LeaseTable
from ipam.agent.outside import Running
from ipam.agent.reconciler import Reconciler
from ipam.agent.servers import Servers
from ipam.client import Client
from ipam.errors import HostUnfit
from ipam.protocol.reports import AgentFacts
from ipam.protocol.wake import AGENT_SOCKET, LEASE_INBOX, WakeSocket
from ipam.settings import Settings

LOG = logging.getLogger(__name__)

TIDY_SECONDS = 10.0
API_TIMEOUT_SECONDS = 30.0
REMOVE_SECONDS = 60.0
TROUBLES_TOLD = 20


def run(settings: Settings, *, stop_everything_on_exit: bool = False) -> None:
    """Serve until SIGTERM or SIGINT. The dnsmasqs go on, unless everything is to stop.

    Raises HostUnfit, before anything is touched, if the host cannot do it.
    """
    with _client(settings) as client, Agent(settings, client) as agent:
        with agent.stopped_by_signals():
            systemd.notify("READY=1")
            LOG.info("Agent of host %s, dnsmasq %s", settings.host, agent.dnsmasq_version)
            agent.serve()
        systemd.notify("STOPPING=1")
        if stop_everything_on_exit:
            agent.remove_everything()


class Agent:
    """Everything that lives as long as the process: made, started, and closed in order."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._settings = settings
        programs = _check_host(settings)
        self.dnsmasq_version = checks.check_dnsmasq(programs.dnsmasq).text
        state, run_path = settings.agent.state_path, settings.run_path
        _make_directories(state, run_path)
        site = _site(settings, run_path, _install_hook(state), _write_mac_tags(state))
        known = KnownState(state / "networks")
        self._changed = self._stopping = False
        self._wake_reader, self._wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector = selectors.DefaultSelector()
        self._kernel = NetlinkKernel()
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        self._selector.register(self._kernel, selectors.EVENT_READ)
        self._table = LeaseTable(state / "leases")
        self._inbox_file = InboxFile(state)
        self._shipper = LeaseShipper(client, self._inbox_file, self._table)
        self._link = ApiLink(
            client,
            known,
            host=settings.host,
            zone=settings.agent.availability_zone,
            wake=WakeSocket(run_path / AGENT_SOCKET),
            poll_seconds=settings.agent.poll_interval,
            report_seconds=settings.agent.report_interval,
            facts=self._facts,
            on_change=self._on_networks,
        )
        spool = Spool(state / "spool", settings.agent.hook_user)
        self._inbox = LeaseInbox(
            run_path / LEASE_INBOX,
            host=settings.host,
            file=self._inbox_file,
            table=self._table,
            spool=spool,
            on_event=self._on_lease_event,
        )
        self._logs = ServerLogs(on_news=self._wake)
        self._prober = PacketProber()
        self._servers = Servers(
            run_path / "dhcp",
            programs,
            host=settings.host,
            table=self._table,
            inbox=self._inbox,
            spool=spool,
            logs=self._logs,
            watch=self._watch,
            unwatch=self._unwatch,
        )
        drastic = 1.0 if settings.agent.allow_drastic else settings.agent.drastic_fraction
        self._reconciler = Reconciler(
            self._kernel,
            self._servers,
            site=site,
            host=settings.host,
            drastic_fraction=drastic,
            report=self._link.report,
            ask=self._link.ask,
            forget=known.forget,
            logs=self._logs,
            prober=self._prober,
        )

    def __enter__(self) -> Self:
        self._inbox.start()
        self._logs.start()
        self._servers.adopt()
        self._reconciler.want(self._link.networks)
        self._link.start()
        self._shipper.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        """End every thread and close every descriptor; what is served goes on being served."""
        self._link.stop()
        self._inbox.stop()
        self._shipper.stop()
        self._inbox_file.close()
        self._servers.let_go()
        self._logs.stop()
        self._prober.close()
        self._selector.close()
        self._kernel.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def serve(self) -> None:
        """Turn after turn, until `stop`."""
        wait, tidy_at = 0.0, time.monotonic() + TIDY_SECONDS
        while not self._stopping:
            self._wait(wait)
            if self._changed:
                self._changed = False
                self._reconciler.want(self._link.networks)
            try:
                wait = self._reconciler.turn()
                if time.monotonic() >= tidy_at:
                    tidy_at = time.monotonic() + TIDY_SECONDS
                    self._reconciler.tidy(time.time())
                    self._table.save()
            except Exception:
                LOG.exception("agent: a turn failed; the next one is in a second")
                wait = 1.0

    def stop(self) -> None:
        """End `serve` after its turn; may be called from a thread or a signal handler."""
        self._stopping = True
        self._wake()

    def remove_everything(self) -> None:
        """Stop every server, and remove every namespace and bridge that nobody else uses."""
        until = time.monotonic() + REMOVE_SECONDS
        more = True
        while more and time.monotonic() < until:
            more = self._reconciler.remove_everything()

    @contextlib.contextmanager
    def stopped_by_signals(self) -> Any:
        """SIGTERM and SIGINT end `serve`."""
        signals = (signal.SIGTERM, signal.SIGINT)
        before = {one: signal.signal(one, lambda *_unused: self.stop()) for one in signals}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _wait(self, seconds: float) -> None:
        """Until something happened. A dnsmasq whose end woke us is taken off the list."""
        died = set()
        for key, _mask in self._selector.select(seconds):
            if key.data is not None:
                died.add(key.data)
            elif key.fd == self._wake_reader:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_reader, 65536)
        for network_id in died:
            self._servers.died(network_id)

    def _watch(self, network_id: str, running: Running) -> None:
        for descriptor in (running.descriptor, running.helper):
            self._selector.register(descriptor, selectors.EVENT_READ, network_id)

    def _unwatch(self, running: Running) -> None:
        for descriptor in (running.descriptor, running.helper):
            self._selector.unregister(descriptor)

    def _on_networks(self) -> None:
        self._changed = True
        self._wake()

    def _on_lease_event(self) -> None:
        self._shipper.wake()
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full of wakes already
            os.write(self._wake_writer, b"x")

    def _facts(self) -> AgentFacts:
        networks = list(self._reconciler.networks.values())
        return AgentFacts(
            dnsmasq_version=self.dnsmasq_version,
            networks=len(networks),
            ports=sum(len(network.ports) for network in networks),
            leases=self._table.count(),
            troubles=dict(list(self._reconciler.troubles.items())[:TROUBLES_TOLD]),
            vif_type=self._settings.agent.vif_type or UNSET,
        )


def _client(settings: Settings) -> Client:
    if not settings.agent.api_url:
        return Client(socket_path=settings.api.socket, timeout_seconds=API_TIMEOUT_SECONDS)
    return Client(
        url=settings.agent.api_url,
        auth=_auth(settings),
        timeout_seconds=API_TIMEOUT_SECONDS,
    )


def _auth(settings: Settings) -> Any:
    """How the agent signs in at a URL."""
    if settings.agent.auth_strategy == "keystone":
        from ipam.keystone_session import agent_auth  # noqa: PLC0415  # most agents do without

        return agent_auth(settings)
    given = (settings.agent.username, settings.agent.password)
    return given if settings.agent.username else None


def _check_host(settings: Settings) -> DnsmasqProcesses:
    """The programs, once the host is found fit and its limits are raised."""
    if os.geteuid() != 0:
        raise HostUnfit("The agent makes bridges and namespaces: run it as root.")
    try:
        pwd.getpwnam(settings.agent.hook_user)
    except KeyError as error:
        raise HostUnfit(
            f"[agent] hook_user: there is no user {settings.agent.hook_user!r}; the package"
            " dnsmasq-base makes `dnsmasq`."
        ) from error
    programs = DnsmasqProcesses(settings.agent.dnsmasq)
    checks.raise_limits()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # two descriptors a dnsmasq
    return programs


def _make_directories(state: Path, run_path: Path) -> None:
    """Made so that dnsmasq and the hook, who are not root, can pass through to their files."""
    run_path.mkdir(parents=True, exist_ok=True)
    state.mkdir(parents=True, exist_ok=True)
    for directory in (run_path, state.parent, state):
        mode = directory.stat().st_mode
        if not mode & 0o001:
            directory.chmod(mode | 0o011)


def _install_hook(state: Path) -> Path:
    """A copy that only root can change: what is installed may be a user's checkout.

    Not in the run path, as /run is often mounted noexec.
    """
    hook = state / "dnsmasq_hook"
    source = Path(ipam.__file__).parent / "dnsmasq_hook.py"
    files.put(hook, source.read_bytes(), mode=0o755)
    return hook


def _write_mac_tags(state: Path) -> Path:
    """The file that every dnsmasq of this host reads at its start."""
    file = state / "mac_tags.conf"
    files.put(file, mac_tags_file().encode())
    return file


def _site(settings: Settings, run_path: Path, hook: Path, mac_tags: Path) -> Site:
    try:
        return Site(
            run_path=safe_words.path(str(run_path.absolute() / "dhcp")),
            mac_tags=safe_words.path(str(mac_tags.absolute())),
            hook=safe_words.path(str(hook.absolute())),
            hook_user=safe_words.user(settings.agent.hook_user),
        )
    except safe_words.UnfitError as error:
        raise HostUnfit(f"run_path, state_path or [agent] hook_user: {error}") from error
