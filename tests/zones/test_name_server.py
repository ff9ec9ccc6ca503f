"""Updates and transfers with BIND and with Knot: what they have afterwards, why they refuse."""

from ipaddress import ip_address
from itertools import count

import pytest

from ipam.errors import SettingsUnfit
from ipam.rules.dns_records import Records
from ipam.settings.dns import DnsSettings, primary_servers
from ipam.zones.name_server import NameServer, name_server
from ipam.zones.ownership import marker
from ipam.zones.refusals import TransferRefused, ZoneRefused
from tests.servers.primary_server import PrimaryServer
from tests.waiting import PATIENCE_SECONDS

LAB = "lab.example"
NUMBERS = count(1)


def opened(
    primary: PrimaryServer, line: str, *, key: str = "ipam", owner: str = "ipam"
) -> NameServer:
    (server,) = primary_servers([line])
    key_file = primary.directory / f"{key}.key"
    settings = DnsSettings(
        (server,), key_file, owner, ttl=60, timeout=PATIENCE_SECONDS, compare_interval=3600
    )
    return name_server(server, settings)


@pytest.fixture
def lab(primary: PrimaryServer) -> NameServer:
    return opened(primary, primary.line(LAB))


@pytest.fixture
def name() -> str:
    """Another name for each test."""
    return f"n{next(NUMBERS)}.{LAB}"


def records(*addresses: str) -> Records:
    return frozenset((("AAAA" if ":" in one else "A"), one) for one in addresses)


def test_a_name_has_exactly_the_records_that_were_sent_last(
    primary: PrimaryServer, lab: NameServer, name: str
) -> None:
    with lab:
        for addresses in (["192.0.2.1"], ["192.0.2.1"], ["192.0.2.2", "2001:db8::2"], []):
            assert lab.publish({name: records(*addresses)})
            found = [*primary.values(name, "A"), *primary.values(name, "AAAA")]
            assert found == addresses
            assert bool(primary.values(name, "DHCID")) is bool(addresses)
        assert lab.publish({name: records()})


@pytest.mark.parametrize(
    ("kind", "value"),
    [("A", "192.0.2.9"), ("CNAME", "www.example."), ("NS", "ns.example."), ("PTR", "a.example.")],
)
def test_a_name_of_somebody_else_stays_as_it_is(
    primary: PrimaryServer, lab: NameServer, name: str, kind: str, value: str
) -> None:
    primary.edit(LAB, [(name, kind, value)])
    with lab:
        assert not lab.publish({name: records("192.0.2.1")})
        assert lab.publish({name: records()})
        present, owned = lab.transfer()
    assert present[name] == {(kind, value)}
    assert name not in owned
    primary.edit(LAB, [], removing=name)


def test_records_of_other_types_stay_beside_ours(
    primary: PrimaryServer, lab: NameServer, name: str
) -> None:
    primary.edit(LAB, [(name, "TXT", '"v=spf1 -all"')])
    with lab:
        assert lab.publish({name: records("192.0.2.1")})
        assert lab.publish({name: records()})
    assert primary.values(name, "TXT") == ['"v=spf1 -all"']


def test_several_names_go_together_if_they_are_of_one_kind(
    primary: PrimaryServer, lab: NameServer, name: str
) -> None:
    other, theirs = f"other-{name}", f"theirs-{name}"
    both = {name: records("192.0.2.1"), other: records("192.0.2.2")}
    primary.edit(LAB, [(theirs, "A", "192.0.2.9")])
    with lab:
        assert not lab.publish(both | {theirs: records("192.0.2.3")})
        assert primary.values(name, "A") == []
        assert lab.publish(both)
        assert lab.publish(dict.fromkeys(both, records("192.0.2.4")))
        assert primary.values(other, "A") == primary.values(name, "A") == ["192.0.2.4"]
        assert not lab.publish({name: records("192.0.2.5"), f"new-{name}": records("192.0.2.6")})
        gone = {name: records(), theirs: records()}
        assert not lab.publish(gone)
        assert primary.values(name, "A") == ["192.0.2.4"]
        assert lab.publish(dict.fromkeys(both, records()))
    assert primary.values(other, "A") == primary.values(name, "A") == []
    assert primary.values(theirs, "A") == ["192.0.2.9"]


def test_another_owner_does_not_touch_the_name(
    primary: PrimaryServer, lab: NameServer, name: str
) -> None:
    with lab, opened(primary, primary.line(LAB), owner="second") as second:
        assert lab.publish({name: records("192.0.2.1")})
        assert not second.publish({name: records("192.0.2.2")})
        assert second.publish({name: records()})
        _, owned = second.transfer()
    assert primary.values(name, "A") == ["192.0.2.1"]
    assert name not in owned


@pytest.mark.parametrize(
    ("zone", "prefix", "address"),
    [
        ("2.0.192.in-addr.arpa", "", "192.0.2.77"),
        ("64/26.3.0.192.in-addr.arpa", "192.0.3.64/26", "192.0.3.70"),
        ("8.b.d.0.1.0.0.2.ip6.arpa", "", "2001:db8:1::5"),
    ],
)
def test_an_address_has_its_name_in_each_kind_of_reverse_zone(
    primary: PrimaryServer, zone: str, prefix: str, address: str
) -> None:
    with opened(primary, primary.line(zone, prefix)) as server:
        pointer = server.zone.name_of(ip_address(address))
        assert pointer is not None
        assert server.publish({pointer: frozenset({("PTR", "web.lab.example.")})})
        assert primary.values(pointer, "PTR") == ["web.lab.example."]
        present, owned = server.transfer()
    assert pointer in owned
    assert ("DHCID", marker("ipam", pointer)) in present[pointer]


@pytest.mark.parametrize(
    ("zone", "key", "parts"),
    [
        (LAB, "wrong", {"bind9": "BADSIG", "knot": "BADSIG"}),
        (LAB, "stranger", {"bind9": "BADKEY", "knot": "BADKEY"}),
        (LAB, "weak", {"bind9": "grant weak zonesub A AAAA PTR DHCID", "knot": "no `acl`"}),
        ("nowhere.example", "ipam", {"bind9": "NOTAUTH", "knot": "no such zone"}),
    ],
)
def test_a_refusal_says_the_zone_the_server_and_the_remedy_and_no_secret(
    primary: PrimaryServer, zone: str, key: str, parts: dict[str, str]
) -> None:
    primary.key_file("ipam", secret="d3Jvbmcgd3JvbmcgYW5kIHdyb25n", called="wrong")
    primary.key_file("stranger", secret=primary.secret("ipam"))
    with opened(primary, primary.line(zone), key=key) as server:
        with pytest.raises(ZoneRefused) as update:
            server.publish({f"web.{zone}": records("192.0.2.1")})
        with pytest.raises(ZoneRefused) as transfer:
            server.transfer()
    assert parts[primary.package] in str(update.value)
    assert isinstance(transfer.value, TransferRefused)
    for error in (update, transfer):
        assert zone in str(error.value)
        assert f"127.0.0.1:{primary.port}" in str(error.value)
        assert primary.secret("ipam") not in str(error.value)


def test_a_key_file_that_others_read_or_that_has_no_key_is_refused(primary: PrimaryServer) -> None:
    loose = primary.key_file("ipam", called="loose")
    loose.chmod(0o644)
    with pytest.raises(SettingsUnfit, match=r"chmod o-rwx .*loose\.key"):
        opened(primary, primary.line(LAB), key="loose")
    empty = primary.key_file("ipam", called="empty")
    empty.write_text(primary.secret("ipam"))
    with pytest.raises(SettingsUnfit) as caught:
        opened(primary, primary.line(LAB), key="empty")
    assert primary.secret("ipam") not in str(caught.value)
    with pytest.raises(SettingsUnfit, match="cannot be read"):
        opened(primary, primary.line(LAB), key="none")
