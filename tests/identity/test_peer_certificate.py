from typing import Any

import pytest

from ipam.identity.peer_certificate import name_of

SUBJECT = ((("organizationName", "x"),), (("commonName", "ann"),))
NAMES = (("IP Address", "10.0.0.1"), ("DNS", "node-7.test"), ("DNS", "other.test"))


@pytest.mark.parametrize(
    ("certificate", "name"),
    [
        ({"subject": SUBJECT, "subjectAltName": NAMES}, "ann"),
        ({"subject": SUBJECT[:1], "subjectAltName": NAMES}, "node-7.test"),
        ({"subjectAltName": NAMES[:1]}, ""),
        ({}, ""),
    ],
)
def test_the_common_name_counts_and_without_one_the_first_dns_name(
    certificate: dict[str, Any], name: str
) -> None:
    assert name_of(certificate) == name
