"""The faults of the campaign: how each begins, and how it ends."""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import psutil

from tests import debugger
from tests.outages.fleet import Fleet, Machine
from tests.outages.meddler import ANSWERS, CUT, HALF, LOST, PASS, SLOW
from tests.outages.place import Place
from tests.waiting import eventually

HOOKS: Final = 5
STORM: Final = 30
REUSES: Final = 6
HOUR: Final = 3600
UNHEARD: Final = 3
FAKETIME: Final = "/usr/lib/{}/faketime/libfaketimeMT.so.1"
HOSTILE: Final = {
    12: b"$(reboot)\t\n\x00\xff%41=\x1b[2J",
    60: b"a\tb\nid=00\x00;" + b"\xf0\x28" * 20,
    61: b"\xff" + bytes(range(120)),
    77: b"\x05%0A=\t\xfe",
    81: b"\x01\x00\x00\xc3\x28.\x00",
}

Json = dict[str, Any]


@dataclass
class Scene:
    """What a fault may harm."""

    place: Place
    network: Json
    ports: list[Json]
    fleet: Fleet
    machines: list[Machine]
    chance: random.Random


Fault = Callable[[Scene], "contextlib.AbstractContextManager[None]"]
"""Begins at the entry of the block and is over after it."""


def killed(*names: str) -> Fault:
    """Kill these; what nobody starts again is started at the end, as systemd does."""

    @contextlib.contextmanager
    def fault(scene: Scene) -> Iterator[None]:
        # Before the first of them is dead: a helper is found by its dnsmasq.
        of_server = {name: _pids(scene, name) for name in names if name in ("dnsmasq", "helper")}
        for name in names:
            _kill(scene, name, of_server.get(name, ()))
        yield
        _start_again(scene.place)

    return fault


@contextlib.contextmanager
def killed_amid_a_write(scene: Scene) -> Iterator[None]:
    """dnsmasq gives leases of which no agent hears, and has written a part of its file."""
    place, network = scene.place, scene.network
    leases = place.lease_path(network)
    place.kill("agent")
    before = set(leases.read_text().splitlines())
    eventually(
        lambda: len(set(leases.read_text().splitlines()) - before) >= UNHEARD,
        "dnsmasq has given leases, or longer ones",
    )
    for pid in (place.pid(network), place.helper(network)):
        _signal(pid, signal.SIGKILL)
    eventually(lambda: place.pid(network) == 0, "dnsmasq is gone")
    os.truncate(
        leases, scene.chance.choice([0, scene.chance.randrange(leases.stat().st_size + 1)])
    )
    yield
    _start_again(place)


def stopped(name: str) -> Fault:
    """SIGSTOP, and at the end SIGCONT for what is left of it."""

    @contextlib.contextmanager
    def fault(scene: Scene) -> Iterator[None]:
        pids = _pids(scene, name)
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        yield
        if name in ("agent", "api", "worker", "database"):
            for pid in pids:
                _signal(pid, signal.SIGCONT)

    return fault


@contextlib.contextmanager
def held_by_a_debugger(scene: Scene) -> Iterator[None]:
    """A dnsmasq that waits for ever, though no signal has stopped it. Only the agent ends it."""
    pid = scene.place.pid(scene.network)
    with debugger.held(pid):
        yield
        eventually(lambda: scene.place.pid(scene.network) not in (0, pid), scene.place.said)


def between(mode: str) -> Fault:
    """Something between agent and API answers so."""

    @contextlib.contextmanager
    def fault(scene: Scene) -> Iterator[None]:
        scene.place.meddler.become(mode)
        yield
        scene.place.meddler.become(PASS)

    return fault


@contextlib.contextmanager
def disk_full(scene: Scene) -> Iterator[None]:
    filler = scene.place.disk / "filler"
    with contextlib.suppress(OSError), filler.open("ab", 0) as file:
        while True:
            file.write(bytes(1024))
    yield
    filler.unlink()


@contextlib.contextmanager
def disk_read_only(scene: Scene) -> Iterator[None]:
    """The agent starts on it: a disk that has files open for writing cannot become so."""
    place = scene.place
    place.end("agent")
    eventually(lambda: _remounted(place, "ro"), "no hook has its spool open")
    place.launch("agent")
    yield
    assert _remounted(place, "rw")


def clock(seconds: int) -> Fault:
    """The agent's clock is that much ahead, in its process alone."""

    @contextlib.contextmanager
    def fault(scene: Scene) -> Iterator[None]:
        place = scene.place
        library = FAKETIME.format(f"{os.uname().machine}-linux-gnu")
        place.end("agent")
        faked = {
            "LD_PRELOAD": library,
            "FAKETIME": f"{seconds:+d}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        place.launch("agent", faked)
        yield
        place.end("agent")
        place.launch("agent")

    return fault


@contextlib.contextmanager
def hostile_bytes(scene: Scene) -> Iterator[None]:
    for one in scene.machines:
        if not one.holds:
            one.options = {code: HOSTILE[code] for code in HOSTILE if scene.chance.random() < 0.7}
            if 61 in one.options:
                one.options[61] += os.urandom(4)
    yield


@contextlib.contextmanager
def rogue_release(scene: Scene) -> Iterator[None]:
    for one in _some_holders(scene, 3):
        scene.fleet.release(one, as_mac="another's")
    yield


@contextlib.contextmanager
def decline(scene: Scene) -> Iterator[None]:
    for one in _some_holders(scene, 3):
        scene.fleet.decline(one)
    yield


@contextlib.contextmanager
def hangups(scene: Scene) -> Iterator[None]:
    for _ in range(STORM):
        _signal(scene.place.pid(scene.network), signal.SIGHUP)
        time.sleep(0.05)
    yield


@contextlib.contextmanager
def address_reuse(scene: Scene) -> Iterator[None]:
    """Ports are deleted, and others with their addresses made at once."""
    place = scene.place
    for number, one in enumerate(_some_holders(scene, REUSES)):
        port = next(p for p in scene.ports if p["mac_address"] == one.mac)
        place.client.delete(f"/v2.0/ports/{port['id']}")
        scene.fleet.forget(one)
        scene.machines.remove(one)
        fixed_ips = [{"ip_address": one.address}]
        body = place.port_body(scene.network, fixed_ips=fixed_ips)
        made = place.client.post("/v2.0/ports", json={"port": body})["port"]
        heir = scene.fleet.machine(made["mac_address"], one.address)
        scene.machines.append(heir)
        if number % 2:
            place.await_active(scene.network, len(scene.ports))
    yield


@contextlib.contextmanager
def second_agent(scene: Scene) -> Iterator[None]:
    process = scene.place.process("agent")
    yield
    eventually(lambda: process.poll() is not None, "the second agent ends")


FAULTS: Final[dict[str, Fault]] = {
    "none": killed(),
    **{
        f"{name} killed": killed(name.lower())
        for name in ("hook", "agent", "dnsmasq", "helper", "API", "database", "worker")
    },
    "dnsmasq and helper killed": killed("dnsmasq", "helper"),
    "agent and helper killed": killed("agent", "helper"),
    "agent and dnsmasq killed": killed("agent", "dnsmasq", "helper"),
    "all killed amid a write": killed_amid_a_write,
    "API and database killed": killed("api", "database"),
    "everything killed": killed("hook", "agent", "dnsmasq", "helper", "api", "worker", "database"),
    **{
        f"{name} stopped": stopped(name.lower())
        for name in ("hook", "agent", "dnsmasq", "helper", "API", "database", "worker")
    },
    "dnsmasq hangs": held_by_a_debugger,
    **{f"API answers {name}": between(name) for name in ANSWERS},
    "API answers slowly": between(SLOW),
    "API's answers are cut in half": between(HALF),
    "API's answers are lost": between(LOST),
    "network cut": between(CUT),
    "disk full": disk_full,
    "disk read-only": disk_read_only,
    "clock an hour ahead": clock(HOUR),
    "clock an hour behind": clock(-HOUR),
    "hostile bytes": hostile_bytes,
    "rogue releases": rogue_release,
    "declines": decline,
    "storm of SIGHUP": hangups,
    "addresses reused": address_reuse,
    "second agent": second_agent,
}


def applies(name: str, database: str, hook: str) -> bool:
    """SQLite is a file in the API's own process, and a hook in Lua is in the helper."""
    if hook == "lua" and name in ("hook killed", "hook stopped"):
        return False
    return database != "sqlite" or name not in (
        "database killed",
        "database stopped",
        "API and database killed",
    )


def _kill(scene: Scene, name: str, pids: Collection[int]) -> None:
    place = scene.place
    if name == "hook":
        for _ in range(HOOKS):
            _kill_next_hook(scene)
    elif name == "database":
        if place.server is not None:
            children = psutil.Process(place.server.pid).children(recursive=True)
            place.server.stop(signal.SIGKILL)
            psutil.wait_procs(children)
    elif name in ("dnsmasq", "helper"):
        for pid in pids:
            _signal(pid, signal.SIGKILL)
    else:
        place.kill(name)


def _kill_next_hook(scene: Scene) -> None:
    until = time.monotonic() + 1
    while time.monotonic() < until:
        if hook := scene.place.hook(scene.network):
            _signal(hook, signal.SIGKILL)
            return


def _start_again(place: Place) -> None:
    place.start_database()
    for name in ("api", "worker", "agent"):
        place.launch(name)


def _remounted(place: Place, how: str) -> bool:
    done = subprocess.run(
        ["mount", "-o", f"remount,{how}", str(place.disk)], check=False, capture_output=True
    )
    return done.returncode == 0


def _pids(scene: Scene, name: str) -> list[int]:
    """The processes that a name means."""
    place, network = scene.place, scene.network
    if name == "database":
        if place.server is None:
            return []
        process = psutil.Process(place.server.pid)
        return [process.pid, *(one.pid for one in process.children(recursive=True))]
    if name in place.processes:
        return [place.processes[name].pid]
    if name == "hook":
        until = time.monotonic() + 1
        while time.monotonic() < until:
            if hook := place.hook(network):
                return [hook]
        return []
    pid = place.pid(network) if name == "dnsmasq" else place.helper(network)
    return [pid] if pid else []


def _signal(pid: int, number: int) -> None:
    if pid > 0:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _some_holders(scene: Scene, most: int) -> list[Machine]:
    holders = [one for one in scene.machines if one.holds and not one.options]
    return scene.chance.sample(holders, min(most, len(holders)))
