import pytest

from ipam import model, values


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.0.0.5", "host-10-0-0-5"),
        ("2001:db8::5", "host-2001-db8--5"),
        ("2001:db8:5:0:a000::", "host-2001-db8-5-0-a000--0"),
        ("::1", "host---1"),
        ("::", "host---0"),
    ],
)
def test_an_address_makes_a_name_that_is_a_label(address: str, name: str) -> None:
    assert model.default_hostname(address) == name
    assert values.hostname(name) == name
