"""Each service is restarted while servers boot: nothing is lost."""

import contextlib
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Self

from openstack import exceptions

from tests.nova.people import Tenant
from tests.nova.test_audit import audit
from tests.servers.openstack import controllers
from tests.waiting import eventually

BETWEEN_BOOTS_SECONDS = 0.7
BOOTS_BETWEEN_RESTARTS = 3


class Trickle:
    """One server after the other, until told to stop."""

    def __init__(self, tenant: Tenant, network: Any) -> None:
        self.made: list[Any] = []
        self._tenant = tenant
        self._network = network
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(BETWEEN_BOOTS_SECONDS):
            # Who is refused is told, and tries again.
            with contextlib.suppress(exceptions.SDKException):
                server = self._tenant.boot([{"uuid": self._network.id}], wait=False)
                self.made.append(server)

    def await_boots(self) -> None:
        """Until some more were made."""
        enough = len(self.made) + BOOTS_BETWEEN_RESTARTS
        eventually(lambda: len(self.made) >= enough, "servers are made")


def test_no_server_errs_and_no_port_leaks(tenant: Tenant, admin: Any, network: Any) -> None:
    cloud = tenant.cloud
    programs = cloud.programs

    def restart(name: str, number: signal.Signals) -> Callable[[], None]:
        def again() -> None:
            programs.stop(name, number)
            programs.start_again(name)
            if name == "ipam-api":
                controllers.await_ipam(cloud.place)

        return again

    def restart_compute() -> None:
        """As an operator does it: a nova-compute that is stopped fails the builds it is at."""
        services = admin.compute.services(binary="nova-compute")
        (service,) = [one for one in services if one.host == "compute1"]
        admin.compute.disable_service(service)
        trickle.await_boots()  # the last that may still have been sent there is among them
        await_settled()
        restart("nova-compute-compute1", signal.SIGTERM)()
        admin.compute.enable_service(service)

    def restart_keystone() -> None:
        cloud.keystone.stop()
        cloud.keystone.start()

    def await_settled() -> list[Any]:
        return [eventually(partial(_settled, admin, one), one.id) for one in [*trickle.made]]

    steps = {
        "worker": restart("ipam-worker", signal.SIGKILL),
        "agent of compute1": restart("ipam-agent-compute1", signal.SIGKILL),
        "API": restart("ipam-api", signal.SIGTERM),
        "agent of compute2": restart("ipam-agent-compute2", signal.SIGKILL),
        "nova-compute": restart_compute,
        "API again": restart("ipam-api", signal.SIGTERM),
        "keystone": restart_keystone,
        "worker again": restart("ipam-worker", signal.SIGTERM),
    }
    with Trickle(tenant, network) as trickle:
        for step in steps.values():
            trickle.await_boots()
            step()
        trickle.await_boots()
    assert len(trickle.made) > len(steps)

    settled = await_settled()
    errors = [one for one in settled if one.status == "ERROR"]
    causes = {one.id: _failures(programs.logs, one.id) or [str(one.fault)] for one in errors}
    assert not {key: why for key, why in causes.items() if not all(map(_is_sign_in, why))}
    eventually(lambda: _all_active(tenant, settled), "every port is ACTIVE")
    for one in settled[::2]:
        tenant.delete(one)
    assert audit(tenant) == []


def _settled(admin: Any, server: Any) -> Any:
    with contextlib.suppress(exceptions.HttpException):  # Nova too asks a Keystone that starts
        found = admin.compute.get_server(server.id)
        return found if found.status in ("ACTIVE", "ERROR") and not found.task_state else None
    return None


def _failures(logs: Path, server_id: str) -> list[str]:
    """What the hosts say of a build that failed; Nova's fault may be only the last host's name."""
    texts = [log.read_text() for log in logs.glob("nova-compute-*.log")]
    lines = "\n".join(texts).splitlines()
    return [one for one in lines if f"[instance: {server_id}] Instance failed" in one]


def _is_sign_in(failure: str) -> bool:
    """Nova's own signing in at Keystone, which it does not try again, failed."""
    return "/v3/auth/tokens" in failure


def _all_active(tenant: Tenant, servers: list[Any]) -> bool:
    active = [one.id for one in servers if one.status == "ACTIVE"]
    ports = [tenant.the_port(tenant.compute.get_server(one)) for one in active]
    return all(port["status"] == "ACTIVE" for port in ports)
