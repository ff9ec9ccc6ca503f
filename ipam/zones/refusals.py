"""What a name server means by refusing an update or a transfer, and what to do about it. Pure."""

from typing import Final

from ipam.errors import ServiceUnavailable

UPDATE: Final = "an update"
TRANSFER: Final = "a transfer"


class ZoneRefused(ServiceUnavailable):
    """The zone's server refuses, or does not answer: the whole zone waits."""


class TransferRefused(ZoneRefused):
    """The server does not give the zone away. It may take updates all the same."""


def refusal(code: str, *, zone: str, server: str, key_name: str, what: str) -> ZoneRefused:
    """The error for an answer with this code, by its name in RFC 2136 or 8945."""
    error = TransferRefused if what is TRANSFER else ZoneRefused
    return error(f"{server} refuses {what} of {zone} ({code}): {_remedy(code, key_name)}")


def silence(error: object, *, zone: str, server: str) -> ZoneRefused:
    """The error for a server that does not answer."""
    return ZoneRefused(
        f"{server} does not answer for {zone} ({error}): see whether its name server runs, and"
        " takes TCP from this host."
    )


def _remedy(code: str, key_name: str) -> str:
    match code:
        case "NOTAUTH":
            return (
                "it is not the zone's primary server, or has no such zone. Compare [dns] zones"
                " with its settings."
            )
        case "REFUSED":
            return (
                f"it lets the key {key_name} not do that. In BIND: `update-policy {{ grant"
                f" {key_name} zonesub A AAAA PTR DHCID; }};` and `allow-transfer {{ key"
                f" {key_name}; }};`. In Knot: an `acl` of the zone with `key: {key_name}` and"
                " `action: [update, transfer]`."
            )
        case "BADKEY":
            return (
                f"it knows no key {key_name} of this algorithm, or, as Knot means by it, the zone"
                " has no `acl` with the key. Give it [dns] key_file."
            )
        case "BADSIG":
            return f"its key {key_name} has another secret than the one of [dns] key_file."
        case "BADTIME":
            return "its clock and this host's differ. Both need NTP."
        case "NOTZONE":
            return "the name is in another zone of the server's, which [dns] zones does not have."
        case "NOTIMP":
            return "it takes no updates."
        case _:
            return "its log says why."
