"""Rows that the tests of the store insert."""

NETWORK = {
    "id": "one",
    "project_id": "p",
    "admin_state_up": True,
    "shared": False,
    "mtu": 1500,
    "port_security_enabled": True,
    "router_external": False,
    "is_default": False,
    "created_at": 1,
    "updated_at": 1,
}
