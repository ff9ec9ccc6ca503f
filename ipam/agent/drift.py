"""What others have changed of a network that was as wanted, in words and once. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from ipam.agent.state import Bridge, GuardState, Interface, NetworkState, Wire

MOST_FILES_NAMED = 3


class Drift:
    """Which networks were as wanted, and which of them no longer are."""

    def __init__(self) -> None:
        self._were_right: dict[str, tuple[NetworkState, NetworkState]] = {}
        """What was wanted of each, and what was there."""
        self._said: set[str] = set()

    def news(self, network_id: str, wanted: NetworkState, present: NetworkState) -> str | None:
        """What is to be said of the network now, if anything.

        A difference is somebody else's work if the network was right before, for the same wish.
        What is seen of it first is said: a bridge that is deleted goes in several steps.
        The server is left out: when it ends, that is said as it happens. So are taps, which come
        and go.
        """
        was_said = network_id in self._said
        was_wanted, was_present = self._were_right.get(network_id, (None, None))
        if wanted is was_wanted and present is was_present and not was_said:
            return None
        changed = differences(wanted, present)
        if not changed:
            self._were_right[network_id] = wanted, present
            self._said.discard(network_id)
            return "it is as it should be again" if was_said else None
        if was_said or was_wanted != wanted:
            return None
        self._said.add(network_id)
        return f"changed by hand, and to be put right: {'; '.join(changed)}"

    def keep(self, network_ids: Iterable[str]) -> None:
        """Forget all networks but these."""
        kept = set(network_ids)
        for network_id in self._were_right.keys() - kept:
            del self._were_right[network_id]
            self._said.discard(network_id)


def guard_differences(before: GuardState, after: GuardState) -> str:
    """What somebody has done to the guard, in words."""
    if not after.is_loaded:
        return "its rules are changed or gone" if before.is_loaded else "it has other rules"
    taps = sorted(
        tap
        for tap in before.taps.keys() | after.taps.keys()
        if before.taps.get(tap) != after.taps.get(tap)
    )
    more = len(taps) - MOST_FILES_NAMED
    named = ", ".join(taps[:MOST_FILES_NAMED])
    return f"other addresses for {named}{f' and {more} more' if more > 0 else ''}"


def differences(wanted: NetworkState, present: NetworkState) -> list[str]:
    """A sentence for each part that is not as wanted, without server and taps."""
    found = [*_of_bridge(wanted.bridge, present.bridge), *_of_wire(wanted.wire, present.wire)]
    if wanted.interface is not None:
        if present.namespace:
            found += _of_interface(wanted.interface, present.interface)
            found += _of_addresses(wanted, present)
        else:
            found.append("its namespace is gone")
    return [*found, *_of_files(wanted.files, present.files)]


def _of_bridge(wanted: Bridge | None, present: Bridge | None) -> Iterator[str]:
    if wanted is None or present == wanted:
        return
    if present is None:
        yield f"the bridge {wanted.name} is gone"
    elif not present.up:
        yield f"the bridge {wanted.name} is down"
    elif not present.no_linklocal_learn:
        yield f"the bridge {wanted.name} learns from frames to itself"
    else:
        yield f"the bridge {wanted.name} has MTU {present.mtu}, not {wanted.mtu}"


def _of_wire(wanted: Wire | None, present: Wire | None) -> Iterator[str]:
    if wanted is None or present == wanted or not wanted.device:
        return
    if present is None or not wanted.is_same_link(present):
        yield f"{wanted.device} is gone, or on the bridge no longer"
    elif not present.up:
        yield f"{wanted.device} is down"
    elif not present.isolated:
        yield f"{wanted.device} is not isolated"
    elif not present.learning:
        yield f"{wanted.device} learns nothing"
    else:
        yield f"{wanted.device} has MTU {present.mtu}, not {wanted.mtu}"


def _of_interface(wanted: Interface, present: Interface | None) -> Iterator[str]:
    if present == wanted:
        return
    pair = f"{wanted.outside} and {wanted.inside}"
    if present is None:
        yield f"one of {pair} is gone, renamed, down, elsewhere or of another MTU"
    elif not wanted.is_same_pair(present):
        has, should = f"{present.mac}, MTU {present.mtu}", f"{wanted.mac}, MTU {wanted.mtu}"
        yield f"{pair} have {has}, not {should}"
    elif not present.pinned:
        yield f"the MAC address of {wanted.outside} is not pinned"
    else:
        yield f"{wanted.outside} is {'not ' if wanted.isolated else ''}isolated"


def _of_addresses(wanted: NetworkState, present: NetworkState) -> Iterator[str]:
    if wanted.addresses == present.addresses:
        return
    if wanted.interface is None or not wanted.interface.is_same_pair(present.interface):
        return  # without the interface there are none
    if gone := wanted.addresses - present.addresses:
        yield f"{wanted.interface.inside} has lost {', '.join(sorted(gone))}"
    if added := present.addresses - wanted.addresses:
        yield f"{wanted.interface.inside} has got {', '.join(sorted(added))}"


def _of_files(wanted: Mapping[str, str], present: Mapping[str, str]) -> Iterator[str]:
    if wanted == present:
        return
    if wanted and not present:
        yield "its files are gone"
        return
    kinds = {
        "deleted": [path for path in wanted if path not in present],
        "edited": [path for path, text in present.items() if wanted.get(path, text) != text],
        "of others": [path for path in present if path not in wanted],
    }
    for kind, paths in kinds.items():
        if paths:
            more = len(paths) - MOST_FILES_NAMED
            named = ", ".join(islice(sorted(paths), MOST_FILES_NAMED))
            yield f"{kind}: {named}{f' and {more} more' if more > 0 else ''}"
