"""One round: machines come, renew and go, something fails, and the records are judged."""

import contextlib
import random
import threading
import time
from dataclasses import dataclass

from ipam import model
from ipam.errors import IpamError
from tests.outages.faults import FAULTS, Scene
from tests.outages.fleet import Fleet, Machine
from tests.outages.place import Place
from tests.outages.verdict import Verdict

MACHINES = 40
AT_ONCE = 6
BATCH_SECONDS = 1.6
"""Long enough for a client's second try."""
PACE_SECONDS = 0.4
"""A batch takes no less."""
STAY_SECONDS = 1.0
"""No machine goes sooner: its hook has run by then, if nothing is wrong."""
LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class Outcome:
    """What a round came to."""

    fault: str
    database: str
    machines: int
    held: int
    verdict: Verdict
    settled_seconds: float
    """From the fault's end until the records were right."""
    memory_mb: float


def run_round(
    place: Place, name: str, chance: random.Random, *, machines: int = MACHINES, patience: float
) -> Outcome:
    """Bring about the fault under load. The records have so many seconds to be right."""
    network, ports = place.network(machines)
    fleet = Fleet(model.bridge_name(network["id"]))
    try:
        made = [fleet.machine(p["mac_address"], p["fixed_ips"][0]["ip_address"]) for p in ports]
        scene = Scene(place, network, ports, fleet, made, chance)
        _under_load(scene, name)
        verdict, seconds = _settled(scene, patience)
        held = len(fleet.held())
        place.remove(network)
    finally:
        fleet.close()
    return Outcome(name, place.database, machines, held, verdict, seconds, place.memory_mb())


def _under_load(scene: Scene, name: str) -> None:
    """The fault begins amid a batch, and ends some batches later."""
    fleet, chance = scene.fleet, scene.chance
    third = len(scene.machines) // 3
    assert fleet.lease(scene.machines[:third], 60), scene.place.said()
    begins, length = chance.randrange(1, 3), chance.randrange(2, 5)
    moment = threading.Event()
    over = threading.Event()
    failed: list[BaseException] = []

    def harm() -> None:
        try:
            with contextlib.ExitStack() as stack:
                moment.wait()
                time.sleep(chance.random() * 0.3)
                stack.enter_context(FAULTS[name](scene))
                over.wait()
        except BaseException as error:  # noqa: BLE001  # it is raised in the test's thread
            failed.append(error)

    thread = threading.Thread(target=harm)
    thread.start()
    try:
        for number in range(begins + length + 1):
            if number == begins:
                moment.set()
            _batch(scene)
    finally:
        moment.set()
        over.set()
        thread.join()
    if failed:
        raise failed[0]
    scene.place.await_service()
    scene.place.await_active(scene.network, len(scene.ports))
    _batch(scene)


def _batch(scene: Scene) -> None:
    fleet, chance, begun = scene.fleet, scene.chance, time.monotonic()
    idle = [one for one in scene.machines if not one.holds and one.holding not in fleet.ended]
    holding = [one for one in scene.machines if one.holds]
    stayed = [one for one in holding if one.since < begun - STAY_SECONDS]
    leaving = chance.sample(stayed, min(2, len(stayed)))
    for one in leaving:
        fleet.release(one)
    staying = [one for one in holding if one not in leaving]
    renewing = chance.sample(staying, min(AT_ONCE // 2, len(staying)))
    coming: list[Machine] = chance.sample(idle, min(AT_ONCE, len(idle)))
    fleet.lease_and_renew(coming, renewing, BATCH_SECONDS)
    time.sleep(max(0.0, begun + PACE_SECONDS - time.monotonic()))


def _settled(scene: Scene, patience: float) -> tuple[Verdict, float]:
    begun = time.monotonic()
    verdict = _judged(scene)
    while verdict and time.monotonic() < begun + patience:
        time.sleep(LOOK_SECONDS)
        verdict = _judged(scene)
    return verdict, time.monotonic() - begun


def _judged(scene: Scene) -> Verdict:
    try:
        return scene.place.judge(scene.network, scene.fleet)
    except IpamError as error:
        return Verdict((), (), (), stuck=str(error))
