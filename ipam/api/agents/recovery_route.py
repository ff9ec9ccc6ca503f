"""Takes what agents' hosts hold after a backup was restored."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Final

import falcon

from ipam import model
from ipam.api.agents.lookup import known
from ipam.api.http.bodies import read_bytes, respond
from ipam.api.http.operations import Operation
from ipam.api.ports.wire import DHCP_OPTIONS_MAX
from ipam.api.service import Service
from ipam.errors import HTTPBadRequest
from ipam.protocol.dhcp_state import FullNetwork, ServedPort
from ipam.protocol.recovery import DECODER, HeldPart
from ipam.rules.segments import FLAT, LOCAL, VLAN, VXLAN
from ipam.settings.network import ADDRESS_PAIRS_MAX, HOST_ROUTES_MAX, NAME_SERVERS_MAX
from ipam.store import recovery
from ipam.store.engine.database import Transaction
from ipam.store.engine.write_again import write_again

RULE: Final = "create_dhcp_state"
TEXT_MAX: Final = 255
PHYSICAL_MAX: Final = 64
NETWORK_TYPES: Final = (LOCAL, FLAT, VLAN, VXLAN)
IPV6_MODES: Final = (None, model.SLAAC, model.DHCPV6_STATEFUL, model.DHCPV6_STATELESS)
REVISION_LIMIT: Final = 2**48
_TEXTS: Final = (
    "binding_vif_type",
    "device_id",
    "device_owner",
    "binding_host_id",
    "hostname",
    "name",
    "project_id",
)


class AgentRecoveryRoute:
    """POST of a part of what the agent's host holds."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "POST": Operation(
                "Tell what the host holds, in parts, after a backup was restored",
                request=(dict(HeldPart.__annotations__),),
                response={"taken": bool},
                rule=RULE,
                of_host=True,
                in_recovery=True,
            )
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        raw = read_bytes(req, self.service.settings.api.max_body_bytes)
        given = _read(raw)
        access = req.context.access

        def write(tx: Transaction) -> tuple[str, bool, bool]:
            agent = known(tx, resource_id, access, RULE)
            # The lock: the recovery ends with this report, or before it.
            last = recovery.read(tx, lock=True)
            if last is None or (last.is_over and agent.recovery_id == last.id):
                return agent.host, False, False
            recovery.keep_part(tx, agent.host, given.part, raw)
            if given.is_last:
                recovery.note_told(tx, agent.pk, last.id)
            return agent.host, True, given.is_last and last.is_over

        host, is_taken, is_late = write_again(self.service.database, write)
        if is_late:
            self.service.recovery.take_late(host)
        elif is_taken:
            self.service.recovery.notice()
        respond(resp, {"taken": is_taken})


def _read(raw: bytes) -> HeldPart:
    """The part. Raises HTTPBadRequest if one of its values could not be stored."""
    try:
        given = DECODER.decode(raw)
        for network in given.networks:
            _check_network(network)
            for port in network.ports:
                _check_port(port)
        for lease in given.leases:
            model.pack(lease.ip_address)
            is_right = lease.mac_address is None or model.is_mac(lease.mac_address)
            _require(is_right, lease.mac_address, "MAC address")
    except RecursionError:
        raise HTTPBadRequest("The body is nested too deeply.") from None
    except (ValueError, OSError) as error:
        raise HTTPBadRequest(f"Invalid input for a report. Reason: {error}.") from None
    return given


def _check_network(network: FullNetwork) -> None:
    _require(model.is_uuid(network.id), network.id, "id")
    for text, kind in (
        (network.project_id, "project id"),
        (network.name, "name"),
        (network.dns_domain, "domain"),
    ):
        _check_text(text, kind)
    _require(network.network_type in NETWORK_TYPES, network.network_type, "network type")
    physical = network.physical_network or ""
    _require(len(physical) <= PHYSICAL_MAX and physical.isprintable(), physical, "network")
    _require(0 <= (network.segmentation_id or 0) < 2**24, network.segmentation_id, "segment")
    _require(0 <= network.mtu < 2**17, network.mtu, "MTU")
    for subnet in network.subnets:
        _require(model.is_uuid(subnet.id), subnet.id, "id")
        _check_text(subnet.name, "name")
        _require(ip_network(subnet.cidr).version == subnet.ip_version, subnet.cidr, "prefix")
        for mode in (subnet.ipv6_ra_mode, subnet.ipv6_address_mode):
            _require(mode in IPV6_MODES, mode, "mode")
        own = [] if subnet.gateway_ip is None else [subnet.gateway_ip]
        own += subnet.dns_nameservers
        _require_few(subnet.dns_nameservers, NAME_SERVERS_MAX, "name servers")
        _require_few(subnet.host_routes, HOST_ROUTES_MAX, "host routes")
        for route in subnet.host_routes:
            ip_network(route.destination)
            own.append(route.nexthop)
        for one in subnet.dynamic_ranges:
            own += [one.start, one.end]
        for address in own:
            model.pack(address)
    if network.dhcp_port is not None:
        _require(model.is_uuid(network.dhcp_port.id), network.dhcp_port.id, "id")
        _require(model.is_mac(network.dhcp_port.mac_address), network.dhcp_port, "DHCP port")
        for ip in network.dhcp_port.fixed_ips:
            model.pack(ip.ip_address)


def _check_port(port: ServedPort) -> None:
    _require(model.is_uuid(port.id), port.id, "id")
    _require(model.is_mac(port.mac_address), port.mac_address, "MAC address")
    _require(0 <= port.revision_number < REVISION_LIMIT, port.revision_number, "revision")
    for name in _TEXTS:
        _check_text(getattr(port, name), name)
    for ip in port.fixed_ips:
        model.pack(ip.ip_address)
    _require_few(port.extra_dhcp_opts, DHCP_OPTIONS_MAX, "DHCP options")
    for option in port.extra_dhcp_opts:
        # What an older version took and dnsmasq cannot be told is no reason not to recover.
        _check_text(option.opt_name, "name of a DHCP option")
        _check_text(option.opt_value or "", "value of a DHCP option")
        _require(option.ip_version in (4, 6), option.ip_version, "IP version")
    _require_few(port.allowed_address_pairs, ADDRESS_PAIRS_MAX, "allowed address pairs")
    for pair in port.allowed_address_pairs:
        ip_network(pair.ip_address)
        is_right = pair.mac_address is None or model.is_mac(pair.mac_address)
        _require(is_right, pair.mac_address, "MAC address")


def _require_few(found: Sequence[object], most: int, kind: str) -> None:
    if len(found) > most:
        raise ValueError(f"{len(found)} {kind} are more than {most}")


def _check_text(text: str, kind: str) -> None:
    _require(len(text) <= TEXT_MAX and (not text or text.isprintable()), text, kind)


def _require(is_right: bool, value: object, kind: str) -> None:
    if not is_right:
        raise ValueError(f"{str(value)[:64]!r} is no {kind}")
