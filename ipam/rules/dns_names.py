"""Checks a machine's name, and gives the names that follow from it. Pure.

Names are lower case, as `ipam.values` gives them. The rules are those of Neutron's `dns_name`: a
label, or labels joined by dots. With a final dot it is a full name, which must be in the domain.
"""

from typing import Final

from ipam import values

LONGEST: Final = 255
"""Octets of a full name with its final dot."""
UNSET_DOMAIN: Final = "openstacklocal"
"""Neutron's default domain. Names need not be in it."""


def dns_name_fault(name: str, dns_domain: str) -> str | None:
    """Why a machine cannot have this name with this [network] dns_domain; None if it can."""
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


def domain_of(network_domain: str, default: str) -> str:
    """The domain of a network's names: its own, or the deployment's ([network] dns_domain)."""
    return network_domain or default


def host_label(name: str) -> str:
    """The first label, which is the machine's host name."""
    return name.partition(".")[0]


def name_of_machine(hostname: str) -> str:
    """The first label of the name that a machine gives itself; empty if no port may have it."""
    label = host_label(hostname).lower()
    return label if values.is_domain(label) else ""


def assigned_names(name: str, dns_domain: str) -> tuple[str, str]:
    """The host name and the full name of an address, for `dns_assignment`."""
    domain = dns_domain.rstrip(".")
    if name.endswith("."):
        return name.removesuffix(".").removesuffix(f".{domain}"), name
    return name, f"{name}.{domain}." if domain else name
