"""Checks what the body of a port asks for, and gives the form that is stored."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import UnsetType

from ipam import clock, model
from ipam.api.ports.wire import DHCP_OPTIONS_MAX, AddressPair, DhcpOptionWish, PortCreate
from ipam.errors import (
    AddressPairAndPortSecurityRequired,
    AllowedAddressPairExhausted,
    CallerError,
    DuplicateAddressPairInRequest,
    InvalidInput,
    SecurityGroupNotFound,
)
from ipam.rules import device_owners, dhcp_options, dns_names
from ipam.settings.network import NetworkSettings
from ipam.store.engine.listing import Record

PORT_SECURITY: Final = frozenset({"port_security_enabled", "allowed_address_pairs"})
"""A port has the second with the first alone."""


def body_faults(values: Mapping[str, Any], settings: NetworkSettings) -> list[CallerError]:
    """Rules of names, DHCP options and fixed IPs that need no database."""
    faults: list[CallerError] = []
    if fault := dns_names.dns_name_fault(_given(values, "dns_name") or "", settings.dns_domain):
        faults.append(InvalidInput(f"Invalid input for dns_name. Reason: {fault}."))
    faults += dhcp_options.option_faults(options(_given(values, "extra_dhcp_opts") or []))
    faults += [
        InvalidInput("Invalid input for fixed_ips. Reason: subnet_id or ip_address is needed.")
        for wish in _given(values, "fixed_ips") or []
        if wish.subnet_id is None and wish.ip_address is None
    ]
    if _given(values, "device_owner") == model.LEASE_PORT_OWNER:
        faults.append(
            InvalidInput(
                f"Invalid input for device_owner. Reason: {model.LEASE_PORT_OWNER} is only for"
                " ports that the leases of dynamic ranges make."
            )
        )
    end = _given(values, "expires_at")
    if end is not None and model.epoch_seconds(end) <= clock.now_seconds():
        faults.append(InvalidInput(f"Invalid input for expires_at. Reason: {end} is past."))
    if groups := _given(values, "security_groups"):
        faults.append(SecurityGroupNotFound(f"Security group {', '.join(groups)} does not exist"))
    return faults


def refuse_end_of_service_port(device_owner: str, expires_at: object) -> None:
    """Raise InvalidInput for an end of a port that the service or the cloud keeps itself."""
    if expires_at is None:
        return
    if device_owner == model.LEASE_PORT_OWNER or device_owners.is_networks(device_owner):
        raise InvalidInput(
            f"Invalid input for expires_at. Reason: a port with the device_owner {device_owner}"
            " has no end of its own."
        )


def refuse_many_fixed_ips(given: Sequence[Any], device_owner: str, most: int) -> None:
    """Raise InvalidInput for more fixed IPs than a port may ask for. The cloud's own may."""
    if len(given) > most and not device_owner.startswith(device_owners.NETWORK):
        raise InvalidInput(
            f"Invalid input for fixed_ips. Reason: It has {len(given)} items; at most {most} are"
            " allowed."
        )


def refuse_many_options(merged: Sequence[Any]) -> None:
    """Raise InvalidInput for more DHCP options than a port may have after a change."""
    if len(merged) > DHCP_OPTIONS_MAX:
        raise InvalidInput(
            f"Invalid input for extra_dhcp_opts. Reason: It would have {len(merged)} items;"
            f" at most {DHCP_OPTIONS_MAX} are allowed."
        )


def options(wishes: Sequence[DhcpOptionWish]) -> list[tuple[str, str | None, int]]:
    """DHCP options in the form that the rules take."""
    return [(wish.opt_name, wish.opt_value, wish.ip_version) for wish in wishes]


def pairs(given: Sequence[AddressPair] | None, most: int) -> list[dict[str, str]]:
    """Address pairs in the form that is stored.

    Raises DuplicateAddressPairInRequest or AllowedAddressPairExhausted.
    """
    found = [
        {"ip_address": pair.ip_address}
        | ({"mac_address": pair.mac_address} if pair.mac_address else {})
        for pair in given or []
    ]
    if len(found) > most:
        raise AllowedAddressPairExhausted(
            f"The number of allowed address pairs exceeds the maximum {most}."
        )
    for number, pair in enumerate(found):
        if pair in found[:number]:
            raise DuplicateAddressPairInRequest(
                "Request contains duplicate address pair: mac_address"
                f" {pair.get('mac_address')} ip_address {pair['ip_address']}."
            )
    return found


def port_security(body: PortCreate, *, of_network: bool) -> bool:
    """Whether a new port has port security. Raises AddressPairAndPortSecurityRequired."""
    said = body.port_security_enabled
    enabled = of_network if isinstance(said, UnsetType) else said
    if body.device_owner.startswith(device_owners.NETWORK):
        enabled = False
    _refuse_pairs_without(body.allowed_address_pairs, enabled=enabled)
    return enabled


def check_port_security(row: Record, values: Mapping[str, Any]) -> None:
    """Refuse a change that leaves a port with address pairs and without port security.

    Raises AddressPairAndPortSecurityRequired.
    """
    if PORT_SECURITY & values.keys():
        after = {name: values.get(name, getattr(row, name)) for name in PORT_SECURITY}
        _refuse_pairs_without(
            after["allowed_address_pairs"], enabled=after["port_security_enabled"]
        )


def _refuse_pairs_without(given: Sequence[Any] | None, *, enabled: bool) -> None:
    if given and not enabled:
        raise AddressPairAndPortSecurityRequired(
            "Port Security must be enabled in order to have allowed address pairs on a port."
        )


def _given(values: Mapping[str, Any], name: str) -> Any:
    value = values.get(name)
    return None if isinstance(value, UnsetType) else value
