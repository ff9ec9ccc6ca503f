from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from ipam.store import tables
from ipam.store.engine import bulk, rows
from ipam.store.engine.database import Database
from ipam.store.engine.retry import is_duplicate_key

OF_PORTS = "SELECT * FROM port ORDER BY mac_address"


def ports(network_pk: int, count: int, **values: Any) -> list[dict[str, Any]]:
    """Rows of new ports with texts, numbers and JSON that are hard to write down."""
    common: dict[str, Any] = {
        "network_pk": network_pk,
        "project_id": 'p\t"\\N\\',
        "name": "\\N",
        "description": "Ü\U0001f600\r",
        "tags": None,
        "admin_state_up": False,
        "status": "DOWN",
        "device_id": "",
        "device_owner": "",
        "dns_name": "",
        "dns_domain": "",
        "binding_host_id": "",
        "binding_vnic_type": "normal",
        "binding_profile": {"a": [None, True, 1.5, "\\n"]},
        "binding_vif_type": "unbound",
        "extra_dhcp_opts": [],
        "allowed_address_pairs": [{"ip_address": "::1"}],
        "port_security_enabled": True,
        "expires_at": None,
    }
    return [
        rows.with_standard_columns(common | values | {"mac_address": f"02:00:00:00:00:{n:02x}"})
        for n in range(count)
    ]


def network(database: Database) -> int:
    values = dict.fromkeys(("admin_state_up", "shared", "port_security_enabled"), True)
    more = {"project_id": "p", "name": "", "mtu": 1500, "router_external": False}
    new = rows.with_standard_columns(values | more | {"is_default": False})
    return database.write(lambda tx: rows.insert_one(tx, tables.network, new))


@pytest.mark.parametrize("tags", [None, ["b", "ä"]])
@pytest.mark.parametrize("count", [2, bulk.FEWEST_COPIED])
def test_values_are_stored_as_sqlalchemy_stores_them(
    database: Database, count: int, tags: list[str] | None
) -> None:
    made = ports(network(database), count, tags=tags)
    other = [row | {"network_pk": network(database)} for row in made]
    for row in other:
        row["id"] = row["id"][::-1]
    database.write(lambda tx: bulk.insert_values(tx, tables.port, made))
    database.write(lambda tx: tx.execute(insert(tables.port), other))
    found = database.read(lambda tx: tx.execute(text(OF_PORTS)).mappings().all())
    plain = [
        {name: row[name] for name in row if name not in ("pk", "id", "network_pk")}
        for row in found
    ]
    assert len(plain) == 2 * count
    assert plain[::2] == plain[1::2]


@pytest.mark.parametrize("count", [2, bulk.FEWEST_COPIED])
def test_a_taken_key_is_told_as_of_any_statement(database: Database, count: int) -> None:
    made = ports(network(database), count)
    again = [row | {"id": row["id"][::-1]} for row in made]
    database.write(lambda tx: bulk.insert_values(tx, tables.port, made))
    with pytest.raises(IntegrityError) as raised:
        database.write(lambda tx: bulk.insert_values(tx, tables.port, again))
    assert is_duplicate_key(raised.value, "uq_port_network_pk_mac_address")
