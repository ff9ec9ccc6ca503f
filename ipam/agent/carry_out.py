"""Carries out a plan, and decides when failed networks are tried again.

A failed network waits for a while. It does not delay the others.
"""

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import assert_never

from ipam import model
from ipam.agent import actions
from ipam.agent.actions import HOST, AnyAction
from ipam.agent.outside import AddressRefusedError, Kernel, PacketFilter
from ipam.agent.releases import Releases
from ipam.agent.retries import Retries
from ipam.agent.servers import Servers
from ipam.agent.state import Interface, NetworkState
from ipam.agent.troubles import joined

LOG = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 60.0
FAILURES_OF_BROKEN = 5
"""After so many failures a network has failed for 7 seconds."""
LONGEST_RUN_SECONDS = 0.2
LONGEST_LONG_RUN_SECONDS = 1.0
LOOKS_IN_A_RUN = 4
"""So many times as long as a look at the host a run may be, if that is less than the above."""
TAP_AGAIN_SECONDS = 5.0
ADDRESS_AGAIN_SECONDS = 60.0


class NoEffectError(RuntimeError):
    """An action's effect did not last. Repeating it at once would only waste CPU."""


class Executor:
    """Carries out plans on the kernel and the servers. Not thread-safe."""

    def __init__(
        self,
        kernel: Kernel,
        servers: Servers,
        releases: Releases,
        packet_filter: PacketFilter,
        *,
        forget: Callable[[str], None],
        announce: Callable[[str, Interface, Collection[str]], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kernel = kernel
        self._servers = servers
        self._releases = releases
        self._filter = packet_filter
        self._forget = forget
        self._announce = announce
        self._monotonic = monotonic
        self._failed = Retries(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        self._stubborn_taps = Retries(TAP_AGAIN_SECONDS, TAP_AGAIN_SECONDS)
        self._stubborn_wires = Retries(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        self._refused_addresses = Retries(ADDRESS_AGAIN_SECONDS, ADDRESS_AGAIN_SECONDS)
        self._just_done: dict[str, list[AnyAction]] = {}
        self._reload_wait = math.inf

    @property
    def troubles(self) -> Mapping[str, str]:
        """What cannot be done at the moment, by network id or tap. Any thread may call it."""
        addresses = {
            key.partition(" ")[0]: sentence
            for key, sentence in self._refused_addresses.troubles.items()
        }
        lasting = (self._failed, self._stubborn_taps, self._stubborn_wires)
        return joined([addresses, *(one.troubles for one in lasting)])

    @property
    def wire_troubles(self) -> Mapping[str, str]:
        """Of these, why wires cannot be joined, by network id."""
        return self._stubborn_wires.troubles

    def is_broken(self, network_id: str) -> bool:
        """Whether the network has failed so often that it will probably not heal soon."""
        return self._failed.times(network_id) >= FAILURES_OF_BROKEN

    def stubborn_taps(self) -> frozenset[str]:
        """The taps that could not be attached and wait for their next attempt."""
        self._stubborn_taps.forget_due(self._monotonic())
        return frozenset(self._stubborn_taps.troubles)

    def stubborn_wires(self) -> frozenset[str]:
        """The networks whose wire could not be joined and waits for its next attempt."""
        now, wires = self._monotonic(), self._stubborn_wires
        return frozenset(key for key in wires.troubles if wires.seconds_left(key, now))

    def refused_addresses(self, wanted: Iterable[NetworkState]) -> Mapping[str, Collection[str]]:
        """By network id, those of the wanted addresses that the kernel refused a while ago."""
        if not self._refused_addresses.troubles:
            return {}
        self._refused_addresses.forget_due(self._monotonic())
        self._refused_addresses.keep(
            {f"{state.id} {address}" for state in wanted for address in state.addresses}
        )
        found: dict[str, list[str]] = {}
        for key in self._refused_addresses.troubles:
            network_id, _, address = key.partition(" ")
            found.setdefault(network_id, []).append(address)
        return found

    def forget_failures(self, network_ids: Iterable[str]) -> None:
        """Try these networks at once: what they failed on has changed."""
        for network_id in network_ids:
            self._failed.succeeded(network_id)

    def may_try(self, steps: Iterable[AnyAction], focus: Collection[str] = ()) -> list[AnyAction]:
        """The steps of networks that may be tried at the moment.

        Earlier failures of networks without steps are forgotten, if these are in `focus` or if
        there is none.
        """
        steps, now = list(steps), self._monotonic()
        self._failed.keep({s.network_id for s in steps}, among={*focus, HOST} if focus else None)
        of_wires = (actions.EnsureWire, actions.AddPeer, actions.RemovePeer)
        tried = {step.network_id for step in steps if isinstance(step, of_wires)}
        self._stubborn_wires.keep(tried | self.stubborn_wires(), among=focus or None)
        may = [s for s in steps if not self._failed.seconds_left(s.network_id, now)]
        return may if HOST in {s.network_id for s in may} else _without_taps(may, steps)

    def run(
        self,
        steps: Iterable[AnyAction],
        looked_seconds: float = 0.0,
        focus: Collection[str] = (),
    ) -> bool:
        """Carry out the steps, network by network. True if something was done.

        Short plans go first, and of networks in `focus` those that write files before the guard,
        which takes longer. After some time the rest waits for the next run. So a new port
        does not wait until a hundred networks are built. That time depends on what it took to look
        at the host: with many networks, most of the time would go into looking. What was done just
        now is remembered of networks that are not in `focus`, if there is one.
        """
        plans: dict[str, list[AnyAction]] = {}
        for step in steps:
            plans.setdefault(step.network_id, []).append(step)
        before, others = self._just_done, self._just_done.keys() - {*focus, HOST}
        self._just_done = {key: before[key] for key in others} if focus else {}
        self._reload_wait = math.inf
        acted, until = False, self._monotonic() + _run_seconds(looked_seconds)
        guard_steps: list[AnyAction] = []
        for network_id in sorted(plans, key=lambda one: _rank(one, plans[one], focus)):
            plan = _without_taps(plans[network_id], guard_steps)
            if not plan:
                continue
            try:
                _refuse_to_repeat(plan, before.get(network_id))
                waiting = self._run_plan(plan)
            except Exception as error:  # noqa: BLE001  # one network must not stop the others
                self._leave_alone(network_id, error)
                guard_steps += plan if network_id == HOST else ()
            else:
                self._failed.succeeded(network_id)
                acted |= waiting < len(plan)
                if not waiting:
                    self._just_done[network_id] = plan
            if acted and network_id != HOST and self._monotonic() > until:
                break
        return acted

    def seconds_to_wait(self) -> float:
        """The seconds until a failed or delayed step may be tried."""
        now = self._monotonic()
        kinds = (
            self._failed,
            self._stubborn_taps,
            self._stubborn_wires,
            self._refused_addresses,
        )
        return min(*(kind.soonest(now) for kind in kinds), self._reload_wait)

    def _run_plan(self, plan: Iterable[AnyAction]) -> int:
        """Carry out one network's steps. Gives how many have to wait."""
        waiting = 0
        for step in plan:
            LOG.debug("%s", step)
            if not self._carry_out(step):
                waiting += 1
            elif sentence := actions.sentence(step):
                LOG.info("%s: %s", _subject(step.network_id), sentence)
        return waiting

    def _carry_out(self, step: AnyAction) -> bool:
        """Carry out a step. False if it has to wait."""
        kernel, servers, network_id = self._kernel, self._servers, step.network_id
        if network_id != HOST:
            servers.begin(network_id)
        match step:
            case actions.EnsureBridge():
                kernel.ensure_bridge(step.bridge)
            case actions.EnsureWire():
                self._join(step)
            case actions.AddPeer() | actions.RemovePeer():
                self._change_peer(step)
            case actions.RemoveWire():
                kernel.remove_wire(step.wire)
            case actions.DeleteBridge():
                kernel.delete_link(step.name)
            case actions.CreateNamespace():
                kernel.create_namespace(network_id)
            case actions.DeleteNamespace():
                kernel.delete_namespace(network_id)
            case actions.CreateInterface():
                self._refused_addresses.forget(network_id + " ")
                kernel.create_interface(network_id, step.interface, step.bridge)
            case actions.IsolateInterface() | actions.OpenInterface():
                self._change_port(step)
            case actions.DeleteInterface():
                kernel.delete_interface(network_id, step.interface)
            case actions.AddAddress():
                self._add_address(step)
            case actions.RemoveAddress():
                kernel.change_address(network_id, step.interface, step.address, add=False)
            case actions.WriteFile():
                servers.write(network_id, step.path, step.text)
            case actions.RemoveFile():
                servers.remove(network_id, step.path)
            case actions.StartServer():
                servers.start(network_id, step.startup)
            case actions.StopServer():
                servers.stop(network_id, for_good=step.for_good)
            case actions.ReloadServer():
                return self._reload(network_id)
            case actions.AttachTap():
                self._attach(step)
            case actions.ReleaseLease():
                self._releases.end(step)
            case actions.Forget():
                self._leave(network_id)
            case actions.LoadGuard() | actions.ChangeGuard() | actions.DropGuards():
                self._change_guard(step)
            case _:
                assert_never(step)
        return True

    def _change_port(self, step: actions.IsolateInterface | actions.OpenInterface) -> None:
        """Isolate the DHCP port, or open it and have switches know where its MAC address is now.

        The address is the same on every host. Its first answers would move it, too.
        """
        if isinstance(step, actions.IsolateInterface):
            self._kernel.isolate(step.interface)
            return
        self._kernel.open(step.interface)
        try:
            self._announce(step.network_id, step.interface, step.addresses)
        except OSError as error:
            LOG.warning("network %s: cannot say that it answers here: %s", step.network_id, error)

    def _leave(self, network_id: str) -> None:
        """Know the network no longer.

        A bridge that it had before an administrator's goes, if nothing is on it.
        """
        former = model.bridge_name(network_id)
        if former in self._kernel.links() and not self._kernel.members(former):
            self._kernel.delete_link(former)
        self._servers.forget(network_id)
        self._forget(network_id)

    def _change_guard(
        self, step: actions.LoadGuard | actions.ChangeGuard | actions.DropGuards
    ) -> None:
        match step:
            case actions.LoadGuard():
                self._filter.load(step.taps)
            case actions.ChangeGuard():
                self._filter.change(step.removed, step.added)
            case actions.DropGuards():
                self._filter.change(step.removed, ())

    def _reload(self, network_id: str) -> bool:
        wait = self._servers.reload(network_id)
        if wait:
            self._reload_wait = min(self._reload_wait, wait)
        return not wait

    def _add_address(self, step: actions.AddAddress) -> None:
        """Add the address. If the kernel refuses it, only its subnet goes without DHCP."""
        try:
            self._kernel.change_address(step.network_id, step.interface, step.address, add=True)
        except AddressRefusedError as error:
            why = f"the kernel refuses {step.address}: {error}. Its subnet has no DHCP."
            LOG.error("network %s: %s", step.network_id, why)  # noqa: TRY400  # it says it all
            key = f"{step.network_id} {step.address}"
            self._refused_addresses.failed(key, why, self._monotonic())

    def _attach(self, step: actions.AttachTap) -> None:
        """Attach the tap. If it fails it waits, because it must not delay its network's DHCP."""
        try:
            self._kernel.attach_tap(step.tap, step.bridge)
        except Exception as error:  # noqa: BLE001  # netlink's errors have no common base
            LOG.warning("cannot put %s on %s: %s", step.tap, step.bridge.name, _reason(error))
            why = f"cannot be put on {step.bridge.name}: {_reason(error)}"
            self._stubborn_taps.failed(step.tap, why, self._monotonic())

    def _join(self, step: actions.EnsureWire) -> None:
        """Join the bridge to other hosts. If it fails it waits, for the DHCP at home goes on."""
        try:
            self._kernel.ensure_wire(step.wire, step.bridge)
        except Exception as error:  # noqa: BLE001  # netlink's errors have no common base
            what = f"{step.wire.device} cannot join {step.bridge.name} to other hosts"
            why = f"{what}: {_reason(error)}"
            LOG.warning("network %s: %s", step.network_id, why)
            self._stubborn_wires.failed(step.network_id, f"{why}.", self._monotonic())

    def _change_peer(self, step: actions.AddPeer | actions.RemovePeer) -> None:
        """Add or remove the peer. Without the wire, which waits, so do its peers."""
        if step.network_id in self.stubborn_wires():
            return
        add = isinstance(step, actions.AddPeer)
        try:
            self._kernel.change_peer(step.wire, step.peer, add=add)
        except OSError as error:
            what = f"{step.wire.device} cannot {'reach' if add else 'leave'} {step.peer}"
            why = f"{what}: {_reason(error)}"
            LOG.warning("network %s: %s", step.network_id, why)
            self._stubborn_wires.failed(step.network_id, f"{why}.", self._monotonic())

    def _leave_alone(self, network_id: str, error: Exception) -> None:
        sentence = str(error) or repr(error)
        delay = self._failed.failed(network_id, sentence, self._monotonic())
        debugging = LOG.isEnabledFor(logging.DEBUG)
        subject = _subject(network_id)
        LOG.error("%s: %s; again in %.1f s", subject, sentence, delay, exc_info=debugging)


def _rank(network_id: str, plan: Sequence[AnyAction], focus: Collection[str]) -> tuple[int, int]:
    """By it plans are in order: the guard's before all by which a frame could get anywhere."""
    of_files = (actions.WriteFile, actions.RemoveFile, actions.ReloadServer)
    if focus and network_id != HOST and all(isinstance(step, of_files) for step in plan):
        return 0, len(plan)
    return (1 if network_id == HOST else 2), len(plan)


def _run_seconds(looked_seconds: float) -> float:
    """How long a run may be, after a look at the host of this time."""
    some = min(LOOKS_IN_A_RUN * looked_seconds, LONGEST_LONG_RUN_SECONDS)
    return max(LONGEST_RUN_SECONDS, some, looked_seconds)


def _reason(error: Exception) -> str:
    """The words of an error, without the number that the kernel gives, too."""
    words = error.args[1] if len(error.args) > 1 else ""
    return words if isinstance(words, str) and words else str(error) or repr(error)


def _subject(network_id: str) -> str:
    return "the guard of ports" if network_id == HOST else f"network {network_id}"


def _without_taps(steps: list[AnyAction], undone: Iterable[AnyAction]) -> list[AnyAction]:
    """The steps, but that no tap gets onto a bridge whose guard is among what is not done."""
    taps: set[str] = set()
    for step in undone:
        match step:
            case actions.LoadGuard():
                taps |= step.taps.keys()
            case actions.ChangeGuard():
                taps |= {tap for tap, _element in (*step.removed, *step.added)}
    return [s for s in steps if not (isinstance(s, actions.AttachTap) and s.tap in taps)]


def _refuse_to_repeat(steps: list[AnyAction], just_done: list[AnyAction] | None) -> None:
    if steps == just_done:
        raise NoEffectError(f"done, and still to be done: {steps[0]}")
