"""What goes wrong with dnsmasq."""

from ipam.errors import IpamError


class DnsmasqFailed(IpamError):  # noqa: N818  # named like its siblings in ipam.errors
    """dnsmasq, or one of its tools, failed, or cannot be told what is to be told."""
