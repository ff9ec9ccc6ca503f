"""Both hooks, run by a real dnsmasq for the same machines: the records are the same."""

import shutil
import signal
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

import psutil
import pytest

import ipam
from ipam.agent.dnsmasq import event_queue
from ipam.agent.dnsmasq.config import LUA_HOOK, PYTHON_HOOK
from ipam.agent.leases.record import parse_record
from ipam.templating import Word
from tests.agent.network_rows import network, port
from tests.servers.lua_dnsmasq import lua_dnsmasq
from tests.system.ipam_host import Json
from tests.system.wire import REQUEST, wire
from tests.waiting import eventually

pytestmark = pytest.mark.system

RELEASE = 7
WITHHELD = {"DATA_MISSING", "REQUESTED_OPTIONS", "SUPPLIED_HOSTNAME", "TAGS", "VENDOR_CLASS"}
"""What dnsmasq tells a script and not Lua: what the client said of itself."""
OF_THE_MOMENT = {"id", "us", "s", "LEASE_EXPIRES", "TIME_REMAINING"}
SAID = {12: b"its-own-name", 60: b"MSFT 5.0", 61: b"\x01%\x09\x0a\xff"}


@pytest.fixture
def program() -> Path:
    found = lua_dnsmasq()
    if found is None:
        pytest.skip("needs a dnsmasq with Lua: apt install dnsmasq-base-lua")
    return found


def of(kind: Literal["py", "lua"], directory: Path, program: Path) -> dict[str, Any]:
    """The arguments of a wire whose server runs this hook."""
    hook = directory / f"hook.{kind}"
    shutil.copy(Path(ipam.__file__).parent / f"dnsmasq_hook.{kind}", hook)
    hook.chmod(0o755)
    spool = directory / "spool"
    spool.touch()
    shutil.chown(spool, "dnsmasq")
    return {
        "hook": Word(hook),
        "hook_option": LUA_HOOK if kind == "lua" else PYTHON_HOOK,
        "program": str(program),
        "environment": {"IPAM_SPOOL": str(spool)},
    }


def lines(directory: Path) -> list[bytes]:
    return [line for line in (directory / "spool").read_bytes().split(b"\n") if line]


def told(directory: Path) -> list[dict[str, str]]:
    """The fields of each record."""
    pairs = [
        [field.partition("=") for field in line.decode().split("\t")] for line in lines(directory)
    ]
    return [{name: value for name, _, value in fields} for fields in pairs]


def records_of(kind: Literal["py", "lua"], directory: Path, program: Path, row: Json) -> list[Any]:
    mac = row["ports"][0]["mac_address"]
    with wire(directory, row, **of(kind, directory, program)) as site:
        (helper,) = psutil.Process(site.process.pid).children()
        queue = event_queue.find(site.process.pid, helper.pid)
        assert queue, "the pipe to the helper is found"
        lease = site.lease(mac, SAID)
        eventually(lambda: len(lines(directory)) == 1, "the begin")
        address = ip_address(lease.address).packed
        site.ask(mac, REQUEST, SAID | {50: address, 54: lease.options[54]})
        eventually(lambda: len(lines(directory)) == 2, "a renewal")
        site.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(lines(directory)) == 3, "an echo")
        site.release(mac, lease, SAID)
        eventually(lambda: len(lines(directory)) == 4, "the end")
        assert event_queue.waiting(queue) == 0
    for line in lines(directory):
        assert parse_record(line, "h", 0).ip_address == lease.address
    return told(directory)


def test_the_hook_in_lua_writes_the_records_of_the_hook_in_python(
    directory: Path, program: Path
) -> None:
    row = network(ports=[port(hostname="web")])
    places = {kind: directory / kind for kind in ("py", "lua")}
    for place in places.values():
        place.mkdir()
    python = records_of("py", places["py"], program, row)
    lua = records_of("lua", places["lua"], program, row)
    for ours, theirs in zip(lua, python, strict=True):
        hidden = OF_THE_MOMENT | WITHHELD
        assert {n: v for n, v in ours.items() if n not in hidden} == {
            n: v for n, v in theirs.items() if n not in hidden
        }
        assert theirs.keys() - ours.keys() <= WITHHELD | {"us"}
        assert ours.keys() - theirs.keys() <= {"s", "DATA_MISSING"}
        assert abs(int(ours["LEASE_EXPIRES"]) - int(theirs["LEASE_EXPIRES"])) < 3600
        assert int(ours["s"]) >= int(theirs["us"]) // 1_000_000
    assert [record["action"] for record in lua] == ["add", "old", "old", "del"]
