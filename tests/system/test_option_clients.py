"""How common DHCP clients use options, names and routes."""

import subprocess
from pathlib import Path

import pytest

from tests.agent.network_rows import network, port, subnet4
from tests.system.wire import Wire, option, wire
from tests.waiting import PATIENCE_SECONDS, eventually

pytestmark = [pytest.mark.root, pytest.mark.system]


def udhcpc(site: Wire, *asked: str) -> dict[str, str]:
    """What udhcpc tells its script once it has its lease."""
    script, told = site.directory / "script", site.directory / "told"
    script.write_text(f'#!/bin/sh\n[ "$1" = bound ] && env > {told}\n')
    script.chmod(0o755)
    command = ("busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "20", "-s", str(script))
    subprocess.run(
        ["ip", "netns", "exec", site.client_space, *command, *asked],
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    lines = told.read_text().splitlines()
    return {name: value for name, _equals, value in (line.partition("=") for line in lines)}


def test_udhcpc_gets_the_name_the_options_and_the_lease_time_of_its_port(directory: Path) -> None:
    options = [
        option("ntp-server", "10.0.0.9"),
        option("lease-time", "30m"),
        option("domain-search", "a.example,b.example"),
        option("posix-timezone", "CET-1CEST,M3.5.0,M10.5.0/3"),
    ]
    row = network(ports=[port(hostname="2024", extra_dhcp_opts=options)])
    with wire(directory, row) as site:
        told = udhcpc(site, "-O", "search", "-O", "tzstr")
        assert told["hostname"] == "2024"
        assert told["lease"] == "1800"
        assert told["ntpsrv"] == "10.0.0.9"
        assert told["search"] == "a.example b.example"
        assert told["tzstr"] == "CET-1CEST,M3.5.0,M10.5.0/3"


def test_udhcpc_has_a_default_route_where_only_a_host_route_says_one(directory: Path) -> None:
    routes = [{"destination": "0.0.0.0/0", "nexthop": "10.0.0.9"}]
    row = network(subnets=[subnet4(gateway_ip=None, host_routes=routes, dns_nameservers=[])])
    with wire(directory, row) as site:
        told = udhcpc(site)
        assert told["router"] == "10.0.0.9"
        assert told["dns"] == told["serverid"]
        assert udhcpc(site, "-O", "staticroutes")["staticroutes"] == "0.0.0.0/0 10.0.0.9"


def test_dhclient_gets_the_ipv6_options_of_its_port(directory: Path) -> None:
    options = [
        option("bootfile-url", "tftp://[2001:db8::9]/a,b", 6),
        option("dns-server", "2001:db8::9,2001:db8::a", 6),
        option("lease-time", "30m"),
    ]
    lease, config = directory / "leases", directory / "dhclient.conf"
    config.write_text("also request dhcp6.bootfile-url;\n")
    with wire(directory, network(ports=[port(extra_dhcp_opts=options)])) as site:
        client = ("dhclient", "-6", "-1", "-d", "-sf", "/bin/true", "-cf", str(config))
        within = ("ip", "netns", "exec", site.client_space)
        shown = [*within, "ip", "-6", "addr", "show", "dev", "eth0", "tentative"]
        eventually(
            lambda: not subprocess.run(shown, capture_output=True, check=True).stdout, "fe80::"
        )
        process = subprocess.Popen(
            [*within, *client, "-lf", str(lease), "-pf", f"{lease}.pid", "eth0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            eventually(lambda: lease.exists() and "iaaddr" in lease.read_text(), site.log)
        finally:
            process.kill()
            process.wait()
        told = lease.read_text()
        assert "option dhcp6.name-servers 2001:db8::9,2001:db8::a;" in told
        assert 'option dhcp6.bootfile-url "tftp://[2001:db8::9]/a,b";' in told
        assert "max-life 1800;" in told
