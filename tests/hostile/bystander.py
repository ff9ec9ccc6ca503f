"""An honest client beside an attack: how long it waits for its answers."""

import json
import threading
import time
from typing import Any, Final

from tests.hostile.place import Place
from tests.hostile.requests import JSON, Header, written
from tests.hostile.wire import Connection

PAUSE_SECONDS: Final = 0.02


class Bystander:
    """Shows, lists, makes and deletes a port of its own, again and again, in a thread."""

    def __init__(self, place: Place, *, unix: bool = False) -> None:
        """On the Unix socket it is root and so an admin, as an agent is."""
        self._connection = Connection(place.socket if unix else ("127.0.0.1", place.port))
        self._headers: list[Header] = [JSON]
        if not unix:
            self._headers.append(("Authorization", place.authorizations["bystander"]))
        self._name = "root" if unix else "bystander"
        self._network = ""
        self._port = ""
        self._numbers: list[float] = []
        self._answers = 0
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def until_answered(self, times: int) -> None:
        """Wait for so many answers from the start on."""
        while self._answers < times and self._thread.is_alive():
            time.sleep(PAUSE_SECONDS)

    def taken(self) -> list[float]:
        """The seconds of the answers since the last call."""
        taken, self._numbers = self._numbers, []
        return taken

    def _live(self) -> None:
        while not self._stop.is_set():
            if not self._port:
                self._move_in()
            self._call("GET", f"/v2.0/ports/{self._port}", 200)
            self._call("GET", f"/v2.0/ports?network_id={self._network}", 200)
            made = self._call("POST", "/v2.0/ports", 201, {"port": {"network_id": self._network}})
            if made:
                self._call("DELETE", f"/v2.0/ports/{made['port']['id']}", 204)
            time.sleep(PAUSE_SECONDS)
        self._connection.close()

    def _move_in(self) -> None:
        """A network of its own, as the attackers may delete what is there."""
        body = {"network": {"name": self._name}}
        if made := self._call("POST", "/v2.0/networks", 201, body):
            self._network = made["network"]["id"]
            subnet = {"network_id": self._network, "ip_version": 4, "cidr": "10.200.0.0/24"}
            self._call("POST", "/v2.0/subnets", 201, {"subnet": subnet})
            port = self._call("POST", "/v2.0/ports", 201, {"port": {"network_id": self._network}})
            self._port = port["port"]["id"] if port else ""

    def _call(self, method: str, path: str, wanted: int, body: Any = None) -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        answer = self._connection.exchange(written(method, path, self._headers, content))
        self._numbers.append(answer.seconds)
        self._answers += 1
        if answer.status == wanted:
            return json.loads(answer.body) if answer.body else None
        if answer.status in (404, 409):  # an admin among the attackers took it away
            self._port = ""
        else:
            self.failures.append(f"{method} {path}: {answer.status} {answer.body[:200]!r}")
        return None
