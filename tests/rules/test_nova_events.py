"""Each change of a port makes the right events for Nova."""

from types import SimpleNamespace
from typing import Any

import pytest

from ipam.rules.nova_events import (
    CHANGED,
    DELETED,
    PLUGGED,
    UNPLUGGED,
    ComputeEvent,
    of_deletion,
    of_ready,
    of_update,
    server_of,
)

SERVER = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-2222-4333-8444-555555555555"
NOVA = "compute:nova"


def port(**values: Any) -> Any:
    usual = {"id": "the-port", "device_id": SERVER, "device_owner": NOVA, "status": "ACTIVE"}
    return SimpleNamespace(**(usual | values))


def told(events: list[ComputeEvent]) -> list[tuple[str, str]]:
    assert all(event.port_id == "the-port" for event in events)
    return [(event.name, event.server_id) for event in events]


@pytest.mark.parametrize(
    ("device_id", "device_owner", "server"),
    [
        (SERVER, NOVA, SERVER),
        (SERVER, "compute:", SERVER),
        (SERVER, "compute:None", SERVER),
        (SERVER, "network:dhcp", None),
        (SERVER, "", None),
        (SERVER, "baremetal:none", None),
        ("vm-1", NOVA, None),
        ("", NOVA, None),
        (SERVER.upper().replace("1", "A"), NOVA, None),
        (f"{SERVER}\n", NOVA, None),
    ],
)
def test_a_servers_port_has_a_uuid_and_a_compute_owner(
    device_id: str, device_owner: str, server: str | None
) -> None:
    assert server_of(device_id, device_owner) == server
    kind = port(device_id=device_id, device_owner=device_owner)
    expected = [(DELETED, server)] if server else []
    assert told(of_deletion(kind)) == expected
    assert bool(of_ready([kind])) == bool(server)
    assert bool(of_update(kind, {"mac_address": "m", "status": "DOWN"})) == bool(server)


@pytest.mark.parametrize(
    ("before", "changed", "events"),
    [
        ("DOWN", {"status": "ACTIVE"}, [PLUGGED]),
        ("ACTIVE", {"status": "DOWN"}, [UNPLUGGED]),
        ("DOWN", {"status": "DOWN"}, []),
        ("ACTIVE", {"status": "ACTIVE"}, []),
        ("ACTIVE", {"name": "n"}, []),
        ("ACTIVE", {"description": "n"}, []),
        ("ACTIVE", {"dns_name": "n"}, []),
        ("ACTIVE", {"extra_dhcp_opts": []}, []),
        ("ACTIVE", {}, []),
        ("ACTIVE", {"fixed_ips": [], "name": "n"}, [CHANGED]),
        ("ACTIVE", {"mac_address": "m", "status": "DOWN"}, [UNPLUGGED, CHANGED]),
        ("DOWN", {"mac_address": "m", "status": "DOWN"}, [CHANGED]),
        ("ACTIVE", {"admin_state_up": False, "status": "DOWN"}, [UNPLUGGED, CHANGED]),
        ("DOWN", {"binding_host_id": "h"}, [CHANGED]),
        ("DOWN", {"binding_vif_type": "tap"}, [CHANGED]),
        ("DOWN", {"binding_vnic_type": "direct"}, [CHANGED]),
        ("DOWN", {"binding_profile": {}}, [CHANGED]),
        ("DOWN", {"device_owner": "compute:other"}, [CHANGED]),
    ],
)
def test_a_change_tells_what_nova_waits_for_or_keeps(
    before: str, changed: dict[str, Any], events: list[str]
) -> None:
    given = told(of_update(port(status=before), changed))
    assert given == [(name, SERVER) for name in events]


@pytest.mark.parametrize(
    ("before", "changed", "events"),
    [
        ({}, {"device_id": OTHER}, [(CHANGED, SERVER), (CHANGED, OTHER)]),
        ({}, {"device_id": "", "device_owner": ""}, [(CHANGED, SERVER)]),
        ({"device_id": "", "device_owner": NOVA}, {"device_id": OTHER}, [(CHANGED, OTHER)]),
        ({"device_owner": ""}, {"device_owner": NOVA}, [(CHANGED, SERVER)]),
        (
            {},
            {"device_id": OTHER, "binding_host_id": "h", "status": "DOWN"},
            [(UNPLUGGED, SERVER), (CHANGED, SERVER), (CHANGED, OTHER)],
        ),
        ({"status": "DOWN"}, {"device_id": OTHER, "status": "ACTIVE"}, None),
    ],
)
def test_a_port_that_changes_hands_is_news_to_both_servers(
    before: dict[str, Any], changed: dict[str, Any], events: list[tuple[str, str]] | None
) -> None:
    given = told(of_update(port(**before), changed))
    assert given == (events or [(PLUGGED, OTHER), (CHANGED, SERVER), (CHANGED, OTHER)])


@pytest.mark.parametrize(
    ("changed", "events"),
    [
        ({"device_id": OTHER, "device_owner": NOVA}, []),
        ({"binding_host_id": "h", "binding_vif_type": "tap", "binding_profile": {}}, []),
        ({"binding_host_id": "", "device_id": "", "status": "DOWN"}, [UNPLUGGED]),
        ({"dns_name": "n", "binding_vnic_type": "normal"}, []),
        ({"binding_host_id": "h", "fixed_ips": []}, [CHANGED]),
        ({"binding_host_id": "h", "name": "n"}, [CHANGED]),
        ({"mac_address": "m"}, [CHANGED]),
        ({"admin_state_up": True}, [CHANGED]),
        ({"name": "n"}, []),
    ],
)
def test_nova_is_not_told_what_it_wrote_itself(changed: dict[str, Any], events: list[str]) -> None:
    given = told(of_update(port(), changed, by_service=True))
    assert [name for name, _ in given] == events


def test_each_port_that_becomes_ready_is_plugged() -> None:
    ports = [port(), port(device_owner="x"), port(device_id=OTHER)]
    assert told(of_ready(ports)) == [(PLUGGED, SERVER), (PLUGGED, OTHER)]
