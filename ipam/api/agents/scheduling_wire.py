"""The bodies for the scheduling of networks to agents."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from ipam.values import Uuid


class NetworkOfAgent(Struct):
    """The network that an agent is to serve."""

    network_id: Uuid


class AvailabilityZone(Struct):
    """A zone of at least one agent."""

    name: Annotated[str, Meta(description="The zone.")]
    resource: Annotated[Literal["network"], Meta(description="What the zone is for.")]
    state: Annotated[
        Literal["available", "unavailable"],
        Meta(description="Whether an agent in the zone is alive."),
    ]
