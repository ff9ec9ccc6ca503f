"""`ipam network boot …` and `ipam subnet boot …`: what machines load from the network."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from ipam.cli import lookup
from ipam.cli.connection import connect
from ipam.cli.options import (
    Command,
    examples,
    format_options,
    given,
    stacked,
    told_first,
)
from ipam.cli.printing import show_record
from ipam.cli.resource_kinds import NETWORK, Resource
from ipam.cli.terminal import say
from ipam.errors import NotFound

if TYPE_CHECKING:
    from ipam.client import Client

FILES = {
    "bios": "BIOS",
    "uefi_ia32": "32-bit x86 UEFI",
    "uefi_x64": "x86-64 UEFI",
    "uefi_arm32": "32-bit ARM UEFI",
    "uefi_arm64": "ARM64 UEFI",
    "uefi_riscv64": "64-bit RISC-V UEFI",
}
"""Firmware by its name in the API; all but BIOS boots by HTTP, too."""
NAMES = (
    "tftp_server",
    *FILES,
    *(f"{name}_http" for name in FILES if name != "bios"),
    "ipxe_script",
)


def boot_group(resource: Resource) -> click.Group:
    """The commands for networks, or for subnets."""
    noun, metavar = resource.noun, resource.noun.upper()
    name = "demo" if resource is NETWORK else "demo-v4"

    @click.group("boot", help=f"What the machines of a {noun} load when they boot from it (PXE).")
    def boot() -> None:
        pass

    @boot.command(
        "set",
        help="Set what machines load, by their firmware. What is not named stays.",
        epilog=examples(
            f"ipam {noun} boot set {name} --tftp-server 10.0.0.9 --bios undionly.kpxe \\",
            "    --uefi-x64 ipxe.efi --ipxe-script http://boot.example/boot.ipxe",
            f"ipam {noun} boot set {name} --uefi-x64-http http://boot.example/shimx64.efi",
        ),
    )
    @click.argument("name_or_id", metavar=metavar)
    @_value_options
    @_nothing_option(resource)
    @told_first
    def change(name_or_id: str, *, nothing: bool = False, **fields: str | None) -> None:
        asked = given(**fields)
        if bool(asked) is nothing:
            raise click.UsageError(f"Say what. `ipam {noun} boot set --help` has the options.")
        client = connect()
        found = lookup.find(client, resource, name_or_id)
        _put(client, resource, found, {} if nothing else {**(found["dhcp_boot"] or {}), **asked})

    @boot.command(
        help="Show what machines load, and whether their network or subnet says so.",
        epilog=examples(f"ipam {noun} boot show {name}"),
    )
    @click.argument("name_or_id", metavar=metavar)
    @format_options
    def show(name_or_id: str, output_format: str, wanted: Sequence[str]) -> None:
        client = connect()
        found = lookup.find(client, resource, name_or_id)
        by, settings = noun, found["dhcp_boot"]
        if settings is None and resource is not NETWORK:
            outer = client.get(f"{NETWORK.path}/{found['network_id']}")["network"]
            by, settings = "network", outer["dhcp_boot"]
        record = {"set_by": by, **(settings or {})}
        show_record(record, output_format=output_format, wanted=wanted)
        if not settings:
            hint = f"`ipam {noun} boot set` sets what they load."
            say(f"Machines of this {noun} boot from nothing. {hint}", err=True)

    @boot.command(
        help="Take single settings away; without options all of them.",
        epilog=examples(
            f"ipam {noun} boot unset {name}", f"ipam {noun} boot unset {name} --ipxe-script"
        ),
    )
    @click.argument("name_or_id", metavar=metavar)
    @_flags
    @told_first
    def unset(name_or_id: str, **flags: bool) -> None:
        client = connect()
        found = lookup.find(client, resource, name_or_id)
        present, gone = found["dhcp_boot"] or {}, [one for one, named in flags.items() if named]
        if absent := [one for one in gone if one not in present]:
            there = ", ".join(present) or "none"
            raise NotFound(f"The {noun} has no boot setting {', '.join(absent)}. It has: {there}.")
        left = {one: value for one, value in present.items() if one not in gone}
        _put(client, resource, found, left if gone and left else None)

    return boot


def _put(
    client: "Client", resource: Resource, found: dict[str, Any], boot: dict[str, Any] | None
) -> None:
    changes = {"dhcp_boot": boot}
    revision = found["revision_number"]
    lookup.update(client, resource, found["id"], changes, revision_number=revision)


def _value_options(command: Command) -> Command:
    """--tftp-server, a file and a URL for each firmware, --ipxe-script."""
    return stacked(
        click.option(
            "--tftp-server", metavar="IP", help="The address that files are loaded from."
        ),
        *(
            click.option(_flag(name), metavar="FILE", help=f"The file on it for {what}.")
            for name, what in FILES.items()
        ),
        *(
            click.option(
                _flag(f"{name}_http"),
                metavar="URL",
                help=f"The URL for {what} that boots by HTTP.",
            )
            for name, what in FILES.items()
            if name != "bios"
        ),
        click.option(
            "--ipxe-script",
            metavar="URL",
            help="What iPXE loads in place of all these: a URL, or a file on the TFTP server.",
        ),
    )(command)


def _nothing_option(resource: Resource) -> Callable[[Command], Command]:
    if resource is NETWORK:
        return lambda command: command
    return click.option(
        "--nothing", is_flag=True, help="Boot from nothing, whatever the network says."
    )


def _flags(command: Command) -> Command:
    return stacked(
        *(click.option(_flag(name), is_flag=True, help="Take it away.") for name in NAMES)
    )(command)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
