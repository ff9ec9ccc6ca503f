"""The marker of a name: RFC 4701's digest of a DUID and the name."""

from ipam.zones.ownership import dhcid, marker


def test_a_digest_is_that_of_the_standard() -> None:
    """RFC 4701 §3.6, the second example."""
    duid = bytes.fromhex("00010006412df166010203040506")
    found = dhcid(duid, "chi6.example.com")
    assert found == "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="


def test_each_owner_and_each_name_has_its_own_and_case_does_not_count() -> None:
    given = {marker(owner, name) for owner in ("ipam", "b") for name in ("a.example", "b.example")}
    assert len(given) == 4
    assert marker("ipam", "A.Example") == marker("ipam", "a.example")


def test_the_names_of_a_deployment_stay_its_own_after_an_upgrade() -> None:
    found = marker("ipam", "web.lab.example")
    assert found == "AAIBJfOtcRwKVmpnuMxTDtLoiCKtlXE1xdWp6lCO0NR0lOk="
