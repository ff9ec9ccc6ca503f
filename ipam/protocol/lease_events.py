"""What an agent tells the API of leases. The agent keeps it on disk in the same form."""

from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from ipam.model import LeaseAction, LeaseSource
from ipam.values import IpAddress, Uuid


class LeaseEventCreate(Struct):
    """An event as its agent saw it. Long texts are cut to their column, never refused."""

    ignores_unknown: ClassVar = True

    id: Annotated[
        str, Meta(description="32 random hexadecimal digits, chosen where the event was seen.")
    ]
    network_id: Annotated[Uuid, Meta(description="The network.")]
    host: Annotated[str, Meta(description="The host of the DHCP server that reported it.")]
    action: Annotated[
        LeaseAction,
        Meta(description="add, old (renewed), del, or missed: an end that nobody reported."),
    ]
    ip_address: Annotated[IpAddress, Meta(description="The address.")]
    occurred_at_us: Annotated[
        int, Meta(description="When it happened, in microseconds since 1970.")
    ]
    source: Annotated[
        LeaseSource,
        Meta(
            description="hook: dnsmasq reported it. reconciled: nobody did, and the agent found it"
            " by what dnsmasq holds."
        ),
    ] = "hook"
    mac_address: Annotated[
        str | None, Meta(description="The client's MAC address; null where it has no Ethernet.")
    ] = None
    client_id: Annotated[
        str | None,
        Meta(description="The DHCPv4 client identifier, as the client sent it, escaped."),
    ] = None
    duid: Annotated[
        str | None,
        Meta(description="The DHCPv6 client identifier, as the client sent it, escaped."),
    ] = None
    iaid: Annotated[
        str | None, Meta(description="The DHCPv6 identity association, as the client sent it.")
    ] = None
    hostname: Annotated[
        str | None, Meta(description="The name that the client sent, escaped.")
    ] = None
    expires_at: Annotated[
        int | None, Meta(description="When the lease ends, in seconds since 1970; null for never.")
    ] = None
    details: Annotated[
        dict[str, Any], Meta(description="Further facts that the DHCP server knew.")
    ] = {}
