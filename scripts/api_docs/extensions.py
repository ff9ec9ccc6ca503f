"""The table of Neutron's extensions: served, an empty list, or absent, with the reason."""

from collections.abc import Mapping
from typing import Final

from ipam.api.about.extensions import EXTENSIONS

EMPTY_LISTS: Final[Mapping[str, str]] = {
    "router": "`GET /v2.0/routers` and `GET /v2.0/floatingips` are empty lists. Packets between"
    " networks are routed outside; `router:external` is a plain flag.",
    "security-group": "`GET /v2.0/security-groups` is an empty list, which Nova asks for with each"
    " server; packets are not filtered.",
    "service-type": "`GET /v2.0/service-providers` is an empty list.",
}
"""Paths that answer although the alias is not listed: clients ask them whatever is listed."""

_NO_L3 = "No routers and no floating IPs."
_NO_QOS = "No QoS policies; `qos_policy_id` is always null."
_NO_SEGMENTS = "A network has one segment, which `provider:*` shows; `segment_id` is always null."
_NO_SECURITY_GROUPS = "No security groups."
_NO_SERVICES = "Needs a service of its own, which is not part of this one."
_NO_VENDOR = "Needs hardware or a driver that is not served: ports are taps on Linux bridges."

NOT_THERE: Final[Mapping[str, str]] = {
    "address-group": _NO_SECURITY_GROUPS,
    "agent-resources-synced": "`resources_synced` is always null: nothing is synced to Placement.",
    "auto-allocated-topology": "`GET` of it is a clean 409 `AutoAllocationFailure`: networks are"
    " made by people.",
    "bgp": _NO_L3,
    "bgp_4byte_asn": _NO_L3,
    "bgp_dragent_scheduler": _NO_L3,
    "bgpvpn": _NO_SERVICES,
    "data-plane-status": "`status` says what is known.",
    "dns-integration-domain-keywords": "Domains are taken as they are written.",
    "dvr": _NO_L3,
    "expose-port-forwarding-in-fip": _NO_L3,
    "ext-gw-mode": _NO_L3,
    "external-gateway-multihoming": _NO_L3,
    "extraroute": _NO_L3,
    "extraroute-atomic": _NO_L3,
    "filter-validation": "Filters on attributes that do not exist are ignored.",
    "fip-port-details": _NO_L3,
    "floating-ip-port-forwarding": _NO_L3,
    "floatingip-pools": _NO_L3,
    "fwaas_v2": _NO_SERVICES,
    "ip_allocation": "Addresses are always given when the port is made.",
    "l2_adjacency": _NO_SEGMENTS,
    "l3-conntrack-helper": _NO_L3,
    "l3-flavors": _NO_L3,
    "l3-ha": _NO_L3,
    "l3-ndp-proxy": _NO_L3,
    "l3_agent_scheduler": _NO_L3,
    "logging": "Packets are not filtered, so nothing is logged about them.",
    "metering": _NO_L3,
    "multi-provider": _NO_SEGMENTS,
    "network-segment-range": "Segmentation ids are given by the admin who makes the network.",
    "port-device-profile": _NO_VENDOR,
    "port-hints": _NO_VENDOR,
    "port-numa-affinity-policy": _NO_VENDOR,
    "port-resource-request": "Nothing is asked of Placement; `resource_request` is always null.",
    "port-security-groups-filtering": _NO_SECURITY_GROUPS,
    "port-trusted-vif": _NO_VENDOR,
    "qos": _NO_QOS,
    "qos-bw-limit-direction": _NO_QOS,
    "qos-bw-minimum-ingress": _NO_QOS,
    "qos-default": _NO_QOS,
    "qos-fip": _NO_QOS,
    "qos-pps": _NO_QOS,
    "quota-check-limit-default": "`check_limit` is asked for with each request.",
    "rbac-security-groups": _NO_SECURITY_GROUPS,
    "router_availability_zone": _NO_L3,
    "security-groups-normalized-cidr": _NO_SECURITY_GROUPS,
    "security-groups-remote-address-group": _NO_SECURITY_GROUPS,
    "security-groups-shared-filtering": _NO_SECURITY_GROUPS,
    "segment": _NO_SEGMENTS,
    "segments-peer-subnet-host-routes": _NO_SEGMENTS,
    "sfc": _NO_SERVICES,
    "stateful-security-group": _NO_SECURITY_GROUPS,
    "subnet-segmentid-writable": _NO_SEGMENTS,
    "subnet_onboard": "Subnets that exist do not become a pool's.",
    "taas": _NO_SERVICES,
    "trunk": "No trunks: a port is one network's.",
    "trunk-details": "No trunks: a port is one network's.",
    "uplink-status-propagation": _NO_VENDOR,
    "vlan-transparent": "VLAN tags of guests pass only from ports without port security.",
    "vpnaas": _NO_SERVICES,
}


INTRODUCTION: Final = """\
`GET /v2.0/extensions` lists exactly the served ones. An alias that is not in this table is not
there.
"""


def table() -> str:
    """The section of the page."""
    rows = [
        *((each.alias, "served", f"{each.description}.") for each in EXTENSIONS),
        *((alias, "empty list", why) for alias, why in EMPTY_LISTS.items()),
        *((alias, "not there", why) for alias, why in NOT_THERE.items()),
    ]
    lines = [
        "## Extensions of Neutron\n",
        INTRODUCTION,
        "| Alias | | |",
        "|---|---|---|",
        *(f"| `{alias}` | {state} | {why} |" for alias, state, why in rows),
    ]
    return "\n".join(lines) + "\n"
