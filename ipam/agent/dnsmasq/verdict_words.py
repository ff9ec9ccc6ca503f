"""Says for admins what a verdict of dnsmasq means, and what to do about it. Pure."""

from collections.abc import Callable, Mapping

from ipam.agent.dnsmasq.verdicts import Kind, Verdict


def sentence(verdict: Verdict) -> str:
    """What happened."""
    return _SENTENCES[verdict.kind](verdict)


def fix(verdict: Verdict) -> str:
    """What to do."""
    by_reason = (fix for reason, fix in _FIXES_BY_REASON if verdict.said.startswith(reason))
    return next(by_reason, _FIXES[verdict.kind])


_SENTENCES: Mapping[Kind, Callable[[Verdict], str]] = {
    Kind.HOST_DROPPED: lambda v: f"dnsmasq dropped line {v.line} of its hosts: {v.said}",
    Kind.OPTION_DROPPED: lambda v: f"dnsmasq dropped DHCP option {v.line} of its list: {v.said}",
    Kind.OPTION_LEFT_OUT: lambda v: (
        f"an answer went out without DHCP option {v.option}: {v.said}" if v.option else v.said
    ),
    Kind.FILES_UNREAD: lambda v: f"dnsmasq does not read its files: {v.said}",
    Kind.ADDRESS_LEASED: lambda v: f"{v.address} is still leased to {v.mac}",
    Kind.ADDRESS_OF_SERVER: lambda v: f"{v.address} is the DHCP server's own address",
    Kind.ADDRESS_DECLINED: lambda v: (
        f"a machine declined {v.address}: another one answers for it, and dnsmasq keeps it back"
    ),
    Kind.NO_RANGE: lambda v: f"dnsmasq has no range for what is asked: {v.said}",
    Kind.NO_ADDRESS_HERE: lambda v: f"the DHCP interface {v.interface} has lost its address",
    Kind.NAME_DROPPED: lambda v: f"dnsmasq does not use a name: {v.said}",
    Kind.SEND_FAILED: lambda v: f"dnsmasq could not send an answer: {v.said}",
    Kind.LEASES_UNREAD: lambda v: f"dnsmasq did not take over all leases: {v.said}",
    Kind.HOOK_FAILED: lambda v: f"a lease event was not recorded: {v.said}",
    Kind.LINES_LOST: lambda v: f"{v.option} lines of dnsmasq's log were lost",
    Kind.START_REFUSED: lambda v: f"dnsmasq does not start: {v.said}",
}

_FIXES: Mapping[Kind, str] = {
    Kind.HOST_DROPPED: "Correct the port's MAC address, dns_name or fixed IPs.",
    Kind.OPTION_DROPPED: "Correct or remove the option.",
    Kind.OPTION_LEFT_OUT: "Remove options, or shorten their values: they share one packet.",
    Kind.FILES_UNREAD: "See that the run path is readable, and that fs.inotify's limits suffice.",
    Kind.ADDRESS_LEASED: "The agent ends that lease; if it stays, restart the agent.",
    Kind.ADDRESS_OF_SERVER: "Give the port another address.",
    Kind.ADDRESS_DECLINED: "Find the machine that uses the address without a port and remove it.",
    Kind.NO_RANGE: "See that the subnet has DHCP and that the DHCP port has an address in it.",
    Kind.NO_ADDRESS_HERE: "The agent puts it back; if it stays away, see the agent's log.",
    Kind.NAME_DROPPED: "Give the port another dns_name.",
    Kind.SEND_FAILED: "See the interface in the network's namespace, and the host's firewall.",
    Kind.LEASES_UNREAD: "Machines are recorded again when they renew.",
    Kind.HOOK_FAILED: "See the agent's log and the space in its state path.",
    Kind.LINES_LOST: "Nothing needs to be done, unless it repeats.",
    Kind.START_REFUSED: "See the line before in the agent's log.",
}

_FIXES_BY_REASON: tuple[tuple[str, str], ...] = (
    ("bad DHCP host name", "Give the port another dns_name."),
    ("DHCP host has multiple names", "Give the port another dns_name."),
    (
        "duplicate dhcp-host IP address",
        "Another port's line has the address; it is gone after the next reload.",
    ),
    ("bad hex constant", "Correct the MAC address or the option client-id."),
    ("dhcp-option too long", "Shorten the value: an option holds 255 octets."),
)
