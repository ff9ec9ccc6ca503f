"""What the API tells an agent of the names of its networks: all of them once, then changes."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from ipam.protocol.wire import read_parsed
from ipam.values import Uuid

MOST_CHANGES: Final = 2000
"""So many changed ports are told in one answer. After more the agent asks for all names."""
CURSOR_HEADER: Final = "IPAM-Names-Cursor"
"""The header in which each answer has the cursor for changes after it, a 304 too.

So the time to look at is short, however long nothing of an agent's networks changes.
"""
MOST_AT_ONCE: Final = 5000
"""So many ports are in one answer of the names of whole networks."""


class NamedPort(Struct, frozen=True, omit_defaults=True):
    """What the name of a port is made of. Without addresses it has none, or is gone."""

    port_id: Annotated[Uuid, Meta(description="The port.")]
    network_id: Annotated[Uuid, Meta(description="Its network.")]
    dns_name: Annotated[
        str, Meta(description="As dns_name of the port; when empty, each address has a name.")
    ] = ""
    addresses: Annotated[list[str], Meta(description="Its addresses.")] = []
    is_leased: Annotated[
        bool,
        Meta(description="Whether the port follows a lease, and its machine named itself."),
    ] = False
    own_name: Annotated[
        str,
        Meta(
            description="How its machine calls itself, to be answered where nobody has the name."
        ),
    ] = ""


class ChangedNames(Struct, frozen=True):
    """The ports whose names or addresses changed since a moment."""

    cursor: Annotated[int, Meta(description="What to ask with for later changes.")]
    ports: Annotated[list[NamedPort], Meta(description="The ports as they are now.")]
    is_complete: Annotated[
        bool, Meta(description="False if there are more: ask for all names again.")
    ] = True


class AllNames(Struct, frozen=True):
    """The names of whole networks, or a part of them."""

    names: Annotated[list[NamedPort], Meta(description="The ports with addresses.")]
    following: Annotated[
        str | None, Meta(description="What `after` has to be for the next part; null at the end.")
    ]


class _Answer(Struct):
    names: ChangedNames | None = None


def read_changes(answer: object) -> ChangedNames | None:
    """The changes in a `dhcp-state` answer, which is parsed JSON; None from an older API.

    Raises Malformed.
    """
    return read_parsed(_Answer, answer, "names of dhcp-state").names


def read_all(answer: object) -> AllNames:
    """One part of the names of whole networks. Raises Malformed."""
    return read_parsed(AllNames, answer, "dns-names")
