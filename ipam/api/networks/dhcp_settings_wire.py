"""DHCP options, boot settings and lease times in the bodies of networks and subnets."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from ipam import values
from ipam.api.http.attributes import NULL_IS_EMPTY
from ipam.rules import dhcp_settings
from ipam.rules.boot import FILE_MAX, URL_MAX
from ipam.rules.dhcp_option_values import LONGEST_SECONDS
from ipam.rules.dhcp_settings import Settings
from ipam.store.engine.listing import Record
from ipam.values import IpAddress, ShortName

DHCP_SETTINGS_MAX: Final = 50
NAMES: Final = frozenset({"dhcp_options", "dhcp_boot"})
"""The attributes whose faults depend on each other."""

DHCP_OPTIONS: Final = Meta(
    description="DHCP options that machines are told, in place of the outer ones: a subnet's count"
    " before its network's, a client class's and a port's before both."
)
DHCP_BOOT: Final = Meta(
    description="What machines load that boot from the network, by their firmware; a subnet"
    " without it has its network's, and `{}` is nothing."
)
LEASE_TIME: Final = Meta(
    description="How long DHCP leases are, in seconds, -1 for ever; null for the network's, or the"
    " service's own time."
)

SUBNET_LEASE_TIME: Final = Meta(
    description="How long DHCP leases are, in seconds, -1 for ever; null for the network's, or the"
    " service's own time. 0 deprecates a prefix in which machines make their addresses: they start"
    " nothing new from these, and leases are as with null."
)

OptionName = Annotated[ShortName, Meta(description="By dnsmasq's name or number.")]
OptionText = Annotated[str, Meta(max_length=values.NAME_LENGTH)]
BootFile = Annotated[str, Meta(min_length=1, max_length=FILE_MAX)]
BootUrl = Annotated[str, Meta(min_length=1, max_length=URL_MAX)]
LeaseTime = Annotated[
    int,
    Meta(
        ge=dhcp_settings.INFINITE_LEASE,
        le=LONGEST_SECONDS,
        extra={"check": dhcp_settings.lease_time},
    ),
]
SubnetLeaseTime = Annotated[
    int,
    Meta(
        ge=dhcp_settings.INFINITE_LEASE,
        le=LONGEST_SECONDS,
        extra={"check": dhcp_settings.subnet_lease_time},
    ),
]


class NetworkOption(Struct, kw_only=True):
    opt_name: OptionName
    opt_value: Annotated[OptionText, Meta(description="Its value, in dnsmasq's form.")]
    ip_version: Annotated[
        Literal[4, 6], Meta(description="The subnets that it is for: 4 or 6.")
    ] = 4


class SubnetOption(Struct, kw_only=True):
    opt_name: OptionName
    opt_value: Annotated[
        OptionText | None,
        Meta(
            description="Its value, in dnsmasq's form; null keeps the network's from the machines."
        ),
    ]


class DhcpBoot(Struct, kw_only=True, omit_defaults=True):
    tftp_server: Annotated[
        IpAddress | None, Meta(description="The address of the server that files are loaded from.")
    ] = None
    bios: Annotated[
        BootFile | None,
        Meta(description="The file on tftp_server for BIOS (architecture 0)."),
    ] = None
    uefi_ia32: Annotated[
        BootFile | None,
        Meta(description="The file on tftp_server for 32-bit x86 UEFI (6)."),
    ] = None
    uefi_x64: Annotated[
        BootFile | None,
        Meta(description="The file on tftp_server for x86-64 UEFI (7, 9)."),
    ] = None
    uefi_arm32: Annotated[
        BootFile | None,
        Meta(description="The file on tftp_server for 32-bit ARM UEFI (10)."),
    ] = None
    uefi_arm64: Annotated[
        BootFile | None,
        Meta(description="The file on tftp_server for ARM64 UEFI (11)."),
    ] = None
    uefi_riscv64: Annotated[
        BootFile | None,
        Meta(description="The file on tftp_server for 64-bit RISC-V UEFI (27)."),
    ] = None
    uefi_ia32_http: Annotated[
        BootUrl | None,
        Meta(description="The URL for 32-bit x86 UEFI that boots by HTTP (15)."),
    ] = None
    uefi_x64_http: Annotated[
        BootUrl | None,
        Meta(description="The URL for x86-64 UEFI that boots by HTTP (16, 17)."),
    ] = None
    uefi_arm32_http: Annotated[
        BootUrl | None,
        Meta(description="The URL for 32-bit ARM UEFI that boots by HTTP (18)."),
    ] = None
    uefi_arm64_http: Annotated[
        BootUrl | None,
        Meta(description="The URL for ARM64 UEFI that boots by HTTP (19)."),
    ] = None
    uefi_riscv64_http: Annotated[
        BootUrl | None,
        Meta(description="The URL for 64-bit RISC-V UEFI that boots by HTTP (28)."),
    ] = None
    ipxe_script: Annotated[
        BootUrl | None,
        Meta(
            description="What iPXE is told in place of a file, a URL or a file on tftp_server; so"
            " iPXE that was loaded as such a file does not load itself again."
        ),
    ] = None


NetworkOptions = Annotated[list[NetworkOption], NULL_IS_EMPTY, Meta(max_length=DHCP_SETTINGS_MAX)]
SubnetOptions = Annotated[list[SubnetOption], NULL_IS_EMPTY, Meta(max_length=DHCP_SETTINGS_MAX)]


def for_row(given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that are settings, as the tables have them."""
    found = {name: given[name] for name in ("lease_time", *NAMES) if name in given}
    if "dhcp_options" in found:
        found["dhcp_options"] = [msgspec.to_builtins(one) for one in found["dhcp_options"]]
    if found.get("dhcp_boot") is not None:
        found["dhcp_boot"] = msgspec.to_builtins(found["dhcp_boot"])
    return found


def of_body(given: Mapping[str, Any], version: int = 4) -> Settings:
    """The settings of the body of a POST. `version` is that of options that do not say theirs."""
    row = for_row(given)
    return dhcp_settings.read(row.get("dhcp_options"), row.get("dhcp_boot"), version)


def after(row: Record, changed: Mapping[str, Any], version: int = 4) -> Settings:
    """The settings of a row once these columns have changed. `version` as in `of_body`."""
    found = {name: changed.get(name, getattr(row, name)) for name in NAMES}
    return dhcp_settings.read(found["dhcp_options"], found["dhcp_boot"], version)


def view_of(row: Record) -> dict[str, Any]:
    """The settings of a row, for a view."""
    boot = row.dhcp_boot
    return {
        "dhcp_options": row.dhcp_options or [],
        "dhcp_boot": None if boot is None else DhcpBoot(**boot),
        "lease_time": row.lease_time,
    }
