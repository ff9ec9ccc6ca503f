import pytest

from ipam.rules import dns_names


@pytest.mark.parametrize(
    ("name", "dns_domain"),
    [
        ("", "example.org"),
        ("web", "example.org."),
        ("2024", ""),
        ("vm1.example.org.", ""),
        ("vm1.example.org.", "example.org"),
        ("vm1.example.org.", "example.org."),
        ("vm1.elsewhere.net.", "openstacklocal"),
        ("vm1.elsewhere.net", "example.org"),
        ("a" * 63 + ".b" * 90, "c" * 10),
    ],
)
def test_a_name_that_neutron_takes_is_taken(name: str, dns_domain: str) -> None:
    assert dns_names.dns_name_fault(name, dns_domain) is None


@pytest.mark.parametrize(
    ("name", "dns_domain", "part"),
    [
        ("vm1.elsewhere.net.", "example.org", "outside"),
        ("example.org.", "example.org.", "outside"),
        ("vm1.badexample.org.", "example.org", "outside"),
        ("a" * 63 + ".b" * 90, "c" * 11, "255"),
    ],
)
def test_a_name_that_does_not_go_with_the_domain_is_refused(
    name: str, dns_domain: str, part: str
) -> None:
    assert part in (dns_names.dns_name_fault(name, dns_domain) or "")


@pytest.mark.parametrize(
    ("name", "domain", "expected"),
    [
        ("web", "", ("web", "web")),
        ("web", "example.org.", ("web", "web.example.org.")),
        ("web.a", "example.org", ("web.a", "web.a.example.org.")),
        ("web.example.org.", "example.org.", ("web", "web.example.org.")),
        ("web.a.net.", "example.org.", ("web.a.net", "web.a.net.")),
        ("web.a.net.", "", ("web.a.net", "web.a.net.")),
    ],
)
def test_the_names_of_an_address(name: str, domain: str, expected: tuple[str, str]) -> None:
    assert dns_names.assigned_names(name, domain) == expected


@pytest.mark.parametrize("name", ["2024", "2024.example.org", "2024."])
def test_a_machine_calls_itself_by_the_first_label(name: str) -> None:
    assert dns_names.host_label(name) == "2024"
