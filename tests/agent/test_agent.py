"""The agent's parts are made and started together, and all closed if any of them fails."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipam import settings
from ipam.agent import agent as assembly
from ipam.agent.agent import running_agent
from ipam.agent.api_link import ApiLink
from ipam.agent.dnsmasq.logs import ServerLogs
from ipam.agent.guard import table
from ipam.agent.host.packet_filter import packet_filter
from ipam.agent.host.preparation import Preparation
from ipam.agent.leases.inbox import LeaseInbox
from ipam.agent.leases.shipper import LeaseShipper
from ipam.agent.servers import Servers
from ipam.client import Client
from tests.agent.fake_api import FakeApi
from tests.agent.loop_host import ME, LoopHost

PARTS = [
    "InotifyWatch",
    "NetlinkKernel",
    "LeaseTable",
    "InboxFile",
    "LeaseShipper",
    "Spool",
    "LeaseInbox",
    "LastKnownNetworks",
    "WakeSocket",
    "ApiLink",
    "ServerLogs",
    "PacketProber",
    "Servers",
    "Reconciler",
]

Site = tuple[settings.Settings, Client, Preparation]


class RefusedError(Exception):
    """A part could not be made or started."""


class Prober:
    """In place of the real one, whose socket needs root: it asks nobody, and is to be closed."""

    def __init__(self, _announce: object) -> None:
        self._socket = socket.socket()

    def close(self) -> None:
        self._socket.close()


def refuse(*_unused: object, **_also: object) -> None:
    raise RefusedError


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(assembly, "PacketProber", Prober)
    file = tmp_path / "ipam.conf"
    file.write_text(
        f"[DEFAULT]\nhost = h\nrun_path = {tmp_path}\nstate_path = {tmp_path}/state\n"
        f"[agent]\nhook_user = {ME}\n"
    )
    found = settings.load([str(file)])
    found.agent.state_path.mkdir(parents=True)
    doubles = LoopHost(tmp_path / "doubles")
    prepared = Preparation(doubles.processes, "2.92", doubles.site, "an-id")
    yield found, FakeApi().client, prepared
    packet_filter(table.name_of(tmp_path), wanted=False)  # removes what the agent has loaded


def open_here() -> tuple[set[str], set[str]]:
    """The descriptors of this process, and its threads."""
    return {one.name for one in Path("/proc/self/fd").iterdir()}, {
        one.name for one in threading.enumerate()
    }


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_cannot_be_made_leaves_nothing_open(
    site: Site, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, part, refuse)
    before = open_here()
    with pytest.raises(RefusedError), running_agent(*site):
        pytest.fail("it runs without a part")
    assert open_here() == before


@pytest.mark.parametrize(
    ("part", "method"),
    [
        (ServerLogs, "start"),
        (LeaseInbox, "start"),
        (Servers, "adopt"),
        (ApiLink, "introduce"),
        (ApiLink, "start"),
        (LeaseShipper, "start"),
    ],
)
def test_a_part_that_cannot_be_started_leaves_nothing_open(
    site: Site,
    part: type,
    method: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(part, method, refuse)
    before = open_here()
    with pytest.raises(RefusedError), running_agent(*site):
        pytest.fail("it runs without a part")
    assert open_here() == before


def test_an_agent_that_is_stopped_closes_everything(
    site: Site,
) -> None:
    before = open_here()
    with running_agent(*site) as agent:
        stopping = threading.Timer(0.1, agent.stop)
        stopping.start()
        agent.serve()
        stopping.join()
    assert open_here() == before
    assert not (site[0].run_path / "lease-inbox.sock").exists()
