"""`--check` and `ipam address check`: machines that answer for an address before it is given."""

import threading
from pathlib import Path

import pytest

from ipam.cli import address_checks
from ipam.client import Client
from tests.cli.conftest import Ipam, parsed
from tests.servers.live_api import LiveApi

SQUATTER = "52:54:00:00:00:01"
ON_LAN = ("--network", "lan")


@pytest.fixture
def lan(local: Ipam) -> Ipam:
    assert local("network", "create", "lan").status == 0
    words = (*ON_LAN, "--subnet-range", "10.0.0.0/24", "--no-dhcp")
    assert local("subnet", "create", *words, "lan-v4").status == 0
    return local


class Agent(threading.Thread):
    """An agent on node-7, where these machines answer; it answers one question, and ends."""

    def __init__(self, api: LiveApi, trouble: str = "", **machines: str) -> None:
        super().__init__()
        self._client = Client(socket_path=api.socket)
        self._trouble = trouble
        self._machines = {f"10.0.0.{name[1:]}": mac for name, mac in machines.items()}
        body = {"agent": {"host": "node-7", "started_at": 0}}
        self._path = f"/v2.0/agents/{self._client.post('/v2.0/agents', json=body)['agent']['id']}"
        self.start()

    def run(self) -> None:
        with self._client as client:
            while not (asked := client.get(f"{self._path}/dhcp-state")["address_checks"]):
                continue
            heard = [
                {"ip_address": one, "mac_address": self._machines[one]}
                for one in asked[0]["ip_addresses"]
                if one in self._machines
            ]
            said = {"id": asked[0]["id"], "machines": heard, "trouble": self._trouble}
            client.post(f"{self._path}/address-checks", json={"address_check": said})


@pytest.fixture
def served(lan: Ipam) -> Ipam:
    """The same, with a port on node-7, so that its agent has the network."""
    words = ("--fixed-ip", "ip-address=10.0.0.5", "--mac-address", "52:54:00:00:00:05")
    assert lan("port", "create", *ON_LAN, "--host", "node-7", *words, "web").status == 0
    return lan


def test_an_address_that_a_machine_uses_is_not_given(served: Ipam, api: LiveApi) -> None:
    give = ("port", "create", *ON_LAN, "--check", "printer", "--fixed-ip", "ip-address=10.0.0.9")
    agent = Agent(api, n9=SQUATTER)
    refused = served(*give)
    agent.join()
    assert refused.status == 1
    assert refused.err == (
        f"ipam: 10.0.0.9 is in use: {SQUATTER} answers for it on host node-7. Nothing is changed."
        f" `ipam find {SQUATTER}` says what is known of the machine.\n"
    )
    agent = Agent(api, n9=SQUATTER)
    own = served(*give, "--mac-address", "52-54-00-00-00-01")
    agent.join()
    assert own.status == 0, own.err  # the machine is the one that gets it
    agent = Agent(api, n8=SQUATTER)
    moved = served("port", "set", "printer", "--fixed-ip", "ip-address=10.0.0.7", "--check")
    agent.join()
    assert moved.status == 0, moved.err


def test_of_a_list_nothing_is_made_if_one_address_is_in_use(
    served: Ipam, api: LiveApi, tmp_path: Path
) -> None:
    (tmp_path / "list.csv").write_text("name,addresses\na,10.0.0.8\nb,10.0.0.9\n")
    agent = Agent(api, n9=SQUATTER)
    refused = served("port", "create", *ON_LAN, "--from-file", "list.csv", "--check")
    agent.join()
    assert refused.status == 1
    assert f"10.0.0.9 is in use by {SQUATTER} on host node-7." in refused.err
    agent = Agent(api, n9=SQUATTER)
    words = ("--from-file", "list.csv", "--check", "--keep-going")
    some = served("port", "create", *ON_LAN, *words)
    agent.join()
    assert "1 created, 0 there before, 1 refused." in some.err


def test_where_nobody_can_look_that_is_said(
    lan: Ipam, api: LiveApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    give = ("port", "create", *ON_LAN, "--check", "--fixed-ip", "ip-address=10.0.0.9", "--host")
    nobody = lan(*give, "node-7")
    assert nobody.status == 1
    assert "Nobody could look who uses 10.0.0.9: no living agent has the network." in nobody.err
    assert lan("port", "create", *ON_LAN, "--host", "node-7", "web").status == 0
    agent = Agent(api, trouble="Nobody can be asked: no such device")
    nobody = lan(*give, "node-7")
    agent.join()
    assert "host node-7: Nobody can be asked: no such device" in nobody.err
    monkeypatch.setattr(address_checks, "PATIENCE_SECONDS", 0.05)
    assert "has not answered in 0.05 s." in lan(*give, "node-7").err
    assert lan("port", "create", *ON_LAN, "--check").status == 2
    assert lan("port", "set", "web", "--check").status == 2


def test_who_uses_addresses_is_shown(served: Ipam, api: LiveApi) -> None:
    agent = Agent(api, n5="52:54:00:00:00:05", n9=SQUATTER)
    look = ("address", "check", *ON_LAN, "10.0.0.5", "10.0.0.9", "10.0.0.10", "-f", "json")
    told = served(*look)
    agent.join()
    assert told.status == 1
    assert '"Note": "no port has it"' in told.out
    agent = Agent(api, n5=SQUATTER)
    told = served("address", "check", *ON_LAN, "10.0.0.5", "-f", "value", "-c", "Note")
    agent.join()
    assert told.out == "the port has 52:54:00:00:00:05\n"
    agent = Agent(api, n5="52:54:00:00:00:05")
    rows = parsed(served("address", "check", *ON_LAN, "10.0.0.5", "10.0.0.10", "-f", "json"))
    agent.join()
    assert [row["Note"] for row in rows] == ["its port's machine", "nobody answers"]


def test_conflicts_are_listed_with_the_next_step(served: Ipam, api: LiveApi) -> None:
    none = served("conflicts")
    assert (none.status, none.err) == (0, "No conflict is known.\n")
    agent = Agent(api, n5=SQUATTER)
    served("address", "check", *ON_LAN, "10.0.0.5")
    agent.join()
    told = served("conflicts", *ON_LAN)
    assert told.status == 1
    for part in ("10.0.0.5", "web", SQUATTER, "node-7", "ago", f"`ipam find {SQUATTER}`"):
        assert part in told.out
    value = served("conflicts", "-f", "value", "-c", "IP Address", "-c", "Kind")
    assert value.out == "10.0.0.5 answered\n"
