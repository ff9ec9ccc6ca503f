"""Requests about links say what they are to say, as another library reads them."""

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from ipam.agent.host import link_requests
from ipam.agent.host.netlink_requests import NLM_F_CREATE, NLM_F_EXCL
from ipam.agent.host.raw_netlink import IFF_UP, RTM_DELLINK, RTM_NEWLINK, Message

MAKES_NEW = NLM_F_CREATE | NLM_F_EXCL


def sent(monkeypatch: pytest.MonkeyPatch, work: Callable[[], None]) -> Any:
    """The message that goes to the kernel, which takes all."""
    found: list[bytes] = []

    def take(message: bytes) -> Message:
        found.append(message)
        return Message(2, 1, memoryview(bytes(4)))

    monkeypatch.setattr(link_requests, "ask", take)
    work()
    (data,) = found
    message = ifinfmsg(data)
    message.decode()
    assert message["header"]["length"] == len(data)
    return message


def test_a_bridge_forwards_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    message = sent(monkeypatch, partial(link_requests.add_bridge, "brq1", mtu=1501))
    assert message["header"]["type"] == RTM_NEWLINK
    assert message["header"]["flags"] & MAKES_NEW == MAKES_NEW
    assert (message.get_attr("IFLA_IFNAME"), message.get_attr("IFLA_MTU")) == ("brq1", 1501)
    info = ("IFLA_LINKINFO", "IFLA_INFO_DATA")
    assert message.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND") == "bridge"
    assert message.get_nested(*info, "IFLA_BR_STP_STATE") == 0
    assert message.get_nested(*info, "IFLA_BR_FORWARD_DELAY") == 0


def test_a_pair_has_its_far_end_in_the_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    make = partial(
        link_requests.add_veth,
        *("tap1", "ns-1"),
        mtu=1400,
        group=9,
        master=7,
        mac="fa:16:3e:00:00:02",
        namespace="/dev/null",
    )
    message = sent(monkeypatch, make)
    near = {
        name: message.get_attr(f"IFLA_{name}") for name in ("IFNAME", "MTU", "GROUP", "MASTER")
    }
    assert near == {"IFNAME": "tap1", "MTU": 1400, "GROUP": 9, "MASTER": 7}
    peer = message.get_nested("IFLA_LINKINFO", "IFLA_INFO_DATA", "VETH_INFO_PEER")
    far = {name: peer.get_attr(f"IFLA_{name}") for name in ("IFNAME", "MTU", "ADDRESS", "MASTER")}
    assert far == {"IFNAME": "ns-1", "MTU": 1400, "ADDRESS": "fa:16:3e:00:00:02", "MASTER": None}
    assert peer.get_attr("IFLA_NET_NS_FD") > 2


@pytest.mark.parametrize(
    ("local", "option"),
    [("192.0.2.1", "IFLA_VXLAN_LOCAL"), ("2001:db8::1", "IFLA_VXLAN_LOCAL6")],
)
def test_a_tunnel_sends_from_its_address(
    local: str, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = partial(link_requests.add_vxlan, "vxlan-5", vni=5, local=local, port=4789, mtu=1450)
    message = sent(monkeypatch, make)
    of_tunnel = message.get_nested("IFLA_LINKINFO", "IFLA_INFO_DATA")
    found = {name: of_tunnel.get_attr(name) for name in (option, "IFLA_VXLAN_ID")}
    assert found == {option: local, "IFLA_VXLAN_ID": 5}
    assert of_tunnel.get_attr("IFLA_VXLAN_PORT") == 4789
    assert of_tunnel.get_attr("IFLA_VXLAN_LEARNING") == 1
    assert message.get_attr("IFLA_MTU") == 1450


@pytest.mark.parametrize("up", [True, False, None])
def test_a_link_is_left_as_it_is_in_what_is_not_said(
    up: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = sent(monkeypatch, partial(link_requests.change, 7, up=up))
    assert (message["index"], message["family"]) == (7, socket.AF_UNSPEC)
    assert message["flags"] == (IFF_UP if up else 0)
    assert message["change"] == (0 if up is None else IFF_UP)
    assert message["attrs"] == []


def test_zero_takes_a_link_off_its_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    message = sent(monkeypatch, partial(link_requests.change, 7, master=0))
    assert [one[0] for one in message["attrs"]] == ["IFLA_MASTER"]
    assert message.get_attr("IFLA_MASTER") == 0


@pytest.mark.parametrize("isolated", [True, False])
def test_a_port_of_a_bridge_is_isolated_or_not(
    isolated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = sent(monkeypatch, partial(link_requests.isolate, 7, isolated=isolated))
    of_port = ("IFLA_LINKINFO", "IFLA_INFO_SLAVE_DATA", "IFLA_BRPORT_ISOLATED")
    assert message.get_nested("IFLA_LINKINFO", "IFLA_INFO_SLAVE_KIND") == "bridge"
    assert message.get_nested(*of_port) == int(isolated)


def test_a_link_is_deleted_by_its_index(monkeypatch: pytest.MonkeyPatch) -> None:
    message = sent(monkeypatch, partial(link_requests.delete, 7))
    assert (message["header"]["type"], message["index"]) == (RTM_DELLINK, 7)
