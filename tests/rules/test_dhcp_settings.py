"""Which of the options of a network and its subnet counts."""

import pytest

from ipam.rules import dhcp_settings
from ipam.rules.dhcp_settings import Settings, Wish, lease_seconds, own_faults, room_faults, told

PXE = {"tftp_server": "10.0.0.9", "bios": "pxelinux.0"}


def options(*wishes: Wish, boot: dict[str, str] | None = None) -> Settings:
    return Settings(wishes, boot)


def numbers(network: Settings, subnet: Settings, version: int = 4) -> list[tuple[int, str, str]]:
    """Number, value and level of what counts."""
    return [
        (one.option.number, str(one.option.values[0]), one.level)
        for one in told(network, subnet, version)
    ]


def test_a_subnets_option_counts_before_its_networks() -> None:
    network = options(("ntp-server", "10.0.0.1", 4), ("150", "10.0.0.2", 4))
    subnet = options(("42", "10.0.0.3", 4))
    assert numbers(network, subnet) == [
        (150, "10.0.0.2", "network"),
        (42, "10.0.0.3", "subnet"),
    ]


def test_each_ip_version_has_its_own() -> None:
    network = options(("ntp-server", "10.0.0.1", 4), ("ntp-server", "2001:db8::1", 6))
    assert numbers(network, Settings(), 6) == [(56, "2001:db8::1", "network")]


def test_a_subnet_may_keep_the_networks_option_from_its_machines() -> None:
    network = options(("ntp-server", "10.0.0.1", 4), boot=PXE)
    assert numbers(network, options(("ntp-server", None, 4), ("67", None, 4))) == [
        (66, "10.0.0.9", "network"),
        (255, "10.0.0.9", "network"),
    ]


def test_boot_settings_of_a_subnet_stand_alone() -> None:
    network = options(boot=PXE)
    script = "http://boot.example/x"
    assert {one[2] for one in numbers(network, Settings())} == {"network"}
    assert numbers(network, options(boot={"ipxe_script": script})) == [(67, script, "subnet")]
    assert numbers(network, options(boot={})) == []


def test_a_condition_hides_no_option_without_one() -> None:
    network = options(("bootfile-name", "all", 4))
    assert len(numbers(network, options(("tag:ipxe,67", "ipxe", 4)))) == 2
    assert len(numbers(options(("tag:ipxe,67", "ipxe", 4)), network)) == 1


def test_what_cannot_be_read_is_left_out_and_said() -> None:
    reasons: list[str] = []
    assert (
        told(options(("ntp-server", "x", 4), ("nonsense", "y", 4)), Settings(), 4, reasons) == []
    )
    assert len(reasons) == 2
    nowhere = options(boot={"tftp_server": "nowhere", "bios": "x"})
    assert told(nowhere, Settings(), 4, reasons) == []
    assert "'nowhere'" in reasons[-1]


@pytest.mark.parametrize(
    ("network", "subnet", "found"),
    [
        (None, None, (86400, None)),
        (3600, None, (3600, "network")),
        (3600, 600, (600, "subnet")),
        (3600, -1, (2**32 - 1, "subnet")),
    ],
)
def test_the_nearest_lease_time_counts(
    network: int | None, subnet: int | None, found: tuple[int, str | None]
) -> None:
    assert lease_seconds(network, subnet, 86400) == found


@pytest.mark.parametrize("seconds", [-1, 120, 2**31 - 1])
def test_a_lease_lasts_two_minutes_or_for_ever(seconds: int) -> None:
    assert dhcp_settings.lease_time(seconds) == seconds


@pytest.mark.parametrize("seconds", [-2, 0, 119, 2**31])
def test_other_lease_times_are_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match=f"^{seconds} is neither 120 to 2147483647 seconds"):
        dhcp_settings.lease_time(seconds)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (options(("router", "10.0.0.1", 4)), "'router' is no option to set here: gateway_ip of"),
        (options(("dns-server", "2001:db8::1", 6)), "dns_nameservers of the subnet says it"),
        (options(("lease-time", "1h", 4)), "lease_time says it"),
        (options(("ntp-servr", "10.0.0.1", 4)), "is ntp-server or"),
        (options(("ntp-servr", None, 4)), "is ntp-server or"),
        (options(("67", "x", 4), boot=PXE), "'67' is what dhcp_boot says: set one of the two"),
        (options(boot={"bios": "x"}), "tftp_server is missing"),
        (options(*((str(n), "x" * 200, 4) for n in range(224, 230))), "they take 1212 octets"),
    ],
)
def test_what_has_another_place_or_no_sense_is_refused(settings: Settings, said: str) -> None:
    (fault,) = own_faults(settings, None)
    assert said in str(fault)


def test_network_and_subnet_have_to_fit_together() -> None:
    half = [(str(n), "x" * 200, 4) for n in range(224, 228)]
    other = [(str(n), "x" * 200, 4) for n in range(240, 244)]
    assert own_faults(options(*half)) == []
    assert room_faults(options(*half), options(*half), 4, "10.0.0.0/24") == []
    (fault,) = room_faults(options(*half), options(*other), 4, "10.0.0.0/24")
    assert "its subnet 10.0.0.0/24 together take 1616 octets of a DHCP answer" in str(fault)
