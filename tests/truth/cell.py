"""One cell of the matrix: a state, a change, a real client, and the check of its result."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

from ipam import model
from tests.truth.changes import CHANGES
from tests.truth.expectation import Told, agrees, expected
from tests.truth.machine import CLIENTS, DHCPCD, UDHCPC_AND_DHCLIENT
from tests.truth.site import Json, Site, Subject
from tests.truth.states import STATES


@dataclass(frozen=True)
class Outcome:
    """What a cell came to."""

    state: str
    change: str
    status: str
    told: Told
    wanted: Told
    fault: str
    dnsmasq: str
    """The last that dnsmasq said of a refusal; for the table."""


def chosen(*, every: bool) -> list[tuple[str, str, str]]:
    """State, change and client of every cell, or of some.

    Some means each change in two states, so that each state sees a spread of changes. dhcpcd takes
    longer than the others, so it asks in every eighth cell, at least once in each state.
    """
    if every:
        return [
            (state, change, CLIENTS[(row + column) % 2])
            for (column, state), (row, change) in product(enumerate(STATES), enumerate(CHANGES))
        ]
    states = list(STATES)
    return [
        (
            states[(number * step + step // 2) % len(states)],
            change,
            DHCPCD if step == 3 and number % 4 == 1 else UDHCPC_AND_DHCLIENT,
        )
        for number, change in enumerate(CHANGES)
        for step in (1, 3)
    ]


def run_cell(site: Site, state: str, change: str, client: str) -> Outcome:
    """Bring about the state, change it, and ask again. Nothing is left of it."""
    usual, site.client_of_machines = site.client_of_machines, client
    try:
        one = STATES[state](site)
        try:
            CHANGES[change](one)
            return judge(one, state, change)
        finally:
            one.close()
    finally:
        site.client_of_machines = usual


def judge(one: Subject, state: str, change: str) -> Outcome:
    """Whether what the API says is so, for the machine and for its neighbour."""
    site = one.site
    port = site.show("port", one.port)
    right = told_rightly(one, port)
    is_here = port["binding:host_id"] == site.name
    wanted = right if is_here else Told()
    served = bool(wanted.addresses or wanted.addresses6 or wanted.self_made6)
    if served:
        site.await_active(one.port)
    site.settle()
    status = site.status(one.port)
    of_neighbour = told_rightly(one, site.show("port", one.neighbour))
    with ThreadPoolExecutor() as beside:  # clients wait, above all those that get nothing
        neighbour = beside.submit(neighbour_fault, one, of_neighbour)
        told = one.machine.ask(wanted) if served else one.machine.ask4(tries=1)
    # Its former host serves a port that is bound elsewhere until the next host does.
    elsewhere = Told(right.addresses, facts_of=right.facts_of) if told.addresses else Told()
    faults = [agrees(told, wanted if is_here else elsewhere)]
    if status == model.ACTIVE and not served:
        faults.append("ACTIVE, and nothing is served")
    if served and status != model.ACTIVE:
        faults.append(f"{status}, and {site.why(one.port)[1]}")
    faults.append(neighbour.result())
    return Outcome(
        state,
        change,
        status,
        told,
        wanted,
        "; ".join(filter(None, faults)),
        last_refusal(site.dnsmasq_log(one.network)),
    )


def told_rightly(one: Subject, port: Json) -> Told:
    """What a machine on this port of the network is to get, wherever it is."""
    network = one.site.show("network", one.network)
    site = one.site
    return expected(network, site.subnets(one.network), port, site.resolvers(one.network))


def neighbour_fault(one: Subject, wanted: Told) -> str:
    """Whether the neighbour still gets what it is to get."""
    if one.neighbour_machine is None:
        return ""
    fault = agrees(one.neighbour_machine.ask(wanted), wanted)
    return f"neighbour: {fault}" if fault else ""


def last_refusal(log: str) -> str:
    words = ("no address", "bad ", "NAK", "not using", "duplicate", "too long", "no space")
    lines = [line for line in log.splitlines() if any(word in line for word in words)]
    return lines[-1][-120:] if lines else ""
