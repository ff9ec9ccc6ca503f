"""Requests that are right, and too much: of parts of a query, of items, of bytes, of guesses."""

import base64
from collections.abc import Callable
from random import Random
from typing import Any, Final

from tests.hostile.json_bodies import encode
from tests.hostile.requests import JSON, Request, written
from tests.hostile.target import Target

MEBIBYTE: Final = 1_048_576
LISTS: Final = ("networks", "subnets", "ports", "subnetpools", "leases", "lease-events", "agents")


def multiplied(kind: str, target: Target, chance: Random) -> Request:
    """A query string whose parts each cost the database something."""
    collection = chance.choice(LISTS)
    marker = target.document.an_id(collection, chance)
    count = chance.choice((30, 250, 1_500, 5_000))
    texts = chance.choice(
        (
            f"limit=1&marker={marker}" + "&sort_key=id" * count,
            f"limit=1&marker={marker}"
            + "".join(f"&sort_key={name}" for name in ("id", "name", "created_at") * (count // 3)),
            "tags=" + "," * count,
            "not-tags-any=" + ",".join(f"t{number}" for number in range(count)),
            "&".join(f"name=n{number}" for number in range(count)),
            "&".join(f"id={number}" for number in range(count)),
            "&".join(
                f"fixed_ips=ip_address%3D10.0.{number // 256}.{number % 256}"
                for number in range(count)
            ),
            "&".join(f"fixed_ips=subnet_id%3D{number}" for number in range(count)),
            "fields=id&" * count,
            "&".join(f"a{number}=1" for number in range(count)),
            f"limit={'9' * chance.choice((18, 4_000))}",
            "&" * count,
            f"name={'%00' * (count // 3)}",
        )
    )
    signed = target.signed(chance.choice(("reader", "member")))
    return Request(kind, written("GET", f"/v2.0/{collection}?{texts}", signed), is_legible=False)


def large(kind: str, target: Target, chance: Random) -> Request:
    """A body with too much of something."""
    count = chance.choice((50, 300, 2_000, 10_000))
    if chance.random() < 0.2:
        name, content = "ports", _bulky(chance)
    else:
        name, attributes = chance.choice(TOO_MANY)
        content = encode(_filled(name, attributes(count), target, chance))
    persona = chance.choice(("member", "agent", "member", "admin"))
    return Request(
        kind, written("POST", f"/v2.0/{name}", [*target.signed(persona), JSON], content)
    )


def _filled(name: str, attributes: Any, target: Target, chance: Random) -> dict[str, Any]:
    """The body of a POST, with what else it needs."""
    network = {"network_id": target.document.an_id("networks", chance)}
    of_kind: dict[str, dict[str, Any]] = {
        "ports": network,
        "subnets": {**network, "ip_version": 4, "cidr": "10.0.0.0/8"},
        "subnetpools": {"name": "p"},
        "agents": {"host": "host-1", "started_at": 1},
    }
    needed = of_kind.get(name, {})
    if isinstance(attributes, list):
        whole = [{**needed, **one} if isinstance(one, dict) else one for one in attributes]
        return {name.replace("-", "_"): whole}
    return {name.removesuffix("s"): {**needed, **attributes}}


def _address(number: int) -> str:
    return f"10.{number >> 8 & 255}.{number & 255}.1"


def _addresses(count: int) -> list[dict[str, str]]:
    return [{"ip_address": _address(number)} for number in range(count)]


TOO_MANY: Final[tuple[tuple[str, Callable[[int], Any]], ...]] = (
    ("ports", lambda count: {"fixed_ips": [{}] * count}),
    ("ports", lambda count: {"fixed_ips": _addresses(count)}),
    ("ports", lambda count: {"allowed_address_pairs": _addresses(count)}),
    ("ports", lambda count: {"extra_dhcp_opts": [{"opt_name": "42", "opt_value": "x"}] * count}),
    ("ports", lambda count: {"binding:profile": {f"k{number}": 1 for number in range(count)}}),
    ("ports", lambda count: {"tags": [f"t{number}" for number in range(count)]}),
    ("ports", lambda count: {"security_groups": ["x"] * count}),
    ("ports", lambda count: [{}] * count),
    ("ports", lambda count: [0] * count),
    ("networks", lambda count: [{"name": f"n{number}"} for number in range(count)]),
    ("networks", lambda count: {"availability_zone_hints": ["z"] * count}),
    ("subnets", lambda count: {"dns_nameservers": [_address(n) for n in range(count)]}),
    (
        "subnets",
        lambda count: {
            "host_routes": [
                {"destination": f"{_address(number)}/32", "nexthop": "10.0.0.1"}
                for number in range(count)
            ]
        },
    ),
    (
        "subnets",
        lambda count: {
            "allocation_pools": [
                {"start": _address(number), "end": f"{_address(number)}9"}
                for number in range(count)
            ]
        },
    ),
    ("subnetpools", lambda count: {"prefixes": [f"{_address(n)}/32" for n in range(count)]}),
    ("lease-events", lambda count: [{}] * count),
    ("agents", lambda count: {"configurations": {f"k{number}": [] for number in range(count)}}),
)
"""Attributes of one thing, or a list of things, by how many there are to be."""


def _bulky(chance: Random) -> bytes:
    """A mebibyte of something."""
    return chance.choice(
        (
            b'{"ports":[' + b"0," * (MEBIBYTE // 2 - 20) + b"0]}",
            b'{"networks":[' + b"{}," * (MEBIBYTE // 3 - 20) + b"{}]}",
            b"[" * MEBIBYTE,
            b'{"a":' * (MEBIBYTE // 5),
            b"1" * MEBIBYTE,
            b'{"port":{"name":"' + b"\\u0000" * (MEBIBYTE // 6 - 20) + b'"}}',
            b'{"port":{' + b",".join(b'"k%d":0' % n for n in range(80_000)) + b"}}",
            b" " * (MEBIBYTE + 1),
            b'{"port":{"network_id":"' + b"a" * (2 * MEBIBYTE) + b'"}}',
        )
    )


def login(kind: str, target: Target, chance: Random) -> Request:
    """A wrong password for an account that exists, or does not."""
    name = chance.choice(
        ("member", "reader", "admin", "nobody-here", f"u{chance.randrange(9_999)}")
    )
    password = chance.choice((f"guess-{chance.randrange(10**6)}", "", "a" * 73, "\0", "é" * 40))
    pair = base64.b64encode(f"{name}:{password}".encode()).decode()
    return Request(kind, written("GET", "/v2.0/networks", [("Authorization", f"Basic {pair}")]))
