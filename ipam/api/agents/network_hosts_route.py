"""Where a network is: its hosts, by what their agents say."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import falcon
import msgspec
from msgspec import Meta, Struct

from ipam.api.http import list_query
from ipam.api.http.bodies import respond
from ipam.api.http.operations import Operation
from ipam.api.networks import wire as network_wire
from ipam.api.service import Service
from ipam.protocol.reports import NetworkFacts
from ipam.store import agents, network_hosts
from ipam.store.engine.database import Transaction
from ipam.store.network_hosts import NetworkHost

STATES: Final = ("up", "down", "local")
UNKNOWN: Final = NetworkFacts(state="unknown")


class NetworkHostView(Struct, kw_only=True):
    """A network on one host."""

    host: Annotated[str, Meta(description="The host's name, as in binding:host_id.")]
    alive: Annotated[bool, Meta(description="Whether its agent was heard of lately.")]
    ports: Annotated[int, Meta(description="The network's ports that are bound to it.")]
    state: Annotated[
        Literal["up", "down", "local", "unknown"],
        Meta(
            description="up: it reaches the network's other hosts; down: it should, and does not;"
            " local: the network ends at its host; unknown: the agent says nothing of it."
        ),
    ]
    fault: Annotated[str, Meta(description="What is in the way, with the remedy.")]
    bridge: Annotated[str, Meta(description="The bridge on which the machines are.")]
    wire: Annotated[str, Meta(description="The link from the bridge to other hosts.")]
    tunneling_ip: Annotated[
        str | None, Meta(description="The address at which tunnels reach the host.")
    ]
    peers: Annotated[
        tuple[str, ...], Meta(description="The addresses to which a tunnel of it leads.")
    ]
    taps: Annotated[int, Meta(description="How many of its ports' taps are on the bridge.")]
    guarded: Annotated[
        int, Meta(description="How many of these may send only what their ports allow.")
    ]
    port_filter: Annotated[bool, Meta(description="Whether the host guards ports at all.")]


class NetworkHostsRoute:
    """GET of the hosts that a network is on."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GET": Operation(
                "Show where a network is: its hosts, with wires, peers and guards",
                response={"hosts": list[NetworkHostView]},
                query={"fields": "Show only this field; repeat for more."},
                rule="get_network_host",
            )
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, resource_id: str) -> None:
        fields = list_query.shown_fields(req.query_string)

        def read(tx: Transaction) -> list[NetworkHost]:
            network = network_wire.KIND.row(tx, resource_id)
            return [*network_hosts.network_hosts(tx, network.pk, network.id)]

        found = self._service.database.read(read)
        oldest = agents.oldest_heartbeat(self._service.settings.network.agent_down_time)
        views = [_view(one, oldest) for one in found]
        respond(resp, {"hosts": [list_query.with_fields(one, fields) for one in views]})


def _view(found: NetworkHost, oldest_heartbeat: int) -> NetworkHostView:
    said = _read(found.said)
    return NetworkHostView(
        host=found.host,
        alive=(found.heartbeat_at or 0) >= oldest_heartbeat,
        ports=found.ports,
        state=said.state if said.state in STATES else "unknown",  # type: ignore[arg-type]  # one of them
        fault=said.fault,
        bridge=said.bridge,
        wire=said.wire,
        tunneling_ip=found.tunneling_ip,
        peers=said.peers,
        taps=said.taps,
        guarded=said.guarded,
        port_filter=found.port_filter,
    )


def _read(said: Mapping[str, Any] | None) -> NetworkFacts:
    """The facts; what another version says in another form is unknown."""
    try:
        return msgspec.convert(said, NetworkFacts) if said is not None else UNKNOWN
    except msgspec.ValidationError:
        return UNKNOWN
