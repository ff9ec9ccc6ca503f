"""Compares a zone elsewhere with what it should have."""

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self

from ipam.rules.dns_records import Differences, Records, differences
from ipam.rules.dns_zones import Zone
from ipam.store.engine.database import Database
from ipam.zones.wanted import Wanted


class Server(Protocol):
    """A zone's primary server: see `ipam.zones.name_server`."""

    zone: Zone

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def publish(self, wanted: Mapping[str, Records]) -> bool: ...
    def transfer(self) -> tuple[dict[str, Records], set[str]]: ...


def look(database: Database, server: Server, wanted: Wanted) -> Differences:
    """How a zone differs from what it should have. Raises ZoneRefused."""
    present, owned = server.transfer()
    should_be = database.read(lambda tx: wanted.of_zone(tx, server.zone))
    return differences(server.zone, should_be, present, owned)


def drastic(zone: Zone, found: Differences) -> str:
    """Why a zone is not put right by itself."""
    return (
        f"{len(found.left)} of the {found.owned} names that this service made in {zone.name} have"
        " no port any more. None is removed: is it the right database? If it is, `ipam dns sync"
        f" {zone.name} --allow-drastic`."
    )
