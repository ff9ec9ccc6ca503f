"""What is shown of a recovery."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from ipam import model
from ipam.store.recovery import Heard, Recovery
from ipam.values import Uuid

Addresses = Annotated[list[str], Meta(description="The port's addresses.")]


class RecoveredPortView(Struct):
    """A port that was taken back, changed or found not to be served."""

    port: Annotated[Uuid, Meta(description="The port.")]
    addresses: Addresses
    host: Annotated[str, Meta(description="The host that told of it, or that should have.")] = ""


class UnknownNetworkView(Struct):
    """A network that hosts serve and the backup does not have."""

    network: Annotated[Uuid, Meta(description="The network.")]
    hosts: Annotated[list[str], Meta(description="The hosts.")]


class RecoveryView(Struct, kw_only=True):
    """The last restore. Of each list the first 1000 are shown; `counts` has all."""

    id: Annotated[Uuid | None, Meta(description="The restore; null if there was none.")]
    status: Annotated[
        Literal["none", "recovering", "finished"],
        Meta(description="recovering while changes wait for the agents."),
    ]
    made_at: Annotated[str | None, Meta(description="When the backup was made, in UTC.")]
    restored_at: Annotated[str | None, Meta(description="When it was restored, in UTC.")]
    finished_at: Annotated[str | None, Meta(description="When the recovery ended, in UTC.")]
    told: Annotated[list[str], Meta(description="Hosts that have told what they hold.")]
    missing: Annotated[list[str], Meta(description="Hosts that have not.")]
    counts: Annotated[dict[str, int], Meta(description="How many there are of each list.")]
    taken_back: Annotated[
        list[RecoveredPortView], Meta(description="Ports that the backup did not have.")
    ]
    changed: Annotated[
        list[RecoveredPortView], Meta(description="Ports that a host knew in a later revision.")
    ]
    removed: Annotated[
        list[RecoveredPortView],
        Meta(description="Ports of the backup whose MAC address another port has."),
    ]
    unserved: Annotated[
        list[RecoveredPortView],
        Meta(description="Ports of the backup that their host does not know: deleted since."),
    ]
    unknown_networks: Annotated[
        list[UnknownNetworkView],
        Meta(description="Networks that could not be made again: their segments are others'."),
    ]
    networks: Annotated[
        list[str], Meta(description="Networks that the backup did not have, made again.")
    ]
    subnets: Annotated[
        list[str],
        Meta(description="Subnets made again. They have no allocation pools until they are set."),
    ]
    conflicts: Annotated[list[str], Meta(description="Who had an address, and who has lost it.")]
    set_aside: Annotated[
        list[str], Meta(description="Addresses that machines hold and no port has.")
    ]


def view(found: tuple[Recovery, Heard] | None) -> RecoveryView:
    """The view of the last restore, or of none."""
    recovery, heard = found or (None, Heard((), (), 0))
    findings = recovery.findings if recovery else {}
    over = recovery.finished_at_us if recovery else None
    return RecoveryView(
        id=recovery.id if recovery else None,
        status="none" if recovery is None else "finished" if over else "recovering",
        made_at=model.iso_time(recovery.made_at) if recovery else None,
        restored_at=model.iso_time(recovery.restored_at) if recovery else None,
        finished_at=model.iso_time_microseconds(over) if over else None,
        told=list(heard.hosts),
        missing=list(heard.missing),
        counts=findings.get("counts", {}),
        taken_back=_ports(findings.get("taken_back", ())),
        changed=_ports(findings.get("changed", ())),
        removed=_ports(findings.get("removed", ())),
        unserved=_ports(findings.get("unserved", ())),
        unknown_networks=[
            UnknownNetworkView(**one) for one in findings.get("unknown_networks", ())
        ],
        networks=list(findings.get("networks", ())),
        subnets=list(findings.get("subnets", ())),
        conflicts=list(findings.get("conflicts", ())),
        set_aside=list(findings.get("set_aside", ())),
    )


def _ports(found: Sequence[Mapping[str, Any]]) -> list[RecoveredPortView]:
    return [RecoveredPortView(**one) for one in found]
