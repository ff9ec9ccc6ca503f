"""Looks up which records names of the zones should have."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ipam import model
from ipam.rules import dns_records
from ipam.rules.dns_answers import published_name
from ipam.rules.dns_records import Published, Records
from ipam.rules.dns_zones import Place, Zone
from ipam.store import published_names
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record

NOTHING: Final[Records] = frozenset()


class Wanted:
    """What the zones should have, by what the database says."""

    def __init__(self, zones: Sequence[Zone], dns_domain: str) -> None:
        """`dns_domain` is that of networks without one."""
        self.zones = zones
        self._dns_domain = dns_domain

    def of_ports(self, tx: Transaction, port_pks: Sequence[int]) -> dict[Place, Records]:
        """The records of these ports."""
        return self._records(published_names.of_ports(tx, port_pks))

    def of_names(self, tx: Transaction, zone: Zone, names: Sequence[str]) -> Mapping[str, Records]:
        """The records that each of these names of a zone should have."""
        if zone.is_reverse:
            addresses = {model.pack(one) for name in names if (one := zone.address_of(name))}
            found = published_names.at(tx, addresses)
        else:
            found = published_names.named(tx, {one for name in names for one in _claims(name)})
        records = self._records(found)
        return {name: records.get((zone.name, name), NOTHING) for name in names}

    def of_zone(self, tx: Transaction, zone: Zone) -> dict[str, Records]:
        """All records that a zone should have of ports."""
        records = self._records(published_names.every(tx))
        return {
            name: wanted for (in_zone, name), wanted in records.items() if in_zone == zone.name
        }

    def _records(self, rows: Iterable[Record]) -> dict[Place, Records]:
        published = (
            Published(name, model.unpack(row.ip))
            for row in rows
            if (
                name := published_name(
                    row.dns_name,
                    of_port=row.port_domain,
                    of_network=row.network_domain,
                    of_deployment=self._dns_domain,
                )
            )
        )
        return dns_records.records(self.zones, published)


def _claims(name: str) -> list[str]:
    """Every dns_name that may be of this full name: its first labels, or all with a final dot."""
    labels = name.split(".")
    return [".".join(labels[:count]) for count in range(1, len(labels))] + [f"{name}."]
