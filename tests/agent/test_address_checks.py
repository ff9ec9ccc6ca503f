"""Who uses addresses: what an agent answers."""

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from pathlib import Path

from ipam.agent.address_checks import answer
from ipam.agent.outside import IpAddress
from ipam.agent.state import Interface
from ipam.protocol.address_checks import AnsweringMachine, AskedAddressCheck
from tests.agent.loop_host import LoopHost, network_id, port, row

ID = "3f2d3f4e-8c5d-4a0e-9f3b-000000000000"
ONE, OTHER = "52:54:00:00:00:01", "52:54:00:00:00:02"


def test_every_machine_that_answers_is_told(tmp_path: Path) -> None:
    host = LoopHost(tmp_path)
    host.want(row(1, port(1, 5)))
    host.settle()

    def who_use(
        network: str, interface: Interface, wire: str, addresses: Collection[IpAddress]
    ) -> Mapping[IpAddress, Collection[str]]:
        assert (network, wire) == (network_id(1), "")
        assert interface.inside
        assert set(addresses) == {ip_address("10.0.0.9"), ip_address("2001:db8::9")}
        return {ip_address("10.0.0.9"): {OTHER, ONE}}

    asked = AskedAddressCheck(ID, network_id(1), ["10.0.0.9", "2001:db8::9"])
    told = answer(asked, host.reconciler.networks, who_use)
    assert (told.id, told.trouble) == (ID, "")
    assert told.machines == [AnsweringMachine("10.0.0.9", one) for one in (ONE, OTHER)]


def test_what_keeps_it_from_asking_is_told(tmp_path: Path) -> None:
    host = LoopHost(tmp_path)
    host.want(row(1, port(1, 5)))
    host.settle()

    def nobody(*_: object) -> Mapping[IpAddress, Collection[str]]:
        raise FileNotFoundError(2, "No such file or directory")

    for network, part in ((network_id(1), "No such file"), (network_id(2), "not built on")):
        asked = AskedAddressCheck(ID, network, ["10.0.0.9"])
        assert part in answer(asked, host.reconciler.networks, nobody).trouble
