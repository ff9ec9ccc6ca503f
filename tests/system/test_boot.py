"""What firmware of each kind is told by a real dnsmasq, and what it is told after a change."""

from pathlib import Path

import pytest

from tests.agent.network_rows import network, port, subnet4, subnet6
from tests.system.wire import Answer, Options, Wire, option, wire

pytestmark = [pytest.mark.root, pytest.mark.system]

MAC = "fa:16:3e:00:00:05"
SHIM, SCRIPT = "http://boot.example/shimx64.efi", "http://boot.example/boot.ipxe"
BOOT = {
    "tftp_server": "10.0.0.9",
    "bios": "undionly.kpxe",
    "uefi_x64": "ipxe.efi",
    "uefi_arm64": "ipxe-arm64.efi",
    "uefi_x64_http": SHIM,
    "ipxe_script": SCRIPT,
}
BOOT6 = BOOT | {"tftp_server": "2001:db8::9"}
IPXE, IPXE6 = {175: b"\1\1\1", 77: b"iPXE"}, {15: b"\0\4iPXE"}


def architecture(number: int, vendor: bytes = b"PXEClient") -> Options:
    return {93: number.to_bytes(2), 60: vendor + f":Arch:{number:05}:UNDI:003016".encode()}


def told(answer: Answer) -> tuple[str, bytes, bytes]:
    """The next server, the file, and the class of the answer."""
    options = answer.options
    return answer.next_server, options.get(67, b"").rstrip(b"\0"), options.get(60, b"")


def test_each_firmware_gets_what_it_can_load_and_ipxe_its_script(directory: Path) -> None:
    rows = [subnet4(), subnet6(dhcp_boot=BOOT6)]
    row = network(dhcp_boot=BOOT, subnets=rows, ports=[port(extra_dhcp_opts=[])])
    with wire(directory, row) as site:
        own = site.ask(MAC).next_server
        asked = {
            name: told(site.ask(MAC, more=more))
            for name, more in {
                "BIOS": architecture(0),
                "x86-64": architecture(7),
                "x86-64 as EBC": architecture(9),
                "ARM64": architecture(11),
                "IA32": architecture(6),
                "HTTP": architecture(16, b"HTTPClient"),
                "iPXE of BIOS": architecture(0) | IPXE,
                "iPXE of UEFI": architecture(7) | IPXE,
                "an operating system": {60: b"udhcp 1.36"},
            }.items()
        }
        assert asked == {
            "BIOS": ("10.0.0.9", b"undionly.kpxe", b""),
            "x86-64": ("10.0.0.9", b"ipxe.efi", b""),
            "x86-64 as EBC": ("10.0.0.9", b"ipxe.efi", b""),
            "ARM64": ("10.0.0.9", b"ipxe-arm64.efi", b""),
            "IA32": (own, b"", b""),
            "HTTP": (own, SHIM.encode(), b"HTTPClient"),
            "iPXE of BIOS": (own, SCRIPT.encode(), b""),
            "iPXE of UEFI": (own, SCRIPT.encode(), b""),
            "an operating system": (own, b"", b""),
        }
        assert not site.faults
        _assert_ipv6(site)
        _assert_changes_are_told(site)


def _assert_ipv6(site: Wire) -> None:
    x64, http = ({61: number.to_bytes(2)} for number in (7, 16))
    assert site.solicit((59,), x64)[59] == b"tftp://[2001:db8::9]/ipxe.efi"
    assert site.solicit((59,), x64 | IPXE6)[59] == SCRIPT.encode()
    by_http = site.solicit((59, 16), http)
    assert by_http[59] == SHIM.encode()
    assert by_http[16][4:] == b"\0\x0aHTTPClient", "what follows the enterprise number"
    assert 59 not in site.solicit((59,))


def _assert_changes_are_told(site: Wire) -> None:
    """The next answer, without a restart: of a subnet's own settings, and of a port's option."""
    bare = site.row
    site.row = bare | {"subnets": [subnet4(dhcp_boot={"uefi_x64_http": SHIM}), subnet6()]}
    site.reload()
    assert told(site.ask(MAC, more=architecture(7)))[1:] == (b"", b"")
    assert told(site.ask(MAC, more=architecture(16)))[1] == SHIM.encode()
    own = [option("bootfile-name", "own.efi"), option("tag:!ipxe,66", "10.0.0.8")]
    ntp = [option("ntp-server", "10.0.0.7"), option("150", "10.0.0.6")]
    site.row = bare | {"ports": [port(extra_dhcp_opts=own)], "dhcp_options": ntp}
    site.reload()
    answer = site.lease(MAC, architecture(7))
    assert told(answer)[1] == b"own.efi", "the port's own option goes before"
    assert answer.options[66] == b"10.0.0.8\0"
    assert (answer.options[42], answer.options[150]) == (b"\x0a\0\0\7", b"\x0a\0\0\6")
    for number in range(8):  # dnsmasq before 2.91 dies of tags that a file has set
        site.row = bare | {"dhcp_boot": BOOT | {"bios": f"boot-{number}"}}
        site.reload()
        assert told(site.lease(MAC, architecture(0)))[1] == f"boot-{number}".encode()
    assert site.process.poll() is None
