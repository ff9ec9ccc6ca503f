"""[dnsmasq]: what the networks' resolvers ask elsewhere."""

from dataclasses import dataclass
from typing import Final

from oslo_config import cfg, types


@dataclass(frozen=True, slots=True)
class DnsmasqSettings:
    """The settings of [dnsmasq]."""

    dns_servers: list[str]
    local_resolv: bool
    stop_dns_rebind: bool
    rebind_domains_ok: list[str]

    @property
    def forwards(self) -> bool:
        """Whether names of elsewhere are asked for at all."""
        return bool(self.dns_servers or self.local_resolv)


OPTIONS: Final = [
    cfg.ListOpt(
        "dns_servers",
        default=[],
        item_type=types.IPAddress(),
        sample_default="192.0.2.53",
        help="Name servers that the networks' resolvers ask for names of elsewhere, from the"
        " host's own address. The default is Neutron's: none, so that a network knows its own"
        " names only. A change takes a restart of the agent, and restarts each dnsmasq once.",
    ),
    cfg.BoolOpt(
        "local_resolv",
        default=False,
        help="Ask the name servers of the host's /etc/resolv.conf, if dns_servers is empty; a"
        " changed file counts. As dnsmasq_local_resolv in Neutron.",
    ),
    cfg.BoolOpt(
        "stop_dns_rebind",
        default=True,
        help="Drop answers of those servers that have private addresses: with them a web page"
        " elsewhere reaches machines that only its readers can reach.",
    ),
    cfg.ListOpt(
        "rebind_domains_ok",
        default=[],
        sample_default="corp.example.org",
        help="Domains whose names may have private addresses in spite of that.",
    ),
]
