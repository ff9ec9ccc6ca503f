"""The bodies of dry runs."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from ipam.api.http.standard_attributes import ID
from ipam.values import Uuid, printable

REQUESTS_MAX: Final = 1000
MACHINES_MAX: Final = 1000
"""So many machines are told one by one; the totals count all."""
STEPS_MAX: Final = 100
"""So many steps are told of one host's network."""

ServerChange = Literal["", "starts", "stops", "restarts", "reloads", "reads new files"]
Effect = Literal["loses", "moves", "hears", "gains"]


class RehearsedRequest(Struct, kw_only=True):
    """A request as it would be sent."""

    method: Annotated[Literal["POST", "PUT", "DELETE"], Meta(description="POST, PUT or DELETE.")]
    path: Annotated[
        str,
        Meta(
            max_length=2048,
            extra={"check": printable},
            description="The path with its query, from /v2.0/ on.",
        ),
    ]
    body: Annotated[dict[str, Any] | None, Meta(description="The body; null for none.")] = None
    revision_number: Annotated[
        int | None, Meta(description="As If-Match: revision_number=N would say.")
    ] = None


class DryRunCreate(Struct):
    requests: Annotated[
        list[RehearsedRequest],
        Meta(
            min_length=1,
            max_length=REQUESTS_MAX,
            description="The requests, in their order. Each sees what those before it did.",
        ),
    ]


class RehearsedAnswer(Struct):
    """The answer that the request would have had."""

    status: Annotated[int, Meta(description="The status, as 200 or 409.")]
    body: Annotated[Any, Meta(description="The body; null for none.")]


class Step(Struct, frozen=True):
    """One step of an agent."""

    action: Annotated[str, Meta(description="The kind of step, such as write-file.")]
    what: Annotated[str, Meta(description="What it is done to.")]


class HostForecast(Struct, kw_only=True):
    """What the agent of one host would do for one network."""

    host: Annotated[str, Meta(description="The host.")]
    agent_id: Annotated[Uuid, Meta(description="Its agent.")]
    alive: Annotated[
        bool,
        Meta(description="Whether its agent was heard of lately; else it does it once back."),
    ]
    network_id: Annotated[Uuid, Meta(description="The network.")]
    network_name: Annotated[str, Meta(description="The network's name.")]
    server: Annotated[
        ServerChange,
        Meta(
            description="What the network's dnsmasq does there; empty for nothing. While it"
            " restarts, it is silent for a moment; leases stay."
        ),
    ]
    files_written: Annotated[int, Meta(description="How many of dnsmasq's files are written.")]
    files_removed: Annotated[int, Meta(description="How many of them are removed.")]
    steps: Annotated[
        list[Step], Meta(description=f"The agent's steps in order, at most {STEPS_MAX}.")
    ]
    steps_left_out: Annotated[int, Meta(description="How many more there are.")]


class MachineForecast(Struct, kw_only=True):
    """What a change would mean to the machine of one port."""

    port_id: Annotated[Uuid, ID]
    port_name: Annotated[str, Meta(description="The port's name.")]
    device_id: Annotated[str, Meta(description="The machine that has the port.")]
    mac_address: Annotated[str, Meta(description="Its MAC address.")]
    network_id: Annotated[Uuid, Meta(description="The network.")]
    effect: Annotated[
        Effect,
        Meta(
            description="loses: nothing answers for its addresses any more; it keeps them until"
            " their leases end. moves: its next renewal is refused (DHCPNAK), and it asks anew."
            " hears: it keeps its addresses and is told other options at its next renewal."
            " gains: it is given addresses that it did not have."
        ),
    ]
    before: Annotated[list[str], Meta(description="The addresses that it has now.")]
    after: Annotated[list[str], Meta(description="The addresses that it would have.")]
    options: Annotated[list[str], Meta(description="The options that would be others.")]
    cut_off: Annotated[
        bool,
        Meta(
            description="Whether its host drops at once what it sends from an address that it"
            " has now (port security)."
        ),
    ]
    has_lease: Annotated[
        bool, Meta(description="Whether a lease says that it uses an address it would not keep.")
    ]
    until: Annotated[
        str | None,
        Meta(
            description="By when it is felt: the end of the last lease for loses, else the next"
            " renewal that is due; null if no lease tells."
        ),
    ]


class DryRunView(Struct, kw_only=True):
    answers: Annotated[
        list[RehearsedAnswer], Meta(description="What each request would have been answered.")
    ]
    hosts: Annotated[list[HostForecast], Meta(description="What agents would do.")]
    unserved: Annotated[
        list[Uuid],
        Meta(
            description="Networks that would lack an agent which they have now: another agent"
            " takes them within seconds, if one may."
        ),
    ]
    machines: Annotated[
        list[MachineForecast],
        Meta(
            description="Machines that would feel it, those that lose most first, at most"
            f" {MACHINES_MAX}."
        ),
    ]
    totals: Annotated[
        Mapping[str, int],
        Meta(description="How many machines feel what: by effect, and `cut_off`, `stopped`."),
    ]
