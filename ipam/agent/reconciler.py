"""Observe, plan, check, act, observe: one turn brings the host nearer to what the API wants.

Level-triggered: whatever woke it, a turn looks at everything and does what is missing. A network
that fails is left alone for a while; the others are not. A port is ready when what was observed
is what was planned for it, and down when the tap that it waits for is not there.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, assert_never

from ipam.agent import actions
from ipam.agent.actions import AnyAction
from ipam.agent.desired import ServedNetwork, ServedPort, served_network
from ipam.agent.dnsmasq.config import Site
from ipam.agent.host.kernel import Kernel
from ipam.agent.host.unknown_taps import UnknownTaps
from ipam.agent.plan import DrasticPlan, plan, refuse_if_drastic
from ipam.agent.releases import AGAIN_SECONDS, Releases
from ipam.agent.reported_ports import Told
from ipam.agent.retries import Retries
from ipam.agent.servers import Serving
from ipam.agent.state import HostState, NetworkState
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 60.0
EXPIRED_SECONDS = 60
IDLE_SECONDS = 10.0
LONGEST_ACT_SECONDS = 0.2
TAP_AGAIN_SECONDS = 5.0

Json = Mapping[str, Any]


class NoEffectError(RuntimeError):
    """What was just done did not last: to do it over and over would only burn the host."""


class Reconciler:
    """The loop's body. Not for several threads."""

    def __init__(
        self,
        kernel: Kernel,
        serving: Serving,
        *,
        site: Site,
        host: str,
        drastic_fraction: float,
        report: Callable[[Mapping[str, tuple[int, bool]]], None],
        ask: Callable[[], None],
        forget: Callable[[str], None],
    ) -> None:
        self._kernel = kernel
        self._serving = serving
        self._site = site
        self._host = host
        self._drastic_fraction = drastic_fraction
        self._report = report
        self._ask = ask
        self._forget = forget
        self._rows: Mapping[str, Json] = {}
        self._served: dict[str, ServedNetwork] = {}
        self._told = Told()
        self._unknown_taps = UnknownTaps()
        self._failed = Retries(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        self._stubborn_taps = Retries(TAP_AGAIN_SECONDS, TAP_AGAIN_SECONDS)
        self._releases = Releases(serving)
        self._just_done: dict[str, list[AnyAction]] = {}
        self._refusal = Trouble()
        self._wake_in = IDLE_SECONDS

    @property
    def networks(self) -> Mapping[str, ServedNetwork]:
        """What is to be served."""
        return self._served

    @property
    def troubles(self) -> Mapping[str, str]:
        """What cannot be done now, by network id or tap."""
        return {**self._failed.troubles, **self._stubborn_taps.troubles}

    def want(self, rows: Mapping[str, Json]) -> None:
        """From now on serve these networks of the API's `dhcp-state`."""
        served = {}
        for network_id, row in rows.items():
            if self._rows.get(network_id) is row and network_id in self._served:
                served[network_id] = self._served[network_id]
                continue
            try:
                served[network_id] = self._parse(row)
            except (ValueError, KeyError, TypeError) as error:
                LOG.error("network %s: cannot serve it: %r", network_id, error)  # noqa: TRY400
                if network_id in self._served:
                    served[network_id] = self._served[network_id]
        self._rows, self._served = rows, served

    def turn(self, *, remove_everything: bool = False) -> float:
        """Do what is to be done; gives the seconds until the next look, 0 for at once."""
        self._wake_in = IDLE_SECONDS
        steps = self._plan(remove_everything=remove_everything)
        if self._act(steps, for_good=remove_everything):
            return 0.0
        return self._wake_in

    def _parse(self, row: Json) -> ServedNetwork:
        network = served_network(row, self._site, self._host)
        for fault in network.faults:
            LOG.warning("left out of dnsmasq's files: %s", fault)
        for port in network.ports.values():
            self._told.hear(port)
        return network

    def _plan(self, *, remove_everything: bool) -> list[AnyAction]:
        """What is missing on this host; what was seen of ports and taps goes to the API."""
        self._kernel.links.refresh()
        desired = HostState({} if remove_everything else self._desired())
        actual, occupied = self._observe(desired)
        steps = plan(desired, actual, occupied)
        if not remove_everything:
            steps = self._without_drastic(steps, desired, actual)
            self._tell_of_ports(desired, actual)
            self._ask_about_taps()
            for network_id, served in self._served.items():
                steps += tuple(self._releases.plan(served, actual.networks.get(network_id)))
        return [step for step in steps if self._may_try(step.network_id)]

    def _desired(self) -> dict[str, NetworkState]:
        self._stubborn_taps.forget_due(time.monotonic())
        wanted, stubborn = {}, self._stubborn_taps.troubles.keys()
        for network_id, served in self._served.items():
            state = served.state
            taps = self._kernel.present_taps(state.taps) - stubborn
            # libvirt fails to start a guest whose tap is on the bridge before it is put there.
            if served.self_plugged:
                taps -= served.self_plugged - self._kernel.members(network_id)
            wanted[network_id] = state if taps == state.taps else _with_taps(state, taps)
        return wanted

    def _observe(self, desired: HostState) -> tuple[HostState, set[str]]:
        actual, occupied = {}, set()
        for network_id in list(self._serving.network_ids()):
            seen = self._kernel.see(network_id)
            wanted = desired.networks.get(network_id)
            taps = wanted.taps if wanted else ()
            actual[network_id] = self._serving.observe(network_id, seen, taps)
            if seen.foreign and seen.bridge:
                occupied.add(seen.bridge.name)
        return HostState(actual), occupied

    def _without_drastic(
        self, steps: tuple[AnyAction, ...], desired: HostState, actual: HostState
    ) -> tuple[AnyAction, ...]:
        """The plan, or what of it takes nothing away."""
        try:
            refuse_if_drastic(steps, actual, self._drastic_fraction)
        except DrasticPlan as error:
            if self._refusal.begins(str(error)):
                LOG.error("%s", error)  # noqa: TRY400  # the sentence says it all
            return tuple(step for step in steps if step.network_id in desired.networks)
        self._refusal.ends()
        return steps

    def _act(self, steps: Iterable[AnyAction], *, for_good: bool) -> bool:
        """Carry out the steps, network by network; True if something was done.

        Short plans go first, and after a while the rest waits for the next look: a new port
        does not wait until a hundred networks are built.
        """
        acted, until = False, time.monotonic() + LONGEST_ACT_SECONDS
        plans: dict[str, list[AnyAction]] = {}
        for step in steps:
            plans.setdefault(step.network_id, []).append(step)
        before, self._just_done = self._just_done, {}
        for network_id in sorted(plans, key=lambda one: len(plans[one])):
            stays = network_id in self._served and not for_good
            try:
                _refuse_to_repeat(plans[network_id], before.get(network_id))
                done = [self._carry_out(one, for_good=not stays) for one in plans[network_id]]
                _tell(plans[network_id], done)
                self._failed.succeeded(network_id)
            except Exception as error:  # noqa: BLE001  # one network must not stop the others
                self._leave_alone(network_id, error)
            else:
                acted |= any(done)
                if all(done):
                    self._just_done[network_id] = plans[network_id]
            if acted and time.monotonic() > until:
                break
        return acted

    def _carry_out(self, step: AnyAction, *, for_good: bool) -> bool:
        """Do it; False if it has to wait."""
        kernel, serving, network_id = self._kernel, self._serving, step.network_id
        LOG.debug("%s", step)
        serving.begin(network_id)
        match step:
            case actions.EnsureBridge():
                kernel.ensure_bridge(step.bridge)
            case actions.DeleteBridge():
                kernel.delete_link(step.name)
            case actions.CreateNamespace():
                kernel.create_namespace(network_id)
            case actions.DeleteNamespace():
                kernel.delete_namespace(network_id)
            case actions.CreateInterface():
                kernel.create_interface(network_id, step.interface, step.bridge)
            case actions.DeleteInterface():
                kernel.delete_interface(network_id, step.interface)
            case actions.AddAddress():
                kernel.change_address(network_id, step.interface, step.address, add=True)
            case actions.RemoveAddress():
                kernel.change_address(network_id, step.interface, step.address, add=False)
            case actions.WriteFile():
                serving.write(network_id, step.path, step.text)
            case actions.RemoveFile():
                serving.remove(network_id, step.path)
            case actions.StartServer():
                serving.start(network_id, step.startup)
            case actions.StopServer():
                serving.stop(network_id, for_good=for_good)
            case actions.ReloadServer():
                wait = serving.reload(network_id)
                self._wake_in = min(self._wake_in, wait or self._wake_in)
                return not wait
            case actions.AttachTap():
                self._attach(step)
            case actions.ReleaseLease():
                if self._releases.end(step):
                    self._wake_in = min(self._wake_in, AGAIN_SECONDS)
            case actions.Forget():
                serving.forget(network_id)
                self._forget(network_id)
            case _:
                assert_never(step)
        return True

    def _attach(self, step: actions.AttachTap) -> None:
        """Attach, or leave the tap alone for a while: it must not hold up its network's DHCP."""
        try:
            self._kernel.attach_tap(step.tap, step.bridge)
        except Exception as error:  # noqa: BLE001  # netlink's errors have no common base
            LOG.warning("cannot put %s on %s: %s", step.tap, step.bridge.name, error)
            why = f"cannot be put on {step.bridge.name}: {error}"
            wait = self._stubborn_taps.failed(step.tap, why, time.monotonic())
            self._wake_in = min(self._wake_in, wait)

    def _tell_of_ports(self, desired: HostState, actual: HostState) -> None:
        """Report whose machine would get its answer now, and whose tap is not here."""
        news, stubborn = {}, self._stubborn_taps.troubles.keys()
        for network_id, served in self._served.items():
            wanted, present = desired.networks[network_id], actual.networks.get(network_id)
            if present is not None and not _serves(wanted, present):
                present = None
            here = wanted.taps | stubborn
            for port in served.ports.values():
                ready = not port.waits_for_tap or port.tap in here
                if not self._told.is_news(port, ready=ready):
                    continue
                if ready and not (present and self._is_ready(port, wanted, present)):
                    continue
                self._told.say(port, ready=ready)
                news[port.id] = (port.revision_number, ready)
                LOG.info("port %s: %s", port.id, _word(port, ready=ready))
        if news:
            self._report(news)

    def _ask_about_taps(self) -> None:
        """Have the API asked, if a tap is here that it may know of and the agent does not."""
        known: set[str] = set()
        for served in self._served.values():
            known |= served.state.taps
            if served.state.interface is not None:
                known.add(served.state.interface.outside)
        links = self._kernel.links.by_name.values()
        ask, wait = self._unknown_taps.look(links, known, time.monotonic())
        self._wake_in = min(self._wake_in, wait)
        if ask:
            self._ask()

    def _is_ready(self, port: ServedPort, wanted: NetworkState, present: NetworkState) -> bool:
        if port.waits_for_tap and port.tap not in present.taps:
            return False
        files = (f"hosts/{port.id}", f"options/{port.id}")
        if any(present.files.get(path) != wanted.files.get(path) for path in files):
            return False
        if wanted.server is None or not port.addresses:
            return True
        stale = any(
            lease.ip_address in port.addresses
            and lease.mac_address not in (port.mac_address, None)
            and not self._releases.is_asked(wanted.id, lease)
            for lease in self._serving.leases(wanted.id)
        )
        return not stale and not self._serving.in_doubt(
            wanted.id, {*port.addresses, port.mac_address}
        )

    def tidy(self) -> None:
        """From time to time: end leases that ran out unnoticed, forget what is over."""
        horizon = time.time() - EXPIRED_SECONDS
        present = set()
        for network_id in self._served:
            leases = self._serving.leases(network_id)
            over = [lease for lease in leases if 0 < lease.expires_at < horizon]
            self._serving.record_missed(network_id, over)
            present |= {(network_id, lease) for lease in leases}
        for network_id in self._serving.network_ids():
            self._serving.shorten_log(network_id)
        self._releases.keep(present)
        self._told.keep({port for served in self._served.values() for port in served.ports})

    def _may_try(self, network_id: str) -> bool:
        wait = self._failed.seconds_left(network_id, time.monotonic())
        self._wake_in = min(self._wake_in, wait or self._wake_in)
        return not wait

    def _leave_alone(self, network_id: str, error: Exception) -> None:
        sentence = str(error) or repr(error)
        delay = self._failed.failed(network_id, sentence, time.monotonic())
        self._wake_in = min(self._wake_in, delay)
        debugging = LOG.isEnabledFor(logging.DEBUG)
        LOG.error(
            "network %s: %s; again in %.1f s", network_id, sentence, delay, exc_info=debugging
        )


def _refuse_to_repeat(steps: list[AnyAction], just_done: list[AnyAction] | None) -> None:
    if steps == just_done:
        raise NoEffectError(f"done, and still to be done: {steps[0]}")


def _with_taps(state: NetworkState, taps: frozenset[str]) -> NetworkState:
    return NetworkState(
        id=state.id,
        bridge=state.bridge,
        namespace=state.namespace,
        interface=state.interface,
        addresses=state.addresses,
        files=state.files,
        server=state.server,
        taps=taps,
    )


def _serves(wanted: NetworkState, present: NetworkState) -> bool:
    """True if everything but files and taps is as it should be."""
    return (
        present.bridge == wanted.bridge
        and present.interface == wanted.interface
        and present.addresses == wanted.addresses
        and present.server == wanted.server
    )


def _word(port: ServedPort, *, ready: bool) -> str:
    """What the log says of a port that was reported."""
    return f"DHCP answers with {', '.join(port.addresses)}" if ready else f"{port.tap} is not here"


def _tell(steps: Sequence[AnyAction], done: Sequence[bool]) -> None:
    """Log what was done, as far as it tells an operator something."""
    for step, carried_out in zip(steps, done, strict=True):
        if carried_out and (sentence := actions.sentence(step)):
            LOG.info("network %s: %s", step.network_id, sentence)
