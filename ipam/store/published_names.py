"""Which addresses have names in zones elsewhere: those of subnets with `dns_publish_fixed_ip`.

The rows have dns_name, port_domain, network_domain, and the packed address as ip.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import select

from ipam import model
from ipam.chunks import alternatives
from ipam.store import tables
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Record
from ipam.store.engine.rows_by_number import ByNumbers

_port, _network, _subnet, _ip = tables.port, tables.network, tables.subnet, tables.ip_address

_PUBLISHED: Final = (
    select(
        _port.c.dns_name,
        _port.c.dns_domain.label("port_domain"),
        _network.c.dns_domain.label("network_domain"),
        _ip.c.ip,
    )
    .select_from(_subnet)
    .join(_network, _network.c.pk == _subnet.c.network_pk)
    .join(_ip, _ip.c.subnet_pk == _subnet.c.pk)
    .join(_port, _port.c.pk == _ip.c.owner_pk)
    .where(
        _subnet.c.dns_publish_fixed_ip,
        _port.c.dns_name != "",
        _port.c.device_owner != model.LEASE_PORT_OWNER,
    )
)


_OF_PORTS: Final = ByNumbers(_PUBLISHED, _port.c.pk)


def of_ports(tx: Transaction, port_pks: Sequence[int]) -> list[Record]:
    """The published addresses of these ports."""
    found: list[Record] = []
    for statement, parameters in _OF_PORTS.each(tx, port_pks):
        found += tx.execute(statement, parameters).all()
    return found


def named(tx: Transaction, dns_names: Iterable[str]) -> list[Record]:
    """The published addresses of the ports with one of these values of dns_name."""
    return _where(tx, _port.c.dns_name.in_, sorted(dns_names))


def at(tx: Transaction, addresses: Iterable[bytes]) -> list[Record]:
    """Those of these addresses that are published. Networks may have the same ones."""
    return _where(tx, _ip.c.ip.in_, sorted(addresses))


def every(tx: Transaction) -> list[Record]:
    """All published addresses."""
    return list(tx.execute(_PUBLISHED))


def _where(tx: Transaction, is_one_of: Callable[..., Any], values: Sequence[Any]) -> list[Record]:
    found: list[Record] = []
    for some in alternatives(values):
        found += tx.execute(_PUBLISHED.where(is_one_of(some))).all()
    return found
