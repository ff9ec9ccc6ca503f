"""The bodies of imports."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from ipam import model
from ipam.api.http.kind import Kind
from ipam.api.http.standard_attributes import CREATED_AT, ID, PROJECT_ID, TENANT_ID
from ipam.errors import ImportNotFound
from ipam.store import imports
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.values import IpAddress, Name, Uuid, printable

ITEMS_MAX: Final = 5000
REPORT_MAX: Final = 20_000

FORMAT: Final = Meta(description="The format of what was imported: dnsmasq, kea.")
SOURCE: Final = Meta(description="Where it was read from.")
OWN_ID: Final = Meta(description="The id that it is to have; a new one when left out.")
REF: Final = Meta(description="Its name in this request.")
NETWORK: Final = Meta(description="The `ref` of a network of this request, or a network's id.")
BODY: Final = Meta(description="What a POST of it takes, without its network_id.")


class NewNetwork(Struct, kw_only=True):
    """A network that an import makes."""

    ref: Annotated[Name, REF]
    id: Annotated[Uuid | None, OWN_ID] = None
    body: Annotated[dict[str, Any], BODY]


class NewSubnet(Struct, kw_only=True):
    """A subnet that an import makes."""

    network: Annotated[Name, NETWORK]
    id: Annotated[Uuid | None, OWN_ID] = None
    server_address: Annotated[
        IpAddress | None,
        Meta(description="The address of its DHCP server; a free one when left out."),
    ] = None
    body: Annotated[dict[str, Any], BODY]


class NewPort(Struct, kw_only=True):
    """A port that an import makes."""

    network: Annotated[Name, NETWORK]
    id: Annotated[Uuid | None, OWN_ID] = None
    body: Annotated[dict[str, Any], BODY]


class ImportCreate(Struct, kw_only=True):
    format: Annotated[str, Meta(max_length=32, extra={"check": printable}), FORMAT]
    source: Annotated[Name, SOURCE] = ""
    networks: Annotated[
        list[NewNetwork], Meta(max_length=ITEMS_MAX, description="Networks to make.")
    ] = []
    subnets: Annotated[
        list[NewSubnet],
        Meta(max_length=ITEMS_MAX, description="Subnets to make; DHCP starts when all is there."),
    ] = []
    ports: Annotated[list[NewPort], Meta(max_length=ITEMS_MAX, description="Ports to make.")] = []
    report: Annotated[
        list[str], Meta(max_length=REPORT_MAX, description="Lines to keep with the import.")
    ] = []


class ImportView(Struct, kw_only=True):
    id: Annotated[str, ID]
    project_id: Annotated[str, PROJECT_ID]
    tenant_id: Annotated[str, TENANT_ID]
    user_id: Annotated[str, Meta(description="Who imported it.")]
    format: Annotated[str, FORMAT]
    source: Annotated[str, SOURCE]
    networks: Annotated[int, Meta(description="How many networks it made.")]
    subnets: Annotated[int, Meta(description="How many subnets it made.")]
    ports: Annotated[int, Meta(description="How many ports it made.")]
    created_at: Annotated[str, CREATED_AT]
    undone_at: Annotated[str | None, Meta(description="When it was undone; null if it was not.")]


class Kept(Struct):
    """Something that an undo left as it is."""

    kind: Annotated[str, Meta(description="network, subnet or port.")]
    id: Annotated[str, ID]
    reason: Annotated[str, Meta(description="Why it stays.")]


class Undone(Struct):
    """What came of an undo."""

    removed: Annotated[int, Meta(description="How many things were deleted.")]
    kept: Annotated[list[Kept], Meta(description="What stays, and why.")]


def views(_tx: Transaction, found: Sequence[Record]) -> list[ImportView]:
    """The imports of these rows."""
    return [
        ImportView(
            id=row.id,
            project_id=row.project_id,
            tenant_id=row.project_id,
            user_id=row.user_id,
            format=row.format,
            source=row.source,
            networks=row.networks,
            subnets=row.subnets,
            ports=row.ports,
            created_at=model.iso_time(row.created_at),
            undone_at=model.iso_time(row.undone_at) if row.undone_at else None,
        )
        for row in found
    ]


KIND: Final = Kind("import", "imports", ImportView, imports.COLLECTION, views, ImportNotFound)
