"""What the kernel is asked for where a wire is made. Many a kernel of tests has no VLANs."""

import os
import struct
import subprocess
from contextlib import closing

import pytest
from pyroute2 import IPRoute
from pyroute2.netlink.nlsocket import NetlinkRequest

from ipam.agent.host.kernel import NetlinkKernel
from ipam.agent.host.link_table import LinkTable
from ipam.agent.host.namespaces import call_in_new_namespace
from ipam.agent.host.raw_netlink import (
    IFLA_GROUP,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINK,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    IFLA_VLAN_ID,
    RTM_NEWLINK,
    Link,
    attributes,
    messages,
)
from ipam.agent.host.wires import OWN_GROUP, Wires
from ipam.agent.state import Bridge, Wire

NLM_F_CREATE_NEW = 0x600  # NLM_F_CREATE | NLM_F_EXCL
IFINFO_BYTES = 16


class SentError(Exception):
    """In place of the kernel's answer."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was sent to the kernel, which gets nothing."""
    found: list[bytes] = []

    async def send(request: NetlinkRequest) -> None:
        await request.prepare()
        found.append(bytes(request.msg.data))
        raise SentError

    monkeypatch.setattr(NetlinkRequest, "send", send)
    return found


def test_a_vlan_is_asked_for_with_its_parent_and_its_id(
    sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LinkTable, "read_again", lambda _self: None)
    links = LinkTable()
    links.by_name["eth1"] = Link(7, "eth1", 9000, True, 0, "fa:16:3e:00:00:07")
    links.by_name["brq1"] = Link(8, "brq1", 1500, True, 0, "fa:16:3e:00:00:08")
    wire = Wire("eth1.101", "vlan", "eth1", 101, mtu=1500)
    with IPRoute() as route, pytest.raises(SentError):
        Wires(links, route).ensure(wire, Bridge("brq1", 1500))
    links.close()
    (data,) = sent
    (message,) = messages(data)
    assert message.kind == RTM_NEWLINK
    assert struct.unpack_from("=H", data, 6)[0] & NLM_F_CREATE_NEW == NLM_F_CREATE_NEW
    of_link = dict(attributes(message.body[IFINFO_BYTES:]))
    assert of_link[IFLA_IFNAME].rstrip(b"\0") == b"eth1.101"
    of_index = ((IFLA_LINK, 7), (IFLA_MASTER, 8))
    for kind, number in (*of_index, (IFLA_MTU, 1500), (IFLA_GROUP, OWN_GROUP)):
        assert of_link[kind] == struct.pack("=I", number)
    info = dict(attributes(memoryview(of_link[IFLA_LINKINFO])))
    assert info[IFLA_INFO_KIND].rstrip(b"\0") == b"vlan"
    assert dict(attributes(memoryview(info[IFLA_INFO_DATA]))) == {
        IFLA_VLAN_ID: struct.pack("=H", 101)
    }


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it makes a namespace")
def test_a_link_that_others_share_is_told_apart_and_left_where_it_is() -> None:
    """One that a container has is not seen from here; the kernel refuses, and is put in words."""
    commands = "link add eth1 up type veth peer name far\nlink add br1 up type bridge\n"
    commands += "link add sharing link eth1 type macvlan mode bridge\n"

    def look() -> None:
        subprocess.run(["ip", "-batch", "-"], input=commands, text=True, check=True)
        with closing(NetlinkKernel()) as kernel:
            links = kernel.links()
            assert links["sharing"].parent == links["eth1"].index
            with pytest.raises(OSError, match="a macvlan or ipvlan shares it"):
                kernel.ensure_wire(Wire("eth1", "flat"), Bridge("br1", 1500))
            kernel.refresh()
            assert links["br1"].up
            assert not links["eth1"].master

    call_in_new_namespace(look)
