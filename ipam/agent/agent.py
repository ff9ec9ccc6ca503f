"""The agent: makes its parts, runs its loop, and closes it."""

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec import UNSET

from ipam import clock, extras
from ipam.agent import address_checks
from ipam.agent.api_link import ApiLink
from ipam.agent.dnsmasq.address_probe import who_use
from ipam.agent.dnsmasq.advertiser import PacketAdvertiser
from ipam.agent.dnsmasq.dhcp6_requests import read_request, request_filter
from ipam.agent.dnsmasq.logs import ServerLogs
from ipam.agent.dnsmasq.nd_frames import read_sight, solicitation_filter
from ipam.agent.dnsmasq.neighbours import PacketNeighbours
from ipam.agent.dnsmasq.packet_listener import PacketListener
from ipam.agent.dnsmasq.probe import PacketProber
from ipam.agent.forwarder.forwarder import SOCKET as FORWARDER_SOCKET
from ipam.agent.forwarder.forwarder import DnsForwarder
from ipam.agent.guard import table
from ipam.agent.held import held_leases
from ipam.agent.holds import Holds
from ipam.agent.host import features
from ipam.agent.host.file_watch import InotifyWatch
from ipam.agent.host.forwarding_table import link_of
from ipam.agent.host.kernel import NetlinkKernel
from ipam.agent.host.own_address import wake_ip
from ipam.agent.host.packet_filter import packet_filter
from ipam.agent.host.premises import Premises
from ipam.agent.host.preparation import Preparation
from ipam.agent.inquiries import Inquiries
from ipam.agent.last_known_networks import LastKnownNetworks
from ipam.agent.leases.inbox import LeaseInbox, Spool
from ipam.agent.leases.inbox_file import InboxFile
from ipam.agent.leases.shipper import LeaseShipper
from ipam.agent.leases.table import LeaseTable
from ipam.agent.leases.unrecorded import UnrecordedLeases
from ipam.agent.names.book import NameBook
from ipam.agent.names.names import Names
from ipam.agent.names.news import NameNews
from ipam.agent.reconciler import Reconciler
from ipam.agent.refusal_reports import seen_refusals
from ipam.agent.served import ServedNetwork
from ipam.agent.server_leases import ServerLeases
from ipam.agent.servers import Servers
from ipam.agent.troubles import fitting
from ipam.agent.waiting import Waiting
from ipam.agent.wires import Reach
from ipam.client import Client
from ipam.errors import AgentHostInUse, SettingsUnfit
from ipam.model import LeaseAction
from ipam.protocol.address_checks import AddressCheckAnswer, AskedAddressCheck
from ipam.protocol.dns_lookups import AskedLookup, LookupAnswer
from ipam.protocol.probes import AskedProbe, ProbeAnswer
from ipam.protocol.refusals import SeenRefusal
from ipam.protocol.reports import AgentFacts
from ipam.protocol.wake import AGENT_SOCKET, LEASE_INBOX, WakeSocket
from ipam.protocol.wake_port import WakePort
from ipam.rules.segments import VXLAN
from ipam.settings import Settings

LOG = logging.getLogger(__name__)

TIDY_SECONDS = 10.0
NAMES_FILE = "names.db"
RESOLV_CONF = "/etc/resolv.conf"
REMOVE_SECONDS = 60.0
KEEPS_NAMES = (
    "dnsmasq {} goes on answering a name that is gone until it reads all its files, so each such"
    " name costs a SIGHUP; 2.88 and later need none"
)
TROUBLES_LENGTH = 40_000
"""Of the `MOST_FACTS` that the API takes."""
SIGHTS_BYTES = 1 << 18
"""Some 300 neighbour solicitations of one network in LOOK_SECONDS; others are seen later."""


class _Closeable(Protocol):
    def close(self) -> None: ...


P = TypeVar("P", bound=_Closeable)


@contextlib.contextmanager
def running_agent(settings: Settings, client: Client, prepared: Preparation) -> Iterator["Agent"]:
    """The agent with all its threads. At the end all is closed; the dnsmasqs run on.

    If a part cannot be made or started, nothing stays open.
    """
    with contextlib.ExitStack() as closing:
        agent = Agent(settings, client, prepared, closing)
        agent.start()
        yield agent


class Agent:
    """All parts that live as long as the process, and the loop."""

    def __init__(
        self,
        settings: Settings,
        client: Client,
        prepared: Preparation,
        closing: contextlib.ExitStack,
    ) -> None:
        """`closing` closes the parts in the reverse order of their making."""
        self._settings = settings
        self._closing = closing
        self.dnsmasq_version = prepared.dnsmasq_version
        self._installation = prepared.installation
        self._changed = self._stopping = False
        self._displaced: AgentHostInUse | None = None
        self._known = LastKnownNetworks(settings.agent.state_path / "networks")
        self._make_what_wakes()
        self._lasting_troubles = _lasting_troubles(prepared)
        book = NameBook(settings.agent.state_path / NAMES_FILE)
        self._names = self._closed_at_end(
            Names(book, forgets=prepared.forgets_names, on_kept=self._waiting.wake)
        )
        self._forwarder = DnsForwarder(
            settings.agent.run_path / FORWARDER_SOCKET,
            settings.dnsmasq.dns_servers,
            RESOLV_CONF if settings.dnsmasq.local_resolv else "",
        )
        closing.callback(self._forwarder.let_go)
        self._table = self._make_table()
        self._logs = ServerLogs(on_news=self._waiting.wake, on_given=self._table.note_given)
        closing.callback(self._logs.stop)
        self._make_leases(client)
        self._link = self._make_link(client)
        closing.callback(self._link.stop)
        prober = self._closed_at_end(PacketProber(self._logs.expect_probe))
        self._servers = self._make_servers(prepared)
        closing.callback(self._servers.let_go)
        self._inquiries = Inquiries(self._networks, self._leases.of, self._logs.expect_probe)
        self._reconciler = self._make_reconciler(prepared, prober)
        self._premises = self._closed_at_end(
            Premises(self._own_paths(prepared), shared=settings.run_path)
        )
        self._waiting.listen_to(self._premises)

    def _own_paths(self, prepared: Preparation) -> list[Path]:
        """Directories and files of the agent that are no network's, each before what is in it."""
        run_path, state = self._settings.agent.run_path, self._settings.agent.state_path
        below = (state / name for name in ("spool", "holds", "leases", "leaving", "networks"))
        return [run_path, run_path / "dhcp", state, *below, *prepared.files]

    def _closed_at_end(self, part: P) -> P:
        """The part, which is closed with the agent."""
        return self._closing.enter_context(contextlib.closing(part))

    def _make_what_wakes(self) -> None:
        """Make what the loop waits for."""
        self._waiting = self._closed_at_end(Waiting())
        self._kernel = self._closed_at_end(
            NetlinkKernel([*self._settings.agent.physical_interface_mappings.values()])
        )
        self._kernel_lacks = features.lacking()
        self._file_watch = self._closed_at_end(InotifyWatch())
        self._filter = self._closed_at_end(
            packet_filter(
                table.name_of(self._settings.run_path.absolute()),
                wanted=self._settings.agent.port_filter,
            )
        )
        self._waiting.listen_to(self._kernel)
        self._waiting.listen_to(self._file_watch)
        for descriptor in self._filter.sources():
            self._waiting.listen_to(descriptor)

    def _make_table(self) -> LeaseTable:
        unrecorded = UnrecordedLeases(self._settings.agent.run_path / "unrecorded")
        self._closed_at_end(unrecorded)
        return LeaseTable(self._settings.agent.state_path / "leases", unrecorded=unrecorded)

    def _make_leases(self, client: Client) -> None:
        """Make the path of lease events from the hook to the API."""
        state, settings = self._settings.agent.state_path, self._settings
        self._inbox_file = inbox_file = self._closed_at_end(InboxFile(state))
        self._shipper = LeaseShipper(client, inbox_file, self._table)
        self._closing.callback(self._shipper.stop)
        self._spool = Spool(state / "spool", settings.agent.hook_user)
        self._inbox = LeaseInbox(
            settings.agent.run_path / LEASE_INBOX,
            host=settings.host,
            file=inbox_file,
            table=self._table,
            spool=self._spool,
            on_event=self._on_lease_event,
            reason_of=self._reason_of,
        )
        self._closing.callback(self._inbox.stop)
        self._leases = ServerLeases(
            self._run_directory(),
            host=settings.host,
            table=self._table,
            inbox=self._inbox,
            logs=self._logs,
        )

    def _run_directory(self) -> Path:
        """Where each dnsmasq has a directory."""
        return self._settings.agent.run_path / "dhcp"

    def _make_link(self, client: Client) -> ApiLink:
        settings = self._settings
        return ApiLink(
            client,
            self._known,
            NameNews(client, self._names),
            host=settings.host,
            zone=settings.agent.availability_zone,
            wake=self._closed_at_end(WakeSocket(settings.run_path / AGENT_SOCKET, self._port())),
            wake_ip=partial(wake_ip, settings.agent),
            poll_seconds=settings.agent.poll_interval,
            report_seconds=settings.agent.report_interval,
            facts=self._facts,
            whereabouts=lambda: self._reconciler.whereabouts,
            on_change=self._on_networks,
            answer=self._answer_probes,
            look_up=self._look_up,
            check_addresses=self._check_addresses,
            refusals=self._refusals,
            held_leases=lambda: held_leases(self._table, clock.now_seconds()),
            on_displaced=self._give_way,
            on_heard=self._on_heard,
        )

    def _port(self) -> WakePort | None:
        number = self._settings.agent.wake_port
        return WakePort(number) if number else None

    def _make_servers(self, prepared: Preparation) -> Servers:
        return Servers(
            self._run_directory(),
            prepared.processes,
            leases=self._leases,
            spool=self._spool,
            names=self._names,
            forwarder=self._forwarder,
            watch=self._waiting.watch,
            unwatch=self._waiting.unwatch,
            file_watch=self._file_watch,
            logs=self._logs,
        )

    def _make_reconciler(self, prepared: Preparation, prober: PacketProber) -> Reconciler:
        of_agent = self._settings.agent
        held = Holds(of_agent.state_path)
        return Reconciler(
            self._kernel,
            self._servers,
            self._leases,
            self._filter,
            site=prepared.site,
            host=self._settings.host,
            drastic_fraction=1.0 if of_agent.allow_drastic else of_agent.drastic_fraction,
            report=self._link.report,
            ask=self._link.ask,
            forget=self._known.forget,
            heard_at=lambda: self._link.heard_at,
            logs=self._logs,
            prober=prober,
            neighbours=PacketNeighbours(),
            reach=Reach(
                of_agent.physical_interface_mappings,
                of_agent.bridge_mappings,
                of_agent.local_ip,
                of_agent.udp_dstport,
                self._settings.host,
            ),
            advertiser=PacketAdvertiser(prober),
            leaving_directory=of_agent.state_path / "leaving",
            listener=self._closed_at_end(PacketListener(request_filter(), read_request)),
            sights=self._closed_at_end(
                PacketListener(solicitation_filter(), read_sight, waiting_bytes=SIGHTS_BYTES)
            ),
            held=held.network_ids,
            names=self._names,
        )

    def start(self) -> None:
        """Adopt what an earlier process left, and begin to listen and to ask the API.

        Raises AgentHostInUse, before anything is touched, if the API says that another agent
        lives under this host's name.
        """
        self._reconciler.want(self._link.networks, said_by_api=False)
        self._link.introduce()
        self._logs.start()
        self._inbox.start()
        self._forwarder.start()
        self._servers.adopt()
        self._link.start()
        self._shipper.start()

    def serve(self) -> None:
        """Run the loop until `stop`.

        Raises AgentHostInUse, when nothing is served any more, if another agent turns out to live
        under this host's name: what the API says is for that one.
        """
        wait, tidy_at = 0.0, time.monotonic() + TIDY_SECONDS
        api_has_answered = False
        while not self._stopping:
            is_heard = self._wait(wait)
            is_heard |= self._put_premises_back()
            if self._changed:
                self._changed, api_has_answered = False, True
                self._reconciler.want(self._link.networks)
            try:
                rest = None if is_heard else self._reconciler.rest()
                wait = self._reconciler.turn() if rest is None else rest
                if time.monotonic() >= tidy_at:
                    tidy_at = time.monotonic() + TIDY_SECONDS
                    self._reconciler.tidy(api_has_answered=api_has_answered)
                    self._table.save()
                    self._forwarder.look()
            except Exception:
                LOG.exception("agent: a turn failed; the next one is in a second")
                wait = 1.0
        if self._displaced is not None:
            LOG.error("%s This agent ends, and so does its DHCP.", self._displaced)
            self.remove_everything()
            raise self._displaced

    def stop(self) -> None:
        """End `serve` after its turn. A thread or a signal handler may call it."""
        self._stopping = True
        self._waiting.wake()

    def remove_everything(self) -> None:
        """Stop every server, remove every namespace, and every bridge that nobody else uses."""
        until = time.monotonic() + REMOVE_SECONDS
        more = True
        while more and time.monotonic() < until:
            more = self._reconciler.remove_everything()
        self._forwarder.end()

    def _put_premises_back(self) -> bool:
        """Have the agent's own directories and files again; hooks spool as before.

        True if something was not as it was.
        """
        try:
            said = self._premises.put_back()
        except OSError as error:
            LOG.error("the agent's own files cannot be put back: %s", error)  # noqa: TRY400
            return True
        for sentence in said:
            LOG.warning("%s", sentence)
        if said:
            self._servers.look_at_all()
            for network_id in self._servers.network_ids():
                self._spool.prepare(network_id)
            self._table.save_all()
            for row in self._link.networks.values():
                self._known.save(row)
        return bool(said)

    def _wait(self, seconds: float) -> bool:
        """Wait until something happens; False if nothing did.

        A dnsmasq that has ended is not watched any more.
        """
        is_heard, ended = self._waiting.wait(seconds, self._reconciler.look_after_servers)
        for network_id in ended:
            self._servers.died(network_id)
        return is_heard

    def _give_way(self, refusal: AgentHostInUse) -> None:
        self._displaced = refusal
        self.stop()

    def _on_heard(self) -> None:
        if self._reconciler.depends_on_hearing():
            self._waiting.wake()

    def _on_networks(self) -> None:
        self._changed = True
        self._waiting.wake()

    def _reason_of(self, action: LeaseAction, network_id: str, address: str) -> str:
        """Why a lease begins or ends otherwise than by its machine; empty if it does not."""
        of = {"del": self._logs.reason_of_end, "add": self._reconciler.reason_of_begin}.get(action)
        return of(network_id, address) if of else ""

    def _networks(self) -> Mapping[str, ServedNetwork]:
        return self._reconciler.networks

    def _answer_probes(self, asked: Sequence[AskedProbe]) -> list[ProbeAnswer]:
        return self._inquiries.answer(asked)

    def _look_up(self, asked: AskedLookup) -> LookupAnswer:
        try:
            with extras.needed_for("a look at what a resolver answers"):
                from ipam.agent import resolver  # noqa: PLC0415  # dnspython takes 5 MB
        except SettingsUnfit as error:
            return LookupAnswer(id=asked.id, trouble=str(error))
        return resolver.answer(asked, self._reconciler.networks)

    def _check_addresses(self, asked: AskedAddressCheck) -> AddressCheckAnswer:
        return address_checks.answer(asked, self._reconciler.networks, who_use)

    def _refusals(self) -> list[SeenRefusal]:
        return list(seen_refusals(self._logs.refusals(), link_of))

    def _on_lease_event(self) -> None:
        self._shipper.wake()
        self._waiting.wake_for_lease()

    def _facts(self) -> AgentFacts:
        of_agent = self._settings.agent
        networks = list(self._reconciler.networks.values())
        of_leases = (self._inbox_file, self._inbox, self._shipper)
        troubles = {name: said for one in of_leases for name, said in one.troubles.items()}
        troubles |= {**self._lasting_troubles, **self._reconciler.troubles}
        return AgentFacts(
            dnsmasq_version=self.dnsmasq_version,
            networks=len(networks),
            ports=sum(len(network.ports) for network in networks),
            leases=self._table.count(),
            troubles=fitting(troubles, TROUBLES_LENGTH),
            events_waiting=self._reconciler.most_waiting(),
            interface_mappings=dict(of_agent.physical_interface_mappings),
            bridge_mappings=dict(of_agent.bridge_mappings),
            tunnel_types=[VXLAN] if of_agent.local_ip else [],
            tunneling_ip=of_agent.local_ip or UNSET,
            uplinks=self._reconciler.uplinks,
            kernel_lacks=self._kernel_lacks,
            vif_type=of_agent.vif_type or UNSET,
            conflicts=self._reconciler.conflicts,
            installation=self._installation,
            guard=self._reconciler.guard_facts,
            answers_uplinks=not self._filter.fault,
        )


def _lasting_troubles(prepared: Preparation) -> dict[str, str]:
    """What is amiss with the host's programs, said in the log, too."""
    if prepared.forgets_names:
        return {}
    said = KEEPS_NAMES.format(prepared.dnsmasq_version)
    LOG.warning("%s", said)
    return {"dnsmasq": said}
