"""What a creation made, as a read of it would give it: so its answer reads nothing. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from ipam.rules.fixed_ips import Held, SubnetFacts
from ipam.store import quotas


def made_row(
    pk: int,
    values: Mapping[str, Any],
    held: Iterable[Held],
    *,
    network_id: str,
    network_dns_domain: str,
    subnets: Sequence[SubnetFacts],
    host_filters: bool,
) -> Any:
    """The row of the port that was inserted with these values, with its `fixed_ips`."""
    ids = {subnet.pk: subnet.id for subnet in subnets}
    return SimpleNamespace(
        **values,
        pk=pk,
        network_id=network_id,
        network_dns_domain=network_dns_domain,
        host_filters=host_filters,
        fixed_ips=[(ids[subnet_pk], subnet_pk, address) for subnet_pk, address in sorted(held)],
    )


def new_by_project(made: Iterable[Any]) -> dict[str, dict[str, int]]:
    """How many ports and addresses each project got: see `store.quotas`."""
    found: dict[str, dict[str, int]] = {}
    for row in made:
        mine = found.setdefault(row.project_id, dict.fromkeys(quotas.OF_PORTS, 0))
        mine["port"] += 1
        mine[quotas.FIXED_IPS] += len(row.fixed_ips)
    return found
