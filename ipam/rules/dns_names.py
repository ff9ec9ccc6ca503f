"""What a machine's name may be, and what follows from it. Pure.

Names are lower case, as `ipam.values` makes them. The rules are Neutron's (its `dns_name`): a
label, or labels joined by dots; with a final dot it is a full name and has to be in the domain.
"""

from typing import Final

LONGEST: Final = 255
"""Octets of a full name with its final dot."""
UNSET_DOMAIN: Final = "openstacklocal"
"""The domain that Neutron has unless somebody chose one; names are not held to it."""


def dns_name_fault(name: str, dns_domain: str) -> str | None:
    """Why a machine cannot have this name where [network] dns_domain is that; None if it can."""
    domain = dns_domain.strip(".")
    if not name or domain in ("", UNSET_DOMAIN):
        return None
    if not name.endswith("."):
        if len(name) + len(domain) + 2 > LONGEST:
            return (
                f"'{name}' and the domain '{domain}' ([network] dns_domain) have more than"
                f" {LONGEST} characters together"
            )
        return None
    if name.endswith(f".{domain}."):
        return None
    return f"'{name}' is a full name outside of the domain '{domain}' ([network] dns_domain)"


def host_label(name: str) -> str:
    """The first label: what the machine calls itself."""
    return name.partition(".")[0]


def assigned_names(name: str, dns_domain: str) -> tuple[str, str]:
    """The host name and the full name of an address, as `dns_assignment` shows them."""
    domain = dns_domain.rstrip(".")
    if name.endswith("."):
        return name.removesuffix(".").removesuffix(f".{domain}"), name
    return name, f"{name}.{domain}." if domain else name
