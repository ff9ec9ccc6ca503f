"""An agent's report of machines that its DHCP servers did not answer."""

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from ipam.values import Uuid

MOST_AT_ONCE = 500
LONGEST_CLIENT = 300
LONGEST_REASON = 255
LATEST_SECONDS = 253_402_300_799


class SeenRefusal(Struct, frozen=True, kw_only=True):
    """A machine that asked without success."""

    ignores_unknown: ClassVar = True

    network_id: Annotated[Uuid, Meta(description="The network.")]
    client: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=LONGEST_CLIENT,
            pattern="^([0-9a-f:-]+|<null>)$",
            description="Its MAC address; a DHCPv6 client's DUID where that holds none.",
        ),
    ]
    reason: Annotated[
        str, Meta(max_length=LONGEST_REASON, description="Why, in the DHCP server's words.")
    ]
    ip_address: Annotated[
        str, Meta(max_length=64, description="The address that it asked for; often empty.")
    ] = ""
    tap: Annotated[
        str,
        Meta(
            max_length=64,
            pattern="^[!-~]*$",
            description="The link of the network's bridge from which it asks; empty if unknown.",
        ),
    ] = ""
    count: Annotated[
        int, Meta(ge=0, le=2**53, description="How often it was refused since `first_at`.")
    ]
    first_at: Annotated[
        int, Meta(ge=0, le=LATEST_SECONDS, description="When it was refused first: epoch seconds.")
    ]
    last_at: Annotated[
        int, Meta(ge=0, le=LATEST_SECONDS, description="When it was refused last: epoch seconds.")
    ]


class SeenRefusals(Struct):
    """The machines that an agent reports."""

    ignores_unknown: ClassVar = True

    dhcp_refusals: Annotated[
        list[SeenRefusal], Meta(max_length=MOST_AT_ONCE, description="One for each machine.")
    ]
