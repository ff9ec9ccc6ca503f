"""The zones of [dns] are read into their types, and each fault is named."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from ipam import settings
from ipam.errors import SettingsUnfit


def read(directory: Path, zones: str) -> settings.Settings:
    path = directory / "ipam.conf"
    path.write_text(f"[dns]\nzones = {zones}\n")
    return settings.load([str(path)])


def test_a_zone_has_a_server_and_may_have_a_port_a_key_and_a_prefix(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "lab.example 192.0.2.53, Other.Example. [2001:db8::53]:5353 /etc/ipam/other.key,\n"
        " 64-127.2.0.192.in-addr.arpa 192.0.2.53:54 192.0.2.64/26",
    ).dns
    assert [(one.zone.name, one.called) for one in found.zones] == [
        ("lab.example", "192.0.2.53"),
        ("other.example", "[2001:db8::53]:5353"),
        ("64-127.2.0.192.in-addr.arpa", "192.0.2.53:54"),
    ]
    assert [one.key_file for one in found.zones] == [None, Path("/etc/ipam/other.key"), None]
    assert found.known[2].name_of(ip_address("192.0.2.65")) == "65.64-127.2.0.192.in-addr.arpa"
    assert found.key_file is None


@pytest.mark.parametrize(
    ("zones", "part"),
    [
        ("lab.example", "lab.example has no server"),
        ("lab.example ns.example", "does not appear to be an IPv4 or IPv6 address"),
        ("lab.example 192.0.2.53:99999", "99999 is no port"),
        ("lab.example 192.0.2.53 other", "neither the path of a key nor a prefix"),
        ("lab.example 192.0.2.1, lab.example. 192.0.2.2", "lab.example is there twice"),
        ("0-63.2.0.192.in-addr.arpa 192.0.2.1", "needs its prefix"),
        ("0-63.2.0.192.in-addr.arpa 192.0.2.1 192.0.2.1/26", "has host bits set"),
    ],
)
def test_what_is_wrong_with_a_zone_is_said(tmp_path: Path, zones: str, part: str) -> None:
    with pytest.raises(SettingsUnfit) as caught:
        read(tmp_path, zones)
    assert f"[dns] zones in {tmp_path}/ipam.conf: " in str(caught.value)
    assert part in str(caught.value)
