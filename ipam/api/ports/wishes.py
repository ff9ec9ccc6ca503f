"""What the body of a port asks for: checked, and as it is stored."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import UnsetType

from ipam.api.ports.wire import AddressPair, DhcpOptionWish
from ipam.errors import (
    AllowedAddressPairExhausted,
    CallerError,
    DuplicateAddressPairInRequest,
    InvalidInput,
)
from ipam.rules import dhcp_options, dns_names

PAIRS_MAX: Final = 10
"""Neutron's max_allowed_address_pair."""


def body_faults(values: Mapping[str, Any], dns_domain: str) -> list[CallerError]:
    """Rules of names, DHCP options and fixed IPs that need no database."""
    faults: list[CallerError] = []
    if fault := dns_names.dns_name_fault(_given(values, "dns_name") or "", dns_domain):
        faults.append(InvalidInput(f"Invalid input for dns_name. Reason: {fault}."))
    faults += dhcp_options.option_faults(options(_given(values, "extra_dhcp_opts") or []))
    faults += [
        InvalidInput("Invalid input for fixed_ips. Reason: subnet_id or ip_address is needed.")
        for wish in _given(values, "fixed_ips") or []
        if wish.subnet_id is None and wish.ip_address is None
    ]
    return faults


def options(wishes: Sequence[DhcpOptionWish]) -> list[tuple[str, str | None, int]]:
    """DHCP options as the rules take them."""
    return [(wish.opt_name, wish.opt_value, wish.ip_version) for wish in wishes]


def pairs(given: Sequence[AddressPair] | None) -> list[dict[str, str]]:
    """Address pairs as they are stored.

    Raises DuplicateAddressPairInRequest or AllowedAddressPairExhausted.
    """
    found = [
        {"ip_address": pair.ip_address}
        | ({"mac_address": pair.mac_address} if pair.mac_address else {})
        for pair in given or []
    ]
    if len(found) > PAIRS_MAX:
        raise AllowedAddressPairExhausted(
            f"The number of allowed address pairs exceeds the maximum {PAIRS_MAX}."
        )
    for number, pair in enumerate(found):
        if pair in found[:number]:
            raise DuplicateAddressPairInRequest(
                "Request contains duplicate address pair: mac_address"
                f" {pair.get('mac_address')} ip_address {pair['ip_address']}."
            )
    return found


def _given(values: Mapping[str, Any], name: str) -> Any:
    value = values.get(name)
    return None if isinstance(value, UnsetType) else value
