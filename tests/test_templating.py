"""No line of a file for dnsmasq is longer than dnsmasq reads: shown by the real one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ipam.agent.dnsmasq import config, safe_words
from ipam.agent.dnsmasq.config import Host
from ipam.rules import ipv6
from ipam.rules.dhcp_option_values import LONGEST_CLIENT_ID
from ipam.templating import LINE_OCTETS_MAX, LineTooLongError, Word, render_config, render_lines

needs_dnsmasq = pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="needs dnsmasq")

INTERFACE = Word("ns-0123456789a")


def longest_host(addresses: int) -> Host:
    """The host with the longest of everything, and so many IPv6 addresses."""
    six = [f"fd12:3456:789a:bcde:f012:3456:789a:{0xB000 + n:x}" for n in range(addresses)]
    return Host(
        safe_words.mac("fa:16:3e:00:00:05"),
        safe_words.hostname("h" * 63),
        [safe_words.address("100.100.100.100"), *map(safe_words.address, six)],
        safe_words.client_id(b"\xff" * LONGEST_CLIENT_ID),
        safe_words.lease_time(2**31 - 1),
    )


def complaints(directory: Path, hosts: str) -> list[str]:
    """What a dnsmasq says against this file of hosts, once it has read it."""
    file = directory / "hosts"
    file.write_text(hosts)
    command = f"""unshare --net dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0
        --dhcp-range=10.0.0.0,static --dhcp-hostsfile={file} --log-facility=- --user=root
        --pid-file= --leasefile-ro"""
    with subprocess.Popen(command.split(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.endswith(f"read {file}\n"):
                break
        process.terminate()
    assert said[-1].endswith(f"read {file}\n"), said
    return [line for line in said if " bad " in line]


@pytest.mark.root
@needs_dnsmasq
def test_dnsmasq_reads_the_longest_line_that_a_port_can_have_as_one(tmp_path: Path) -> None:
    text = config.hosts_file(INTERFACE, [longest_host(ipv6.RESERVED_MAX)])
    assert len(text) == ipv6.LINE_OCTETS + ipv6.RESERVED_MAX * ipv6.ADDRESS_OCTETS + len("\n")
    assert complaints(tmp_path, text) == []


@pytest.mark.root
@needs_dnsmasq
def test_dnsmasq_takes_the_rest_of_a_longer_line_for_another(tmp_path: Path) -> None:
    fits = config.hosts_file(INTERFACE, [longest_host(ipv6.RESERVED_MAX)]).rstrip("\n")
    assert complaints(tmp_path, f"{fits},1d\n") == []
    beyond = fits + ",[fd00::1]" * 2
    assert any("line 2" in each for each in complaints(tmp_path, f"{beyond}\n"))


def test_one_address_more_would_be_too_long_and_no_file_is_made() -> None:
    with pytest.raises(LineTooLongError, match=r"a line of 10\d\d octets, of which dnsmasq reads"):
        config.hosts_file(INTERFACE, [longest_host(ipv6.RESERVED_MAX + 1)])


def test_the_rules_and_the_writer_agree_on_the_longest_line() -> None:
    assert ipv6.LINE_OCTETS_MAX == LINE_OCTETS_MAX


def test_lines_up_to_the_longest_are_made_and_no_longer_ones() -> None:
    fits = Word("x" * LINE_OCTETS_MAX)
    assert render_lines([[fits], [fits]]) == f"{fits}\n{fits}\n"
    with pytest.raises(LineTooLongError, match="a line of 1024 octets"):
        render_lines([[Word("a")], [Word("x" * (LINE_OCTETS_MAX + 1))]])


def test_a_configuration_has_no_longer_line_either() -> None:
    names = ("interface", "mac_tags", "lease_file", "hook_option", "hook", "hook_user", "mtu")
    words = dict.fromkeys([*names, "of_address"], Word("a"))
    with pytest.raises(LineTooLongError):
        render_config(
            "dnsmasq.conf.j2",
            **words,
            addresses=[],
            ranges=[],
            options=[],
            ignored=[],
            enable_ra=False,
            router_advertisements=[],
            forwarder=[],
            stops_rebind=False,
            rebind_domains=[],
            zones=[],
            untrusted_names=[],
            classes=[],
            directory=Word("/" + "x" * LINE_OCTETS_MAX),
        )
