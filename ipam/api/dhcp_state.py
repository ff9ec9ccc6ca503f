"""What an agent asks: which networks do I serve, what is in them; and tells: ready, or no tap.

The list of networks carries a digest each, made of the id and revision of every row behind the
full answer. Each change raises a revision in the transaction that makes it, so a digest is equal
exactly while nothing changed, whatever order transactions commit in: no clock and no cursor.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import falcon
from msgspec import Meta, Struct

from ipam import model
from ipam.api.attributes import parse
from ipam.api.bodies import read_json
from ipam.api.listing import query_pairs
from ipam.api.operations import Operation
from ipam.api.resources import respond
from ipam.api.service import Service
from ipam.api.values import Uuid, is_uuid
from ipam.errors import AgentNotFound
from ipam.store import agents, dhcp_state
from ipam.store.database import Transaction
from ipam.store.dhcp_state import NETWORK, UNSCHEDULED, Contents, Part
from ipam.store.listing import Record
from ipam.store.races import write_again

DIGEST_CHARACTERS: Final = 32


class Address(Struct):
    """One fixed IP of a port."""

    subnet_id: Uuid
    ip_address: str


class ServedSubnet(Struct):
    """A subnet, as far as DHCP is concerned."""

    id: Uuid
    cidr: str
    ip_version: int
    gateway_ip: str | None
    enable_dhcp: bool
    dns_nameservers: list[str]
    host_routes: list[dict[str, str]]
    ipv6_ra_mode: str | None
    ipv6_address_mode: str | None


class ServedPort(Struct):
    """A port that the agent answers for. `hostname` is its name or one made of its address."""

    id: Uuid
    mac_address: str
    revision_number: int
    device_id: str
    device_owner: str
    admin_state_up: bool
    status: str
    binding_host_id: str
    binding_vif_type: str
    hostname: str
    fixed_ips: list[Address]
    extra_dhcp_opts: list[dict[str, Any]]


class DhcpPort(Struct):
    """The port of the DHCP server itself."""

    id: Uuid
    mac_address: str
    fixed_ips: list[Address]


class ServedNetwork(Struct):
    """A network with its digest; everything else only when it was asked for by id."""

    id: Uuid
    digest: str


class FullNetwork(Struct):
    """All that the agent has to know of a network."""

    id: Uuid
    digest: str
    project_id: str
    mtu: int
    dns_domain: str
    admin_state_up: bool
    lease_seconds: int
    dhcp_port: DhcpPort | None
    subnets: list[ServedSubnet]
    ports: list[ServedPort]


class SeenPort(Struct):
    """A port as of this revision."""

    id: Uuid
    revision_number: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class SeenPorts(Struct):
    """What an agent found alike."""

    ports: list[SeenPort]


class DhcpStateRoute:
    """GET of what an agent serves: the digests, or with network_id= the networks in full."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "What the agent's host has to serve now, with an ETag for If-None-Match",
                response={"networks": list[ServedNetwork]},
                response_forms=({"networks": list[FullNetwork]},),
                also=(304,),
                query={"network_id": "Give this network in full, not id and digest only; repeat."},
                rule="get_dhcp_state",
            )
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        wanted = {value for name, value in query_pairs(req.query_string) if name == "network_id"}
        may_take = req.context.caller.is_admin or req.context.caller.is_service
        if wanted:
            respond(resp, {"networks": self._in_full(resource_id, wanted)})
            return
        networks = self._digests(resource_id, may_take=may_take)
        etag = _etag(networks)
        resp.set_header("ETag", etag)
        if etag in _tags(req.get_header("If-None-Match")):
            resp.status = falcon.HTTP_304
            return
        respond(resp, {"networks": networks})

    def _digests(self, agent_id: str, *, may_take: bool) -> list[ServedNetwork]:
        agent, parts = self.service.database.read(lambda tx: self._look(tx, agent_id))
        free = [part.network_pk for part in parts if part.kind == UNSCHEDULED]
        if free and may_take and self._is_usable(agent):
            self._take(agent, free)
            agent, parts = self.service.database.read(lambda tx: self._look(tx, agent_id))
        return [
            ServedNetwork(network_id, digest)
            for network_id, digest in sorted(self._by_network(parts).items())
        ]

    def _in_full(self, agent_id: str, wanted: set[str]) -> list[FullNetwork]:
        def read(tx: Transaction) -> tuple[Mapping[str, str], Contents]:
            agent, parts = self._look(tx, agent_id)
            pks = {part.pk for part in parts if part.kind == NETWORK and part.id in wanted}
            chosen = [p for p in parts if p.network_pk in pks and p.kind != UNSCHEDULED]
            return self._by_network(chosen), dhcp_state.contents(tx, agent, chosen)

        digests, contents = self.service.database.read(read)
        return full_networks(contents, digests, self.service.settings.network)

    def _look(self, tx: Transaction, agent_id: str) -> tuple[Record, list[Part]]:
        agent = agents.find(tx, agent_id) if is_uuid(agent_id) else None
        if agent is None:
            raise AgentNotFound(f"Agent {agent_id} could not be found.")
        wanted = self.service.settings.network.dhcp_agents_per_network
        return agent, dhcp_state.parts(tx, agent, agents_per_network=wanted)

    def _is_usable(self, agent: Record) -> bool:
        """Whether networks may be given to it; someone else may ask in a dead agent's name."""
        oldest = agents.oldest_heartbeat(self.service.settings.network.agent_down_time)
        return bool(agent.admin_state_up) and agent.heartbeat_at >= oldest

    def _take(self, agent: Record, free: Sequence[int]) -> None:
        """Give the agent its share of the free networks, so that the first one to ask leaves some.

        Every living agent asks within seconds, and each takes at least one.
        """
        settings = self.service.settings.network
        oldest = agents.oldest_heartbeat(settings.agent_down_time)

        def write(tx: Transaction) -> None:
            living = dhcp_state.living_agents(tx, oldest_heartbeat=oldest)
            share = -(-len(free) // max(living, 1))
            dhcp_state.take(
                tx, agent, free[:share], agents_per_network=settings.dhcp_agents_per_network
            )

        write_again(self.service.database, write)

    def _by_network(self, parts: Sequence[Part]) -> dict[str, str]:
        settings = self.service.settings.network
        return digests(parts, f"{settings.dns_domain} {settings.dhcp_lease_duration}")


class ReadyPortsRoute:
    """POST of the ports for which DHCP would answer now."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "POST": Operation(
                "Make ports ACTIVE that are ready and did not change since",
                request=({"ports": list[SeenPort]},),
                response={"ready": list[str], "ignored": list[str]},
                rule="create_dhcp_state",
            )
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        def work(tx: Transaction, agent: Record, revisions: Mapping[str, int]) -> list[str]:
            told = dhcp_state.make_ready(tx, agent, revisions)
            self.service.outbox.ready(tx, told.just_now)
            return told.ids

        ready, ignored = _told(self.service, req, resource_id, work)
        respond(resp, {"ready": ready, "ignored": ignored})


class DownPortsRoute:
    """POST of the ports whose tap is not on the agent's host."""

    def __init__(self, service: Service) -> None:
        self.service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "POST": Operation(
                "Make ports DOWN that have no tap on the agent's host and did not change since",
                request=({"ports": list[SeenPort]},),
                response={"down": list[str], "ignored": list[str]},
                rule="create_dhcp_state",
            )
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        def work(tx: Transaction, agent: Record, revisions: Mapping[str, int]) -> list[str]:
            told = dhcp_state.make_down(tx, agent, revisions)
            self.service.outbox.unplugged(tx, told.just_now)
            return told.ids

        down, ignored = _told(self.service, req, resource_id, work)
        respond(resp, {"down": down, "ignored": ignored})


def _told(
    service: Service,
    req: falcon.Request,
    agent_id: str,
    take: Callable[[Transaction, Record, Mapping[str, int]], list[str]],
) -> tuple[list[str], list[str]]:
    """The ids of the request's ports of which `take` took notice, and the others."""
    given = parse(SeenPorts, read_json(req, service.settings.api.max_body_bytes)).result()
    revisions = {port.id: port.revision_number for port in given.ports}

    def write(tx: Transaction) -> list[str]:
        agent = agents.find(tx, agent_id) if is_uuid(agent_id) else None
        if agent is None:
            raise AgentNotFound(f"Agent {agent_id} could not be found.")
        return take(tx, agent, revisions)

    taken = service.database.write(write)
    return taken, sorted(revisions.keys() - set(taken))


def digests(parts: Sequence[Part], salt: str) -> dict[str, str]:
    """A digest for each network among the parts; `salt` is what settings add to every answer."""
    lines: dict[int, list[str]] = defaultdict(list)
    for part in parts:
        if part.kind != UNSCHEDULED:
            lines[part.network_pk].append(f"{part.kind} {part.id} {part.revision}")
    return {
        part.id: _digest([salt, *sorted(lines[part.network_pk])])
        for part in parts
        if part.kind == NETWORK
    }


def full_networks(
    contents: Contents, by_network: Mapping[str, str], settings: Any
) -> list[FullNetwork]:
    """The full answer for these rows."""
    subnets, ports, dhcp_ports = _grouped(contents)
    return [
        FullNetwork(
            id=row.id,
            digest=by_network[row.id],
            project_id=row.project_id,
            mtu=row.mtu,
            dns_domain=row.dns_domain or settings.dns_domain,
            admin_state_up=row.admin_state_up,
            lease_seconds=settings.dhcp_lease_duration,
            dhcp_port=dhcp_ports.get(row.pk),
            subnets=subnets[row.pk],
            ports=ports[row.pk],
        )
        for row in contents.networks
    ]


def _grouped(
    contents: Contents,
) -> tuple[dict[int, list[ServedSubnet]], dict[int, list[ServedPort]], dict[int, DhcpPort]]:
    """Subnets, ports and the DHCP port by network number."""
    subnets: dict[int, list[ServedSubnet]] = defaultdict(list)
    for row in contents.subnets:
        subnets[row.network_pk].append(_subnet(row))
    ports: dict[int, list[ServedPort]] = defaultdict(list)
    dhcp_ports: dict[int, DhcpPort] = {}
    for row in contents.ports:
        fixed_ips = [
            Address(subnet_id, model.unpack(address))
            for subnet_id, address in contents.addresses[row.pk]
        ]
        if row.device_owner == model.DHCP_PORT_OWNER:
            dhcp_ports[row.network_pk] = DhcpPort(row.id, row.mac_address, fixed_ips)
        else:
            ports[row.network_pk].append(_port(row, fixed_ips, contents))
    return subnets, ports, dhcp_ports


def _subnet(row: Record) -> ServedSubnet:
    return ServedSubnet(
        id=row.id,
        cidr=row.cidr,
        ip_version=row.ip_version,
        gateway_ip=None if row.gateway_ip is None else model.unpack(row.gateway_ip),
        enable_dhcp=row.enable_dhcp,
        dns_nameservers=row.dns_nameservers,
        host_routes=row.host_routes,
        ipv6_ra_mode=row.ipv6_ra_mode,
        ipv6_address_mode=row.ipv6_address_mode,
    )


def _port(row: Record, fixed_ips: list[Address], contents: Contents) -> ServedPort:
    """The port as the agent's host has it: its own from before it comes until it has left."""
    host, status, vif_type = row.binding_host_id, row.status, row.binding_vif_type
    if row.pk in contents.arriving:
        host = contents.host
        there = contents.arriving[row.pk]
        status = model.ACTIVE if there.ready or there.leaving else model.DOWN
        vif_type = there.vif_type
    first = fixed_ips[0].ip_address if fixed_ips else ""
    return ServedPort(
        id=row.id,
        mac_address=row.mac_address,
        revision_number=row.revision_number,
        device_id=row.device_id,
        device_owner=row.device_owner,
        admin_state_up=row.admin_state_up,
        status=status,
        binding_host_id=host,
        binding_vif_type=vif_type,
        hostname=row.dns_name or (model.default_hostname(first) if first else ""),
        fixed_ips=fixed_ips,
        extra_dhcp_opts=row.extra_dhcp_opts,
    )


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:DIGEST_CHARACTERS]


def _etag(networks: Sequence[ServedNetwork]) -> str:
    return f'"{_digest([f"{each.id} {each.digest}" for each in networks])}"'


def _tags(header: str | None) -> set[str]:
    """The tags of If-None-Match (RFC 9110 §13.1.2), which compares weak and strong ones alike."""
    return {tag.strip().removeprefix("W/") for tag in (header or "").split(",")}
