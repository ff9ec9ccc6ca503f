"""A dnsmasq that an attacker has taken over, with a second network's beside it.

In its place stands a program that does, as the hook's user and where dnsmasq would be, what such
an attacker would: it forges events of the other network by the socket and by the spool, and stops
the other's helper. Then it becomes dnsmasq, so that its own network is served.
"""

import shutil
from pathlib import Path

import psutil
import pytest

from ipam.agent.host.confinement import landlock_version
from tests.kernel_features import lack
from tests.system.ipam_host import Host, Json
from tests.waiting import eventually

pytestmark = [pytest.mark.root, pytest.mark.system]

ATTACKER = """\
#!/bin/sh
victim=$(cat {directory}/victim 2>/dev/null)
if [ -n "$victim" ] && [ "$IPAM_NETWORK" != "$victim" ]; then
  as_hook="setpriv --reuid=dnsmasq --regid=nogroup --clear-groups"
  tried={directory}/run/dhcp/$IPAM_NETWORK/tried
  event="del fa:16:3e:00:00:01 $(cat {directory}/address)"
  spool={directory}/state/agent/spool/$victim
  IPAM_NETWORK=$victim $as_hook {directory}/state/agent/dnsmasq_hook $event 2>>$tried
  IPAM_NETWORK=$victim IPAM_INBOX=/nowhere IPAM_SPOOL=$spool \\
    $as_hook {directory}/state/agent/dnsmasq_hook $event 2>>$tried
  for pid in $(cat {directory}/helper); do
    $as_hook kill -STOP $pid 2>>$tried
  done
  echo done >>$tried
fi
exec {dnsmasq} "$@"
"""


def test_it_can_speak_for_no_other_network_and_stop_no_other_server(host: Host) -> None:
    if landlock_version() < 6:
        lack("landlock_signals")
    program = host.directory / "dnsmasq"
    program.write_text(
        ATTACKER.format(
            directory=host.directory, dnsmasq=shutil.which("dnsmasq", path="/usr/sbin")
        )
    )
    program.chmod(0o755)
    host.agent_settings = f"dnsmasq = {program}\nallow_vulnerable_dnsmasq = true"
    host.start_agent()
    victim, address = served_with_lease(host)
    helper = psutil.Process(host.dnsmasq_pid(victim)).children()[0]
    (host.directory / "helper").write_text(str(helper.pid))
    (host.directory / "address").write_text(address)
    (host.directory / "victim").write_text(victim["id"])
    attacker, own_address = served_with_lease(host)
    tried = host.directory / "run" / "dhcp" / attacker["id"] / "tried"
    said = tried.read_text()
    assert said.endswith("done\n")
    assert said.count("Operation not permitted") == 1, "the signal"
    assert said.count("PermissionError") == 1, "the other network's spool"
    assert f"refused an event for network {victim['id']}" in host.log()
    rejected = host.directory / "state" / "agent" / "inbox.rejected"
    eventually(rejected.exists, "what it spooled for the other network is set aside")
    assert f"in the spool of network {attacker['id']}" in rejected.read_text()
    assert helper.status() != psutil.STATUS_STOPPED
    assert host.api.events_of(address) == ["add"], "the lease of the other network lives"
    assert host.api.events_of(own_address) == ["add"], "its own network is served"


def served_with_lease(host: Host) -> tuple[Json, str]:
    """A network whose machine has its address, and that address."""
    network = host.network()
    port = host.port(network)
    host.api.put(network)
    machine = host.machine(port)
    host.await_ready(port)
    address = machine.udhcpc()
    assert address
    eventually(lambda: host.api.events_of(address), "the lease event")
    return network, address


def test_its_helper_writes_its_own_spool_while_no_agent_listens(host: Host) -> None:
    host.start_agent()
    network, _address = served_with_lease(host)
    port = host.port(network)
    host.api.put(network)
    machine = host.machine(port)
    host.await_ready(port)
    host.end_agent()
    address = machine.udhcpc()
    spool = host.directory / "state" / "agent" / "spool" / network["id"]
    eventually(lambda: address in spool.read_text(), "the spooled event")
    host.start_agent()
    eventually(lambda: host.api.events_of(address), "the lease event")
    assert Path(spool).read_text() == ""
