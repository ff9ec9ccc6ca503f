"""Which machine loads what when it boots from the network."""

import pytest

from ipam.rules import boot
from ipam.rules.boot import boot_options

PXE = {"tftp_server": "10.0.0.9", "bios": "pxelinux.0", "uefi_x64": "shimx64.efi"}
SCRIPT = "http://boot.example/boot.ipxe"


def loaded(settings: dict[str, str], *tags: str, version: int = 4) -> dict[int, str]:
    """What a request with these tags is told, by number."""
    return {
        one.number: str(one.values[0])
        for one in boot_options(settings, version)
        if all(
            (name[1:] not in tags) if name.startswith("!") else name in tags
            for name in one.conditions
        )
    }


def test_each_architecture_loads_its_own_file_from_the_server() -> None:
    server = {66: "10.0.0.9", 255: "10.0.0.9"}
    assert loaded(PXE, "bios") == {67: "pxelinux.0", **server}
    assert loaded(PXE, "uefi-x64") == {67: "shimx64.efi", **server}
    assert loaded(PXE, "uefi-arm64") == {}
    assert loaded(PXE) == {}, "a machine that does not boot from the network is told nothing"


def test_ipxe_gets_the_script_and_not_itself_again() -> None:
    settings = PXE | {"bios": "undionly.kpxe", "ipxe_script": SCRIPT}
    assert loaded(settings, "bios")[67] == "undionly.kpxe"
    assert loaded(settings, "bios", "ipxe") == {67: SCRIPT}


def test_ipxe_in_a_cards_rom_loads_what_other_roms_load() -> None:
    assert loaded(PXE, "bios", "ipxe")[67] == "pxelinux.0"
    own = PXE | {"bios": "boot/undionly.kpxe"}
    assert loaded(own, "bios", "ipxe") == {}, "iPXE that loads iPXE would never end"


def test_a_script_may_lie_on_the_tftp_server() -> None:
    settings = PXE | {"ipxe_script": "boot.ipxe"}
    assert loaded(settings, "ipxe") == {67: "boot.ipxe", 66: "10.0.0.9", 255: "10.0.0.9"}


def test_http_boot_is_answered_as_http_boot() -> None:
    settings = {"uefi_x64_http": "http://boot.example/shimx64.efi"}
    assert loaded(settings, "uefi-x64-http") == {67: settings["uefi_x64_http"], 60: "HTTPClient"}
    six = {one.number: one for one in boot_options(settings, 6)}
    assert six[16].values == ("UE", "HTTPClient")
    assert six[59].values == (settings["uefi_x64_http"],)


def test_ipv6_has_urls_and_what_its_machines_can_reach() -> None:
    assert boot_options(PXE, 6) == []
    six = PXE | {"tftp_server": "2001:db8::9", "ipxe_script": "http://10.0.0.9/boot.ipxe"}
    assert loaded(six, "uefi-x64", version=6) == {59: "tftp://[2001:db8::9]/shimx64.efi"}
    assert loaded(six, "uefi-x64", "ipxe6", version=6)[59].startswith("tftp://"), (
        "it cannot reach the script"
    )
    assert loaded(six, "uefi-x64") == {}


def test_no_two_architectures_share_a_number_or_a_tag() -> None:
    numbers = [number for one in boot.ARCHITECTURES for number in one.numbers]
    assert len(numbers) == len(set(numbers))
    assert len({one.tag for one in boot.ARCHITECTURES}) == len(boot.ARCHITECTURES)


@pytest.mark.parametrize(
    ("settings", "version", "said"),
    [
        ({"bios": "pxelinux.0"}, None, "tftp_server is missing, from which bios would be loaded"),
        ({"ipxe_script": "a.ipxe"}, None, "tftp_server is missing, from which ipxe_script"),
        ({"tftp_server": "10.0.0.9"}, None, "no file to load from it"),
        (PXE, 6, "10.0.0.9 is no address of IPv6"),
        (PXE | {"bios": "http://x/y"}, 4, "bios is a file on tftp_server, and 'http://x/y' is a"),
        ({"uefi_x64_http": "shim.efi"}, 4, "uefi_x64_http is not a URL such as"),
        ({"uefi_x64_http": "http://[x/"}, 4, "uefi_x64_http is not a URL such as"),
        ({"ipxe_script": "http:///x"}, 4, "ipxe_script names no host"),
        (PXE | {"bios": "a\nb"}, 4, "bios is not printable ASCII"),
        (PXE | {"bios": " "}, 4, "bios is not printable ASCII"),
        (PXE | {"tftp_server": "fe80::1"}, 6, "fe80::1 is link-local, so no machine can load"),
        (PXE | {"tftp_server": "127.0.0.1"}, 4, "127.0.0.1 is a loopback address"),
        (PXE | {"tftp_server": "0.0.0.0"}, 4, "0.0.0.0 is unspecified"),
        (PXE | {"tftp_server": "255.255.255.255"}, 4, "255.255.255.255 is reserved"),
        ({"uefi_x64_http": "http://[ff02::1]/x"}, 6, "is at ff02::1, which is a multicast"),
        ({"ipxe_script": "tftp://[fe80::1]/x"}, 6, "is at fe80::1, which is link-local"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    settings: dict[str, str], version: int | None, said: str
) -> None:
    assert said in " ".join(boot.faults(settings, version))


@pytest.mark.parametrize("settings", [PXE, PXE | {"ipxe_script": SCRIPT}, {}])
def test_settings_that_work_are_taken(settings: dict[str, str]) -> None:
    assert list(boot.faults(settings, 4)) == []
