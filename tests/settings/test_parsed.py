"""The settings have their final types, cannot be changed, and name every fault at once."""

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ipam import settings
from ipam.errors import SettingsUnfit


def read(directory: Path, text: str) -> settings.Settings:
    path = directory / "ipam.conf"
    path.write_text(text)
    return settings.load([str(path)])


def test_values_have_their_final_types(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "[network]\nvni_ranges = 10:12,20:20\nnetwork_vlan_ranges = physnet1:1:2,physnet2:7:7\n"
        "[agent]\npoll_interval = 3\n[quotas]\nquota_port = 5\n",
    )
    assert isinstance(found.run_path, Path)
    assert found.network.vni_ranges == {"": [(10, 12), (20, 20)]}
    assert found.network.network_vlan_ranges == {"physnet1": [(1, 2)], "physnet2": [(7, 7)]}
    assert isinstance(found.agent.poll_interval, float)
    assert found.quotas == {
        "network": 100,
        "subnet": 100,
        "port": 5,
        "subnetpool": -1,
        "rbac_policy": 10,
        "fixed_ip": 1000,
    }


def test_the_earlier_name_of_the_vlan_ranges_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, "[network]\nvlan_ranges = physnet1:1:2\n")
    assert found.network.network_vlan_ranges == {"physnet1": [(1, 2)]}


def test_mappings_are_read_by_physical_network(tmp_path: Path) -> None:
    found = read(tmp_path, "[agent]\nphysical_interface_mappings = p:eth1,q:eth2\n")
    assert found.agent.physical_interface_mappings == {"p": "eth1", "q": "eth2"}
    assert found.agent.bridge_mappings == {}
    with pytest.raises(SettingsUnfit, match="p is mapped twice, to br-a and to br-b"):
        read(tmp_path, "[agent]\nbridge_mappings = p:br-a,p:br-b\n")


@pytest.mark.parametrize(
    "line",
    [
        "[agent]\nphysical_interface_mappings = p:eth1;q:eth2",
        "[agent]\nphysical_interface_mappings = a:b:eth1",
        "[agent]\nbridge_mappings = p:a-name-too-long-for-a-bridge",
        "[network]\nvni_ranges = 10:20-30:40",
        "[network]\nnetwork_vlan_ranges = p:1:5000:7",
    ],
)
def test_a_value_is_read_whole_or_not_at_all(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingsUnfit, match="doesn't match"):
        read(tmp_path, f"{line}\n")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1", "fe80::1", "255.255.255.255"]
)
def test_a_tunnel_ends_where_other_hosts_reach_it(tmp_path: Path, address: str) -> None:
    with pytest.raises(SettingsUnfit, match="is no address at which other hosts reach this one"):
        read(tmp_path, f"[agent]\nlocal_ip = {address}\n")
    assert read(tmp_path, "[agent]\nlocal_ip = 2001:DB8::5\n").agent.local_ip == "2001:db8::5"


def test_every_value_is_of_the_type_that_its_field_says(tmp_path: Path) -> None:
    found = read(tmp_path, "[network]\nvni_ranges = 10:12\n")
    structs: list[Any] = [found, found.database, found.api, found.network, found.agent]
    for struct in [*structs, found.worker, found.compute, found.dns]:
        for field in dataclasses.fields(struct):
            value = getattr(struct, field.name)
            kind: Any = field.type
            checked = msgspec.convert(value, kind, dec_hook=as_it_is, from_attributes=True)
            assert checked == value, field.name


def as_it_is(kind: type, value: object) -> object:
    assert isinstance(value, kind)
    return value


def test_the_settings_cannot_be_changed(tmp_path: Path) -> None:
    found = read(tmp_path, "")
    with pytest.raises(AttributeError):
        found.host = "another"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        found.api.threads = 1  # type: ignore[misc]


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsUnfit) as caught:
        read(
            tmp_path,
            "[api]\nbind_port = many\nthreads = 0\n"
            "[network]\nvni_ranges = 9:5\nnetwork_vlan_ranges = physnet1:1:5000\n",
        )
    path = tmp_path / "ipam.conf"
    assert str(caught.value).split("\n") == [
        "The settings have 4 faults:",
        f"[api] bind_port in {path}: invalid literal for int() with base 10: 'many'",
        f"[api] threads in {path}: Should be greater than or equal to 1",
        f"[network] vni_ranges in {path}: 9:5 is no range of ids of type vxlan (1 to 16777215)",
        (
            f"[network] network_vlan_ranges in {path}: 1:5000 is no range of ids of type vlan (1"
            " to 4094)"
        ),
        "`ipam config sample` explains every option.",
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsUnfit, match=r"Cannot read .*/no\.conf: no such file"):
        settings.load([str(tmp_path / "no.conf")])


def test_the_files_that_were_read_are_known(tmp_path: Path) -> None:
    assert read(tmp_path, "").config_files == (str(tmp_path / "ipam.conf"),)
