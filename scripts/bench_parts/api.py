"""Measures requests to the API: rate, latency, CPU of API and database, statements.

The API is two granian workers with http_basic. The databases are private servers whose commits
wait for the disk. For comparison there are a route that does nothing, on the same server, and the
peer's figures. Compare CPU per operation between machines and loads: the clients run on the same
machine, so rates and latencies depend more on the machine than on the API.
"""

import base64
import itertools
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Final

import msgspec

from scripts.bench_parts import api_place, bare, progress
from scripts.bench_parts.api_load import Load, Wire, measure
from scripts.bench_parts.api_statements import counted
from scripts.bench_parts.peers import NEUTRON_29
from tests.servers.mariadb_server import MariadbServer
from tests.servers.postgresql_server import PostgresqlServer
from tests.servers.private_server import PrivateServer

CLIENTS: Final = (1, 4, 16)
TARGET_CPU_MS: Final = {
    "port create, fresh /16": 2.5,
    "bulk of 100 ports": 50,
    "port show": 0.5,
    "list of 10,000 ports": 250,
}
TARGET_RATIO_FULL: Final = 1.1
TARGET_STATEMENTS: Final = 8

ADDRESSES: Final = 65_533
"""Of a /16: without network, broadcast and gateway."""
FREE: Final = 655

_AUTHORIZATION = base64.b64encode(f"{api_place.USER}:{api_place.PASSWORD}".encode()).decode()
HEADERS: Final = (f"Authorization: Basic {_AUTHORIZATION}",)


def run(figures: dict[str, Any], *, quick: bool = False) -> None:
    """Fill in the figures of each database that can be started here, the floor and the peer."""
    scale = 0.2 if quick else 1
    figures["neutron 29"] = NEUTRON_29
    figures["targets"] = {
        **TARGET_CPU_MS,
        "ratio at 99 %": TARGET_RATIO_FULL,
        "statements": TARGET_STATEMENTS,
    }
    _floor(figures.setdefault("floor", {}), scale)
    for kind in (PostgresqlServer, MariadbServer):
        if kind.missing() is None:
            server = kind(durable=True)
            progress.say(f"{server.name}: starting")
            server.launch()
            try:
                _database(figures.setdefault(server.name, {}), server, scale)
                figures[server.name]["ratios"] = ratios(figures[server.name], figures["floor"])
            finally:
                server.remove()


def _floor(figures: dict[str, Any], scale: float) -> None:
    load = Load(lambda wire, path: wire.call("GET", path), lambda calls: ["/"] * calls)
    with api_place.granian("scripts.bench_parts.floor_app:application") as (port, pid):
        _at_each_load(figures, load, port, {"api": pid}, int(3000 * scale))
    progress.say("floor: measured")


def _database(figures: dict[str, Any], server: PrivateServer, scale: float) -> None:
    with api_place.served(server.fresh_url()) as api, closing(Wire(api.port, HEADERS)) as wire:
        site = Site(wire.call, lambda *args, **more: api_place.fill(api.database, *args, **more))
        progress.say(f"{server.name}: filled")
        pids = {"api": api.pid, "database": server.pid}
        for name, (load, calls) in site.operations().items():
            scaled = max(2, int(calls * scale))
            _at_each_load(figures.setdefault(name, {}), load, api.port, pids, scaled)
            progress.say(f"{server.name}: {name}: {figures[name]['1']['cpu_ms']} CPU-ms")
        for name, count in counted(api.config, api.database.url, site).items():
            figures[name]["statements"] = count
        figures["bare statements of a create"] = bare.measure_creates(
            api.database, server.pid, site.untouched
        )


def ratios(figures: dict[str, Any], floor: dict[str, Any]) -> dict[str, float]:
    """CPU of operations with one client, in multiples of what cannot be saved or of each other."""
    cpu = {name: found["1"]["cpu_ms"] for name, found in figures.items() if "1" in found}
    route, create = floor["1"]["cpu_ms"], cpu[PORT_CREATE]
    bare_create = figures["bare statements of a create"]["cpu_ms"]
    found = {
        "create / (empty route + bare statements)": create / (route + bare_create),
        "create at 99 % / create": cpu[PORT_CREATE_FULL] / create,
        "show / empty route": cpu["port show"] / route,
        "update / create": cpu["port update"] / create,
        "delete / create": cpu["port delete"] / create,
        "deep page / first page, two filters": cpu[DEEP_PAGE] / cpu[FIRST_PAGE],
    }
    return {name: round(ratio, 2) for name, ratio in found.items()}


def _at_each_load(
    figures: dict[str, Any], load: Load, port: int, pids: dict[str, int], calls: int
) -> None:
    for clients in CLIENTS:
        wires = [Wire(port, HEADERS) for _ in range(clients)]
        measure(load, wires, pids, min(calls, 2 * clients))  # each worker has seen it once
        figures[str(clients)] = measure(load, wires, pids, max(calls, clients))
        for wire in wires:
            wire.close()


PORT_CREATE: Final = "port create, fresh /16"
PORT_CREATE_FULL: Final = "port create, /16 99 % full"
FIRST_PAGE: Final = "first page of 100 of 10,000 ports, two filters"
DEEP_PAGE: Final = "last page of 100 of 10,000 ports, two filters"


class Site:
    """Networks to work on, and the operations on them."""

    def __init__(self, call: Callable[..., bytes], fill: Callable[..., list[str]]) -> None:
        self._call = call
        self._numbers = itertools.count(1)
        self.fresh, _ = self._network()
        _, self.untouched = self._network()
        self.full, subnet = self._network()
        fill(self.full, subnet, ADDRESSES - FREE, free=FREE)
        self.small, subnet = self._network()
        fill(self.small, subnet, 1_000)
        self.large, subnet = self._network()
        self.ids = fill(self.large, subnet, 10_000)
        self._made: list[str] = []

    def operations(self) -> dict[str, tuple[Load, int]]:
        """Each operation by name, with how many calls make a measurement."""
        return {
            PORT_CREATE: (self._create(), 600),
            PORT_CREATE_FULL: (self._create_in_full(), 400),
            "bulk of 100 ports": (self._bulk(), 20),
            "port show": (self._on_each("GET"), 2000),
            "port update": (self._on_each("PUT", self._rename), 600),
            "port delete": (Load(self._send_delete, self._fresh_ports), 400),
            "list of 1,000 ports": (self._list(self.small), 40),
            "page of 100 of 1,000 ports": (self._pages(self.small), 200),
            "list of 10,000 ports": (self._list(self.large), 8),
            "list of 10,000 ports, fields=id": (self._list(self.large, "&fields=id"), 10),
            FIRST_PAGE: (self._page_after(None), 100),
            DEEP_PAGE: (self._page_after(-101), 100),
            "page of 100 of 10,000 ports": (self._pages(self.large), 200),
        }

    def _network(self) -> tuple[str, str]:
        network = self._post("network", {"name": "bench"})["id"]
        cidr = f"10.{next(self._numbers)}.0.0/16"
        body = {"network_id": network, "cidr": cidr, "ip_version": 4, "enable_dhcp": False}
        return network, self._post("subnet", body)["id"]

    def _post(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = msgspec.json.decode(self._call("POST", f"/v2.0/{name}s", {name: body}))
        made: dict[str, Any] = answer[name]
        return made

    def _create(self) -> Load:
        """Without cleanup: a fresh /16 has room for all that is made, and deleting takes long."""
        body = {"port": self._port(self.fresh)}
        return Load(lambda wire, _n: wire.call("POST", "/v2.0/ports", body), range)

    def _create_in_full(self) -> Load:
        body = {"port": self._port(self.full)}

        def work(wire: Wire, _argument: Any) -> None:
            made = msgspec.json.decode(wire.call("POST", "/v2.0/ports", body))
            self._made.append(made["port"]["id"])

        return Load(work, range, self._delete_made)

    @staticmethod
    def _port(network_id: str) -> dict[str, Any]:
        return {"network_id": network_id, "device_id": "a" * 36, "admin_state_up": True}

    def _bulk(self) -> Load:
        body = {"ports": [{"network_id": self.fresh, "name": f"p{n}"} for n in range(100)]}
        return Load(lambda wire, _n: wire.call("POST", "/v2.0/ports", body), range)

    def _on_each(self, method: str, body: Callable[[], Any] = lambda: None) -> Load:
        ids = itertools.cycle(self.ids)
        return Load(
            lambda wire, port_id: wire.call(method, f"/v2.0/ports/{port_id}", body()),
            lambda calls: list(itertools.islice(ids, calls)),
        )

    def _rename(self) -> dict[str, Any]:
        return {"port": {"name": f"renamed-{next(self._numbers)}"}}

    def _fresh_ports(self, calls: int) -> list[str]:
        made: list[str] = []
        while len(made) < calls:
            bodies = [{"network_id": self.fresh}] * min(100, calls - len(made))
            answer = self._call("POST", "/v2.0/ports", {"ports": bodies})
            made += [port["id"] for port in msgspec.json.decode(answer)["ports"]]
        return made

    @staticmethod
    def _send_delete(wire: Wire, port_id: str) -> None:
        wire.call("DELETE", f"/v2.0/ports/{port_id}")

    def _page_after(self, place: int | None) -> Load:
        """The page after the port at this place, in the order of numbers."""
        path = f"/v2.0/ports?network_id={self.large}&status=ACTIVE&limit=100"
        if place is not None:
            path += f"&marker={self.ids[place]}"
        return Load(lambda wire, _n: wire.call("GET", path), range)

    def _list(self, network_id: str, more: str = "") -> Load:
        path = f"/v2.0/ports?network_id={network_id}{more}"
        return Load(lambda wire, _n: wire.call("GET", path), range)

    def _pages(self, network_id: str) -> Load:
        """One page each, from all over the list."""
        path = f"/v2.0/ports?network_id={network_id}&limit=100"
        listed = self._call("GET", f"/v2.0/ports?network_id={network_id}&fields=id")
        ids = [port["id"] for port in msgspec.json.decode(listed)["ports"]]
        markers = itertools.cycle(ids[99:-100:100])
        return Load(
            lambda wire, marker: wire.call("GET", f"{path}&marker={marker}"),
            lambda calls: list(itertools.islice(markers, calls)),
        )

    def _delete_made(self) -> None:
        for port_id in self._made:
            self._call("DELETE", f"/v2.0/ports/{port_id}")
        self._made.clear()
