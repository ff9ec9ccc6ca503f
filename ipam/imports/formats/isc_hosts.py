"""A `host` of dhcpd, in its configuration or in its lease file."""

from ipam.imports import words
from ipam.imports.estate import INFINITE, Draft, LeaseSeconds, Reservation
from ipam.imports.formats.isc_grammar import Statement, Word, listed, octets_of

FOREVER = (0xFFFFFFFF, -1)


def host(
    draft: Draft, one: Statement, *, named: bool = False, around: list[Statement] | None = None
) -> Reservation | None:
    """The reservation of a host; None for one that says nothing.

    `named`: its declared name is the machine's. `around`: what the groups around it say.
    """
    found = Reservation(place=one.place, attributes={})
    name = one.text(1)
    found.hostname = words.label(name) if named and words.is_name(name) else None
    for each in [*(around or ()), *(one.block or ())]:
        _take(draft, found, name, each)
    if not (found.macs or found.addresses or found.client_id or found.duid):
        draft.problem(
            one.place, "nothing_said", name[:100], f"The host {name[:60]} names no machine."
        )
        return None
    if found.addresses and not (found.macs or found.client_id or found.duid):
        found.by_name = False
        found.hostname = found.hostname or (words.label(name) if words.is_name(name) else None)
    return found


def seconds_of(text: str) -> LeaseSeconds:
    """A lease time of dhcpd."""
    if not text.lstrip("-").isdecimal() or len(text) > 12:
        return INFINITE if text == "infinite" else None
    return INFINITE if int(text) in FOREVER else int(text)


def _take(draft: Draft, found: Reservation, name: str, each: Statement) -> None:
    match each.first:
        case "hardware":
            mac = words.mac(each.text(2)) if each.text(1) == "ethernet" else None
            if mac:
                found.macs = [mac]
            else:
                draft.problem(
                    each.place,
                    "bad_mac" if each.text(1) == "ethernet" else "not_ethernet",
                    name[:100],
                    f"'{' '.join(each.texts)[:60]}' is no Ethernet MAC address.",
                )
        case "fixed-address" | "fixed-address6":
            _addresses(draft, found, name, each)
        case "default-lease-time":
            found.lease_seconds = seconds_of(each.text(1))
        case "uid" if len(each.words) > 1:
            found.client_id = _hex(each.words[1])
        case "host-identifier" if each.text(2).lower() == "dhcp6.client-id":
            found.duid = _hex(each.words[-1])
        case "host-identifier":
            draft.problem(
                each.place,
                "identifier_without_equal",
                name[:100],
                f"'{' '.join(each.texts)[:100]}' identifies it, which has no equal here.",
            )
        case "deny" | "ignore":
            if each.text(1) == "booting":
                found.refused = True
        case "allow":
            if each.text(1) == "booting":
                found.refused = False
        case "option":
            _option(draft, found, name, each)
        case "ddns-hostname":
            found.hostname = words.label(each.text(1))
        case "fixed-prefix6":
            draft.problem(
                each.place, "prefix_delegation", each.text(1), "Delegated prefixes are left out."
            )
        case "dynamic" | "deleted" | "group":
            pass
        case other:
            draft.problem(
                each.place,
                "option_not_taken",
                other[:100],
                f"'{other[:60]}' of the host {name[:60]} has no equal in a port: left out.",
            )


def _addresses(draft: Draft, found: Reservation, name: str, each: Statement) -> None:
    for text in listed(each.texts):
        address = words.address(text)
        if address:
            found.addresses.append(address)
        else:
            draft.problem(
                each.place,
                "address_is_a_name",
                text[:100],
                f"The host {name[:60]} has the name '{text[:60]}' as its address, which dhcpd"
                " looks up at each start: say which address it is. It is not looked up here.",
            )


def _option(draft: Draft, found: Reservation, name: str, each: Statement) -> None:
    option = each.text(1).lower()
    if option == "host-name":
        found.hostname = words.label(each.text(2))
    elif option == "dhcp-client-identifier" and len(each.words) > 2:
        found.client_id = _hex(each.words[2])
    elif option == "dhcp6.client-id" and len(each.words) > 2:
        found.duid = _hex(each.words[2])
    else:
        value = " ".join(each.texts[1:])[:200]
        draft.problem(
            each.place,
            "option_of_host",
            option[:100],
            f"Option {option[:60]} ({value}) of the host {name[:60]} is left out."
            " `ipam port set --extra-dhcp-option` gives it to its port.",
        )


def _hex(word: Word) -> str | None:
    raw = octets_of(word)
    return words.hex_of(raw) if raw else None
