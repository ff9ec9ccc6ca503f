"""What a dry run says that a change does is what the agent and a real client then make of it."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from tests.truth.machine import DHCPCD
from tests.truth.site import IPAM, Json, Site, Subject
from tests.truth.states import leased

pytestmark = [pytest.mark.root, pytest.mark.system]

SERVER_WORDS: Final[Mapping[str, tuple[int, int, int]]] = {
    "": (0, 0, 0),
    "reads new files": (0, 0, 0),
    "reloads": (0, 0, 1),
    "restarts": (1, 1, 0),
    "stops": (1, 0, 0),
    "starts": (0, 1, 0),
}
"""How often dnsmasq stops, starts and reads its files again."""

WAITING: Final = ["done", "waits for its machine"]


def done(one: Subject, since: int) -> tuple[int, int, int]:
    """How often the network's dnsmasq stopped, started and read its files again."""
    log = one.site.log()[since:]
    words = ("dnsmasq stopped", "dnsmasq started", "dnsmasq reads its hosts anew")
    stopped, started, read = (log.count(f"network {one.network['id']}: {word}") for word in words)
    return stopped, started, read


def put(kind: str, item: Json, **values: Any) -> Json:
    return {"method": "PUT", "path": f"/v2.0/{kind}s/{item['id']}", "body": {kind: values}}


def forecast_and_do(one: Subject, request: Json) -> Json:
    """The dry run of the request, which is then carried out; the agent did what it said."""
    site = one.site
    told: Json = site.client.post("/v2.0/dry-runs", json={"dry_run": {"requests": [request]}})
    told = told["dry_run"]
    assert [answer["status"] < 300 for answer in told["answers"]] == [True], told
    since = len(site.log())
    if request["method"] == "DELETE":
        site.client.delete(request["path"])
    else:
        site.client.put(request["path"], json=request["body"])
    site.settle()
    said = [host["server"] for host in told["hosts"]]
    assert len(said) <= 1, told
    wanted = SERVER_WORDS[said[0] if said else ""]
    site.eventually(lambda: done(one, since) == wanted, f"{said} and it was {done(one, since)}")
    return told


def felt(told: Json, port: Json) -> Json:
    """What is told of the port's machine; empty if it feels nothing."""
    found = [each for each in told["machines"] if each["port_id"] == port["id"]]
    return found[0] if found else {"effect": "", "options": [], "until": None}


def leases(site: Site, address: str, seconds: int) -> list[Json]:
    """The leases of the address that end within so many seconds."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    found = site.client.list("/v2.0/leases", "leases", {"ip_address": address})
    return [one for one in found if datetime.fromisoformat(one["expires_at"]) <= until]


def naks(one: Subject) -> int:
    log = one.site.dnsmasq_log(one.network)
    return len(re.findall(rf"DHCPNAK\S* \S+ {one.port['mac_address']}", log))


def split_and_merge(one: Subject, *halves: str) -> None:
    """The halves of a /23 take its machines with them, and are one again: only netmasks change."""
    subnet, port = one.subnet(), one.port
    address = port["fixed_ips"][0]["ip_address"]
    path = f"/v2.0/subnets/{subnet['id']}"
    parts = {"subnets": [{"cidr": f"{half}.0/24"} for half in halves]}
    split = {"method": "PUT", "path": f"{path}/split", "body": parts}
    told = forecast_and_do(one, split)
    assert (felt(told, port)["effect"], felt(told, port)["has_lease"]) == ("hears", False)
    assert "netmask" in felt(told, port)["options"]
    assert one.machine.ask4().addresses == {f"{address}/24"}
    others = [each["id"] for each in one.site.subnets(one.network) if each["id"] != subnet["id"]]
    body = {"subnet": {"subnet_ids": others, "gateway_ip": subnet["gateway_ip"]}}
    merge = {"method": "PUT", "path": f"{path}/merge", "body": body}
    assert felt(forecast_and_do(one, merge), port)["effect"] == "hears"
    assert one.machine.ask4().addresses == {f"{address}/23"}


def test_what_was_said_is_what_the_agent_does_and_the_machine_feels(site: Site) -> None:
    one = leased(site)
    one.machine.client = DHCPCD
    try:
        subnet, port = one.subnet(), one.port
        address = one.port["fixed_ips"][0]["ip_address"]
        prefix, last = subnet["cidr"].split("/")[0].rsplit(".", 2)[:2]
        one.machine.ask4()
        site.settle()
        # Nothing of it reaches a host.
        assert felt(forecast_and_do(one, put("subnet", subnet, name="x")), port)["effect"] == ""
        # Options are read again, and heard at the next renewal.
        told = forecast_and_do(one, put("subnet", subnet, dns_nameservers=["192.0.2.7"]))
        assert (felt(told, port)["effect"], felt(told, port)["options"]) == (
            "hears",
            ["dns-server"],
        )
        assert one.machine.ask4().facts["dns"] == "192.0.2.7"
        # A shorter lease time is heard, too, and refuses nothing.
        told = forecast_and_do(one, put("subnet", subnet, lease_time=600))
        assert (felt(told, port)["effect"], felt(told, port)["options"]) == (
            "hears",
            ["lease-time"],
        )
        assert one.machine.ask4().addresses == {f"{address}/24"}
        site.eventually(lambda: leases(site, address, 600), "the lease is a short one")
        assert naks(one) == 0
        # A larger prefix restarts it, and changes the netmask alone.
        wider = f"{prefix}.{int(last) // 2 * 2}.0/23"
        told = forecast_and_do(one, put("subnet", subnet, cidr=wider))
        assert (felt(told, port)["effect"], felt(told, port)["options"]) == ("hears", ["netmask"])
        assert one.machine.udhcpc().addresses == {f"{address}/23"}
        assert naks(one) == 0
        split_and_merge(one, f"{prefix}.{int(last) // 2 * 2}", f"{prefix}.{int(last) | 1}")
        assert naks(one) == 0
        # Another address is refused at the renewal, and then given.
        fixed = [{"ip_address": f"{prefix}.{last}.99"}]
        told = forecast_and_do(one, put("port", port, fixed_ips=fixed))
        assert felt(told, port)["effect"] == "moves"
        assert one.machine.ask4().addresses == {f"{prefix}.{last}.99/23"}
        site.eventually(lambda: naks(one) == 1, "it was refused once")
        # Who loses its port is not answered, and keeps its address until its lease ends.
        site.eventually(lambda: leases(site, f"{prefix}.{last}.99", 600), "the lease is recorded")
        path = f"/v2.0/ports/{port['id']}"
        told = forecast_and_do(one, {"method": "DELETE", "path": path})
        assert felt(told, port)["effect"] == "loses"
        assert felt(told, port)["until"]
        assert one.machine.udhcpc(tries=1).addresses == set()
        assert naks(one) == 1
        told = forecast_and_do(one, put("subnet", subnet, enable_dhcp=False))
        assert [host["server"] for host in told["hosts"]] == ["stops"]
    finally:
        one.close()


def renumber_a_machine(site: Site) -> None:
    one = leased(site)
    one.machine.client = DHCPCD
    old, new = one.subnet()["cidr"], f"{site.prefix()}.0/24"
    address = one.port["fixed_ips"][0]["ip_address"]
    there = f"{new.rpartition('.')[0]}.{address.rpartition('.')[2]}"

    def renumber(*words: str) -> subprocess.CompletedProcess[str]:
        where = ("--socket", str(site.directory / "run" / "api.sock"))
        return subprocess.run(
            [IPAM, *where, "renumber", *words], capture_output=True, text=True, check=False
        )

    def move() -> None:
        for words in (("start", old, new), ("move", new)):
            done = renumber(*words)
            assert done.returncode == 0, done.stderr
        site.settle()

    try:
        one.machine.ask4()
        move()
        assert one.machine.ask4().addresses == {f"{there}/24"}
        site.eventually(lambda: naks(one) == 1, "it was refused once")
        assert renumber("undo", new).returncode == 0
        site.settle()
        assert one.machine.ask4().addresses == {f"{address}/24"}
        move()
        assert one.machine.ask4().addresses == {f"{there}/24"}
        # The neighbour has its lease of before, and has not asked.
        site.eventually(lambda: states(renumber("status", new, "-f", "json")) == WAITING, "status")
        assert one.neighbour_machine is not None
        one.neighbour_machine.ask4()
        site.eventually(lambda: renumber("status", new).returncode == 0, "all have asked")
        assert renumber("finish", new).returncode == 0
        assert [each["cidr"] for each in site.subnets(one.network)] == [new]
    finally:
        one.close()


def states(done: subprocess.CompletedProcess[str]) -> list[str]:
    return sorted(each["State"] for each in json.loads(done.stdout))


if os.environ.get("IPAM_TEST_EVERY_CELL"):  # it is one of the long ones
    test_a_machine_is_renumbered_and_back_and_for_good = renumber_a_machine
