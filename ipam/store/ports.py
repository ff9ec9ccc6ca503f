"""Statements on ports, their addresses, and what is deleted with them."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    String,
    and_,
    any_,
    bindparam,
    func,
    literal,
    select,
)
from sqlalchemy.exc import IntegrityError

from ipam import model
from ipam.chunks import padded
from ipam.errors import (
    Conflict,
    HTTPBadRequest,
    IpamError,
    MacAddressInUse,
    NetworkNotFound,
)
from ipam.store import (
    addresses_of_ports,
    allocation_ledger,
    host_filters,
    quotas,
    tables,
    tags,
    visibility,
)
from ipam.store.addresses_of_ports import FixedIp
from ipam.store.engine import instants, rows
from ipam.store.engine.database import Transaction
from ipam.store.engine.listing import Collection, Record
from ipam.store.engine.retry import is_duplicate_key, is_foreign_key_violation
from ipam.store.engine.rows_by_number import ByNumbers

_IN_HISTORY: Final = frozenset({"device_id", "dns_name", "mac_address"})
"""A change of one is an event in the history of the port's addresses: see `store.dns_names`."""
FIXED_IPS_ASKED_MAX: Final = 200
"""How many addresses, subnets and parts of addresses one list of ports may ask for."""

_T = tables.port
_IP = tables.ip_address


def _by_fixed_ips(tx: Transaction, given: Sequence[str]) -> ColumnElement[bool]:
    """`fixed_ips=ip_address=X`, `subnet_id=Y`, `ip_address_substr=Z`: one kind OR, kinds AND."""
    wanted: dict[str, list[str]] = {}
    parts = list(dict.fromkeys(",".join(given).split(",")))
    if len(parts) > FIXED_IPS_ASKED_MAX:
        raise HTTPBadRequest(
            f"Invalid input for fixed_ips. Reason: it names {len(parts)} addresses, subnets and"
            f" parts; at most {FIXED_IPS_ASKED_MAX} can be asked for."
        )
    for part in parts:
        name, equals, value = part.partition("=")
        if not equals or name not in ("ip_address", "subnet_id", "ip_address_substr"):
            raise HTTPBadRequest(
                f"Invalid input for fixed_ips. Reason: {part[:100]!r} is none of ip_address=X,"
                " subnet_id=Y, ip_address_substr=Z."
            )
        wanted.setdefault(name, []).append(value)
    conditions = []
    if addresses := wanted.get("ip_address"):
        conditions.append(_owns(_IP.c.ip.in_(padded([_packed(text) for text in addresses]))))
    if subnets := wanted.get("subnet_id"):
        ids = select(tables.subnet.c.pk).where(tables.subnet.c.id.in_(padded(subnets)))
        conditions.append(_owns(_IP.c.subnet_pk.in_(ids)))
    if similar := wanted.get("ip_address_substr"):
        conditions.append(_is_one_of(tx, _owners_of_similar(tx, similar)))
    return and_(*conditions)


def _owns(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return _T.c.pk.in_(select(_IP.c.owner_pk).where(condition, _IP.c.owner_pk.is_not(None)))


def _packed(text: str) -> bytes:
    try:
        return model.pack(text)
    except (OSError, ValueError):
        raise HTTPBadRequest(
            f"Invalid input for fixed_ips. Reason: {text[:100]!r} is not a valid IP address."
        ) from None


def _owners_of_similar(tx: Transaction, parts: Sequence[str]) -> list[int]:
    """The numbers of ports with an address whose text contains one of these parts.

    The databases have no common function for the text of a packed address, so this reads every
    owned address. The cost is linear, as with LIKE '%…%'.
    """
    found = tx.execute(select(_IP.c.ip, _IP.c.owner_pk).where(_IP.c.owner_pk.is_not(None)))
    owners = {row.owner_pk for row in found if any(part in model.unpack(row.ip) for part in parts)}
    return sorted(owners)


def _is_one_of(tx: Transaction, owners: list[int]) -> ColumnElement[bool]:
    """The ports with these numbers, of which there may be more than parameters in a statement.

    They are one parameter, so that no driver keeps a statement with all of them in it.
    """
    match tx.dialect:
        case "postgresql":
            return _T.c.pk == any_(bindparam("owners", owners, type_=ARRAY(BigInteger)))
        case "sqlite":
            each = func.json_each(bindparam("owners", str(owners))).table_valued("value")
            return _T.c.pk.in_(select(each.c.value))
        case _:  # its driver keeps no statements
            return _T.c.pk.in_(bindparam("owners", owners, expanding=True, literal_execute=True))


_COLUMNS: Final[Mapping[str, ColumnElement[Any]]] = {
    "id": _T.c.id,
    "name": _T.c.name,
    "project_id": _T.c.project_id,
    "tenant_id": _T.c.project_id,
    "description": _T.c.description,
    "network_id": tables.network.c.id,
    "mac_address": _T.c.mac_address,
    "admin_state_up": _T.c.admin_state_up,
    "status": _T.c.status,
    "device_id": _T.c.device_id,
    "device_owner": _T.c.device_owner,
    "dns_name": _T.c.dns_name,
    "dns_domain": _T.c.dns_domain,
    "binding:host_id": _T.c.binding_host_id,
    "binding:vnic_type": _T.c.binding_vnic_type,
    "binding:vif_type": _T.c.binding_vif_type,
    "port_security_enabled": _T.c.port_security_enabled,
    "revision_number": _T.c.revision_number,
    "expires_at": _T.c.expires_at,
    "created_at": _T.c.created_at,
    "updated_at": _T.c.updated_at,
}

COLLECTION: Final = Collection(
    source=_T.join(tables.network, tables.network.c.pk == _T.c.network_pk),
    selected=(
        *_T.c,
        addresses_of_ports.ADDRESSES,
        host_filters.of_host(_T.c.binding_host_id),
        tables.network.c.id.label("network_id"),
        tables.network.c.dns_domain.label("network_dns_domain"),
    ),
    columns=_COLUMNS,
    id=_T.c.id,
    pk=_T.c.pk,
    special={
        "fixed_ips": _by_fixed_ips,
        "expires_at": instants.equal_seconds(_T.c.expires_at),
        "expires_before": instants.before_seconds(_T.c.expires_at),
        **instants.of_changes(_T),
        **tags.filters(_T),
    },
    relations=visibility.ON_NETWORK,
    verbatim=frozenset(_COLUMNS) - {"expires_at", "created_at", "updated_at"},
    references={"network_id": _T.c.network_pk},
)


_network, _subnet = tables.network, tables.subnet
_NETWORK_WITH_SUBNETS: Final = (
    select(
        _network.c.pk.label("network_pk"),
        _network.c.id.label("network_id"),
        _network.c.port_security_enabled,
        _network.c.dns_domain.label("network_dns_domain"),
        _subnet.c.pk,
        _subnet.c.id,
        _subnet.c.cidr,
        _subnet.c.ip_version,
        _subnet.c.gateway_ip,
        _subnet.c.enable_dhcp,
        _subnet.c.ipv6_ra_mode,
        _subnet.c.ipv6_address_mode,
        _subnet.c.service_types,
        _subnet.c.address_selection,
    )
    .select_from(_network.outerjoin(_subnet, _subnet.c.network_pk == _network.c.pk))
    .where(_network.c.id == bindparam("the_id"))
    .order_by(_subnet.c.pk)
)


_FOR_NEW_PORTS: Final = _NETWORK_WITH_SUBNETS.add_columns(
    *quotas.own_limits_of(bindparam("the_project", type_=String()), quotas.OF_PORTS)
)


def network_with_subnets(
    tx: Transaction, network_id: str, *, limits_of: str | None = None
) -> Sequence[Record]:
    """The network and its subnets, oldest first, one row for each; one row without subnets.

    Columns: network_pk, network_id, port_security_enabled, network_dns_domain, the subnet's (None
    without), and the project's own limits on ports if one is named, as `quotas.own_limits_of`.
    """
    if limits_of is None:
        found = tx.execute(_NETWORK_WITH_SUBNETS, {"the_id": network_id}).all()
    else:
        given = {"the_id": network_id, "the_project": limits_of}
        found = tx.execute(_FOR_NEW_PORTS, given).all()
    known = [(row.pk, row.id) for row in found if row.pk is not None]
    allocation_ledger.know_subnets(tx, network_id, known)
    return found


def add(tx: Transaction, new: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert ports; their numbers. Raises MacAddressInUse or NetworkNotFound."""
    try:
        pks = rows.insert_many(tx, _T, new)
    except IntegrityError as error:
        raise _refusal(error, [row["mac_address"] for row in new]) from error
    allocation_ledger.know_ports(tx, pks, new)
    return pks


def unbound_row(
    *, network_pk: int, project_id: str, mac_address: str, device_owner: str
) -> dict[str, Any]:
    """The columns of a port that the service makes by itself, but for the standard ones' times."""
    return {
        "network_pk": network_pk,
        "project_id": project_id,
        "name": "",
        "description": "",
        "mac_address": mac_address,
        "admin_state_up": True,
        "status": model.DOWN,
        "device_id": "",
        "device_owner": device_owner,
        "dns_name": "",
        "dns_domain": "",
        "binding_host_id": "",
        "binding_vnic_type": "normal",
        "binding_profile": {},
        "binding_vif_type": model.VIF_UNBOUND,
        "extra_dhcp_opts": [],
        "allowed_address_pairs": [],
        "port_security_enabled": False,
        "expires_at": None,
    }


def change(
    tx: Transaction, pk: int, values: Mapping[str, Any], before: Record | None = None
) -> None:
    """Set these values and the next revision. Raises MacAddressInUse.

    `before` is the port's row, which a change of its device or its owner needs.
    """
    assert before is not None or allocation_ledger.COUNTED.isdisjoint(values), (
        f"of port {pk}: {values}"
    )
    with _refusing(values):
        rows.touch(tx, _T, pk, values)
    _note_change(tx, pk, values, before)


def change_and_read(tx: Transaction, before: Record, values: Mapping[str, Any]) -> Record:
    """Like `change` for a port whose row is locked; as COLLECTION reads it afterwards.

    Its addresses are those of this moment: they change first.
    """
    with _refusing(values):
        after = rows.touch_and_read(tx, COLLECTION, before, values)
    _note_change(tx, before.pk, values, before)
    return after


@contextlib.contextmanager
def _refusing(values: Mapping[str, Any]) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise _refusal(error, [str(values.get("mac_address"))]) from error


def _note_change(
    tx: Transaction, pk: int, values: Mapping[str, Any], before: Record | None
) -> None:
    if not _IN_HISTORY.isdisjoint(values) or _is_reserved_by(values, before):
        allocation_ledger.port_changed(tx, pk, before)


def _is_reserved_by(values: Mapping[str, Any], before: Record | None) -> bool:
    """Whether a lease's port becomes a reservation, which keeps its name against others."""
    was_lease = before is not None and before.device_owner == model.LEASE_PORT_OWNER
    return was_lease and "device_owner" in values


def fixed_ips(tx: Transaction, port_pks: Sequence[int]) -> dict[int, list[FixedIp]]:
    """The addresses of each port, in the order of subnets."""
    found: dict[int, list[FixedIp]] = {pk: [] for pk in port_pks}
    for statement, parameters in _BY_OWNER.each(tx, port_pks):
        for owner_pk, subnet_pk, ip, subnet_id in tx.execute(statement, parameters):
            found[owner_pk].append((subnet_id, subnet_pk, ip))
    return found


_BY_OWNER: Final = ByNumbers(
    select(_IP.c.owner_pk, _IP.c.subnet_pk, _IP.c.ip, _subnet.c.id)
    .join(_subnet, _subnet.c.pk == _IP.c.subnet_pk)
    .order_by(_IP.c.subnet_pk, _IP.c.ip),
    _IP.c.owner_pk,
)


def network_and_agent(tx: Transaction, network_pk: int, agent_type: str, host: str) -> Record:
    """Where the network is, and what the agent of this host last said of itself and when."""
    return tx.execute(
        _NETWORK_AND_AGENT, {"the_pk": network_pk, "the_type": agent_type, "the_host": host}
    ).one()


_NETWORK_AND_AGENT: Final = (
    select(
        _network.c.provider_network_type,
        _network.c.provider_physical_network,
        tables.agent.c.configurations,
        tables.agent.c.heartbeat_at,
        tables.agent.c.port_filter,
    )
    .select_from(
        _network.outerjoin(
            tables.agent,
            and_(
                tables.agent.c.agent_type == bindparam("the_type"),
                tables.agent.c.host == bindparam("the_host"),
            ),
        )
    )
    .where(_network.c.pk == bindparam("the_pk"))
)


def ended(tx: Transaction, *, now: int, limit: int) -> list[Record]:
    """The rows of ports without a device whose end has come, locked, the earliest first.

    Rows that another process has locked are skipped.
    """
    query = (
        select(_T)
        .where(_T.c.expires_at <= now, _T.c.device_id == "")
        .order_by(_T.c.expires_at, _T.c.pk)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(tx.execute(query))


def is_server_of_others(tx: Transaction, device_id: str, project_id: str) -> bool:
    """Whether a server with this id has a port of another project."""
    of_server = _T.c.device_owner.startswith(model.COMPUTE_OWNER_PREFIX, autoescape=True)
    others = (_T.c.device_id == device_id, _T.c.project_id != project_id, of_server)
    return tx.execute(select(_T.c.pk).where(*others).limit(1)).first() is not None


def dhcp_port(tx: Transaction, network_pk: int, device_id: str) -> Record | None:
    """The network's DHCP port."""
    return tx.execute(
        select(_T).where(
            _T.c.network_pk == network_pk,
            _T.c.device_owner == model.DHCP_PORT_OWNER,
            _T.c.device_id == device_id,
        )
    ).first()


def remove(tx: Transaction, port_pk: int, *, tagged: bool = True) -> None:
    """Delete a port whose addresses are released.

    `tagged` is whether it may have tags: who has locked its row knows.
    """
    if tagged:
        tags.forget(tx, _T, port_pk)
    rows.delete_one(tx, _T, port_pk)


def _refusal(error: IntegrityError, macs: Sequence[str]) -> IpamError:
    """What a broken constraint of the port table means to the caller."""
    if is_foreign_key_violation(error):
        return NetworkNotFound("The network could not be found: it was just deleted.")
    if is_duplicate_key(error, "uq_port_network_pk_mac_address"):
        said = str(error.orig)
        known = [one for one in macs if one in said] or macs  # SQLite says no values
        given = ", ".join(known[:5]) + (", …" if len(known) > 5 else "")
        which = f"MAC address {given}" if len(known) == 1 else f"One of the MAC addresses {given}"
        return MacAddressInUse(f"Unable to complete operation. {which} is in use on the network.")
    return Conflict("The port collides with one that exists.")


def network_and_filter(tx: Transaction, port: Record) -> Record:
    """The id of the port's network, and what `host_filters` says of the host of the port."""
    network = tables.network
    columns = (network.c.id, host_filters.of_host(literal(port.binding_host_id)))
    return tx.execute(select(*columns).where(network.c.pk == port.network_pk)).one()


def network_id(tx: Transaction, network_pk: int) -> str:
    """The id of the network with this number."""
    network = tables.network
    return str(tx.execute(select(network.c.id).where(network.c.pk == network_pk)).scalar_one())
