"""What the cases do not show: single rules of each format."""

import json
from typing import Any

import pytest

from ipam.imports.estate import Estate, Wishes
from ipam.imports.files import gathered
from ipam.imports.plan import Existing, plan
from ipam.imports.reading import read

NOW = 1_795_800_000


def understood(prefixes: tuple[str, ...] = (), **texts: str) -> Estate:
    """The estate of files, whose names have `_` for their dot."""
    raw = {name.replace("_", "."): text.encode() for name, text in texts.items()}
    return read(gathered(raw), Wishes(NOW, prefixes))


def codes(estate: Estate) -> set[str]:
    return {one.code for one in estate.problems}


def test_a_lease_line_is_read_from_both_ends() -> None:
    estate = understood(
        dnsmasq_leases=f"{NOW + 9} 52:54:00:00:00:01 192.0.2.5 a b c 01:02\n"
        f"{NOW + 9} 00- 192.0.2.6 * *\nagent-info 192.0.2.5 01\nduid 00:01\n"
        f"{NOW + 9} T77 2001:db8::5 v6 00:03\n"
    )
    first, second, third = estate.leases
    assert (first.client_id, first.hostname) == ("01:02", None)
    assert (second.mac, third.iaid, third.duid) == (None, "77", "00:03")
    assert {"hostname_not_legal", "no_mac"} <= codes(estate)
    assert estate.server_duid == "00:01"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("52:54:00:aa:00:01,id:*,192.0.2.5,web,12h", {"lease_seconds": 43_200, "hostname": "web"}),
        ("01-52:54:00:aa:00:01,192.0.2.5", {"macs": ["52:54:00:aa:00:01"]}),
        ("06-52:54:00:aa:00:01,192.0.2.5", {"macs": []}),
        ("52:54:00:*:*:*,192.0.2.5", {"macs": []}),
        ("id:rack7,192.0.2.5", {"client_id": "72:61:63:6b:37"}),
        ("id:01:02,192.0.2.5", {"client_id": "01:02"}),
        ("web,192.0.2.5", {"by_name": True, "macs": []}),
        ("52:54:00:aa:00:01,192.0.2.5,infinite", {"lease_seconds": "infinite"}),
        ('52:54:00:aa:00:01,192.0.2.5,"web"', {"hostname": "web"}),
    ],
)
def test_each_field_of_a_dhcp_host_is_understood(line: str, expected: dict[str, Any]) -> None:
    (one,) = understood(hosts=line + "\n").reservations
    assert {name: getattr(one, name) for name in expected} == expected
    assert one.addresses == ["192.0.2.5"]


def test_a_range_without_a_mask_waits_for_its_prefix() -> None:
    text = "dhcp-range=192.0.2.10,192.0.2.20,1h\n"
    assert "mask_unknown" in codes(understood(dnsmasq_conf=text))
    (subnet,) = understood(("192.0.2.0/24",), dnsmasq_conf=text).subnets
    assert (subnet.cidr, subnet.lease_seconds) == ("192.0.2.0/24", 3600)


def test_strangers_that_are_ignored_get_no_range() -> None:
    text = "dhcp-range=192.0.2.10,192.0.2.20,255.255.255.0\ndhcp-ignore=tag:!known\n"
    (subnet,) = understood(dnsmasq_conf=text).subnets
    assert subnet.pools == []


def test_inner_scopes_of_dhcpd_inherit_and_groups_do_not_leak() -> None:
    estate = understood(
        dhcpd_conf="default-lease-time 600; option domain-name-servers 192.0.2.53;\n"
        "shared-network floor { option routers 192.0.2.1;\n"
        ' subnet 192.0.2.0 netmask 255.255.255.0 { range 192.0.2.9; pool { allow members of "a";'
        " range 192.0.2.20 192.0.2.29; } pool { deny unknown-clients; range 192.0.2.40; } }\n"
        " subnet 198.51.100.0 netmask 255.255.255.0 { } }\n"
        "group { option routers 192.0.2.7; use-host-decl-names on;\n"
        " host web { hardware ethernet 8:0:20:1:2:3; fixed-address 192.0.2.5; } }\n"
    )
    first, second = estate.subnets
    assert (first.gateway, first.lease_seconds, first.dns) == ("192.0.2.1", 600, ["192.0.2.53"])
    assert first.pools == [("192.0.2.9", "192.0.2.9"), ("192.0.2.20", "192.0.2.29")]
    assert (second.network, second.dhcp) == ("floor", False)
    (web,) = estate.reservations
    assert (web.macs, web.hostname) == (["08:00:20:01:02:03"], "web")
    assert {"pool_by_class", "strangers_ignored", "option_of_host"} <= codes(estate)


def test_the_last_row_of_a_memfile_counts_and_columns_go_by_their_names() -> None:
    head = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname"
    row = f"192.0.2.5,52:54:00:00:00:01,,4000,{NOW + 9},1,0,0,web.example.,"
    estate = understood(
        kea_csv=f"{head},state\n{row}0\n192.0.2.6,52:54:00:00:00:02,,0,1,1,0,0,,0\n"
        f"192.0.2.7,,,4000,{NOW + 9},1,0,0,,1\n192.0.2.8,52:5"
    )
    (one,) = estate.leases
    assert (one.address, one.hostname, one.expires) == ("192.0.2.5", "web", NOW + 9)
    assert [held.address for held in estate.held] == ["192.0.2.7"]
    assert "truncated_record" in codes(estate)


def test_incus_says_once_what_instances_and_dnsmasq_say() -> None:
    estate = understood(
        net_yaml="name: incusbr0\ntype: bridge\nconfig:\n  ipv4.address: 192.0.2.1/24\n",
        list_yaml="- name: c1\n  config:\n    volatile.eth0.hwaddr: 00:16:3e:00:00:01\n"
        "  expanded_devices:\n    eth0: {type: nic, network: incusbr0, ipv4.address: 192.0.2.9}\n",
        c1_eth0="00:16:3e:00:00:01,192.0.2.9,c1\n",
        dnsmasq_leases=f"{NOW + 9} 00:16:3e:00:00:02 192.0.2.7 c2 *\n",
    )
    (subnet,) = estate.subnets
    assert subnet.pools == [("192.0.2.2", "192.0.2.254")]
    assert [one.addresses for one in estate.reservations] == [["192.0.2.9"]]
    assert [one.address for one in estate.leases] == ["192.0.2.7"]


def test_neutrons_ids_are_kept_and_its_own_ports_are_held() -> None:
    own = "11111111-1111-4111-8111-11111111111"
    estate = understood(
        dump_json=f'{{"networks": [{{"id": "{own}1", "name": "lan", "mtu": 1450}}],'
        f'"subnets": [{{"id": "{own}2", "network_id": "{own}1", "cidr": "192.0.2.0/24",'
        '"enable_dhcp": true, "allocation_pools": [{"start": "192.0.2.2", "end": "192.0.2.9"}]}],'
        f'"ports": [{{"id": "{own}3", "network_id": "{own}1", "device_owner": "compute:nova",'
        '"mac_address": "fa:16:3e:00:00:01", "fixed_ips": [{"ip_address": "192.0.2.5"}]},'
        f'{{"id": "{own}4", "network_id": "{own}1", "device_owner": "network:dhcp",'
        '"fixed_ips": [{"ip_address": "192.0.2.2"}]}]}'
    )
    made = plan(estate, Existing())
    assert [one["id"] for one in (*made.networks, *made.subnets, *made.ports)] == [
        *(f"{own}1", f"{own}2", f"{own}3")
    ]
    assert made.subnets[0]["server_address"] == "192.0.2.2"
    assert [held.address for held in estate.held] == ["192.0.2.2"]


@pytest.mark.parametrize(("kind", "is_had"), [("vxlan", True), ("vlan", True), ("geneve", False)])
def test_neutrons_networks_keep_their_places_where_hosts_here_have_such(
    kind: str, is_had: bool
) -> None:
    estate = understood(
        dump_json='{"networks": [{"id": "11111111-1111-4111-8111-111111111111", "name": "lan",'
        f'"provider:network_type": "{kind}", "provider:segmentation_id": 70}}]}}'
    )
    (found,) = estate.networks
    place = {"provider:network_type": kind, "provider:segmentation_id": 70} if is_had else {}
    assert {k: v for k, v in found.attributes.items() if k.startswith("provider:")} == place
    assert ("tunnel_network" in codes(estate)) is not is_had


def test_a_table_is_known_by_its_headings_whatever_parts_its_cells() -> None:
    estate = understood(
        ("192.0.2.0/24",),
        list_csv="Section;IP Address;Hostname;Subnet;MAC;Tag\r\n"
        "Home;192.0.2.5;web.lab;192.0.2.0/24;5254.00aa.0001;Used\r\n"
        "Home;192.0.2.6;;192.0.2.0/24;5254E0;Reserved\r\nHome;192.0.2.7;;;;DHCP\r\n",
    )
    assert estate.format == "phpipam"
    assert [one.macs for one in estate.reservations] == [["52:54:00:aa:00:01"], []]
    assert "mac_destroyed" in codes(estate)


def test_a_second_address_of_a_mac_is_held_and_a_foreign_owner_is_left_alone() -> None:
    estate = understood(
        dnsmasq_conf="dhcp-range=192.0.2.9,static,255.255.255.0\n"
        "dhcp-host=52:54:00:00:00:01,192.0.2.5\ndhcp-host=52:54:00:00:00:02,192.0.2.6\n",
        dnsmasq_leases=f"{NOW + 9} 52:54:00:00:00:01 192.0.2.7 * *\n",
    )
    ports = [
        {
            "id": "p",
            "network_id": "n",
            "mac_address": "52:54:00:00:00:99",
            "fixed_ips": [{"ip_address": "192.0.2.6"}],
        }
    ]
    subnets = [{"network_id": "n", "cidr": "192.0.2.0/24", "gateway_ip": None}]
    made = plan(estate, Existing([{"id": "n", "name": "lan"}], subnets, ports), "n")
    found = {(row.action, row.subject) for row in made.rows}
    assert ("leave out", "192.0.2.6") in found
    assert ("take", "52:54:00:00:00:01") in found
    owned = {one["body"]["fixed_ips"][0]["ip_address"] for one in made.ports}
    assert "192.0.2.6" not in owned


def subnet_body(estate: Estate) -> Any:
    (subnet,) = plan(estate, Existing()).subnets
    return subnet["body"]


RANGE = "dhcp-range=192.0.2.9,192.0.2.20,255.255.255.0,90m\n"
ARCHITECTURES = (
    "dhcp-match=set:x64,option:client-arch,7\ndhcp-match=set:bios,93,0\n"
    "dhcp-vendorclass=set:arm,PXEClient:Arch:00011\ndhcp-match=set:loaded,175\n"
)


def test_a_subnet_keeps_the_options_and_the_lease_time_that_are_certain() -> None:
    text = RANGE + 'dhcp-option=42,192.0.2.7\ndhcp-option=252,"http://x/wpad"\n'
    body = subnet_body(
        understood(dnsmasq_conf=text + "dhcp-option=26,1400\ndhcp-option=vendor:x,1")
    )
    assert body["lease_time"] == 5400
    assert body["dhcp_options"] == [
        {"opt_name": "ntp-server", "opt_value": "192.0.2.7"},
        {"opt_name": "252", "opt_value": "http://x/wpad"},
    ]


@pytest.mark.parametrize(("seconds", "kept"), [("infinite", -1), ("2m", 120), ("86400", 86400)])
def test_a_lease_time_is_kept_or_forever(seconds: str, kept: int) -> None:
    text = f"dhcp-range=192.0.2.9,192.0.2.20,255.255.255.0,{seconds}\n"
    assert subnet_body(understood(dnsmasq_conf=text))["lease_time"] == kept


def test_more_options_than_an_answer_holds_are_not_taken() -> None:
    many = "".join(f'dhcp-option={n},"{"x" * 200}"\n' for n in range(224, 230))
    estate = understood(dnsmasq_conf=RANGE + many)
    assert len(subnet_body(estate)["dhcp_options"]) == 5
    assert "option_not_taken" in codes(estate)


def test_what_another_server_has_declared_elsewhere_is_taken_as_text_alone() -> None:
    estate = understood(
        dhcpd_conf="option a code 224 = unsigned integer 32; option b code 225 = text;\n"
        "subnet 192.0.2.0 netmask 255.255.255.0 { range 192.0.2.9; option a 7;\n"
        ' option b "seven"; option ntp-servers 192.0.2.7;\n'
        ' next-server 192.0.2.8; filename "pxelinux.0"; }\n'
    )
    assert subnet_body(estate)["dhcp_options"] == [
        {"opt_name": "225", "opt_value": "seven"},
        {"opt_name": "ntp-server", "opt_value": "192.0.2.7"},
        {"opt_name": "server-ip-address", "opt_value": "192.0.2.8"},
        {"opt_name": "bootfile-name", "opt_value": "pxelinux.0"},
    ]
    assert "option_not_taken" in codes(estate)


def test_keas_boot_members_are_options_and_those_of_classes_are_reported() -> None:
    estate = understood(
        kea_conf='{"Dhcp4": {"next-server": "192.0.2.8", "client-classes": [{"name": "efi",'
        ' "boot-file-name": "shim.efi"}], "subnet4": [{"id": 1, "subnet": "192.0.2.0/24",'
        ' "boot-file-name": "pxelinux.0", "server-hostname": ""},'
        ' {"id": 2, "subnet": "198.51.100.0/24", "next-server": "0.0.0.0"}]}}'
    )
    first, second = estate.subnets
    assert first.options == [("server-ip-address", "192.0.2.8"), ("bootfile-name", "pxelinux.0")]
    assert second.options == [("server-ip-address", "192.0.2.8")]
    assert "boot_not_taken" in codes(estate)


@pytest.mark.parametrize(
    ("lines", "options"),
    [
        ("dhcp-boot=pxelinux.0,boot,192.0.2.8\n", {"bootfile-name", "server-ip-address"}),
        ("dhcp-boot=pxelinux.0\n", set()),
        ("dhcp-boot=pxelinux.0,,192.0.2.8\ndhcp-option=67,x\n", {"bootfile-name"}),
    ],
)
def test_one_file_for_all_is_taken_if_its_server_is_said(lines: str, options: set[str]) -> None:
    estate = understood(dnsmasq_conf=RANGE + lines)
    (subnet,) = estate.subnets
    assert {name for name, _ in subnet.options} == options
    assert ("boot_not_taken" in codes(estate)) is (len(options) < 2)


def test_files_by_architecture_become_boot_settings() -> None:
    lines = (
        "dhcp-boot=undionly.kpxe,,192.0.2.8\ndhcp-boot=tag:x64,ipxe.efi,,192.0.2.8\n"
        "dhcp-boot=tag:loaded,http://x/boot.ipxe\n"
    )
    body = subnet_body(understood(dnsmasq_conf=RANGE + ARCHITECTURES + lines))
    assert "dhcp_options" not in body
    assert body["dhcp_boot"] == {
        "tftp_server": "192.0.2.8",
        "bios": "undionly.kpxe",
        "uefi_ia32": "undionly.kpxe",
        "uefi_x64": "ipxe.efi",
        "uefi_arm32": "undionly.kpxe",
        "uefi_arm64": "undionly.kpxe",
        "uefi_riscv64": "undionly.kpxe",
        "ipxe_script": "http://x/boot.ipxe",
    }
    bare = "dhcp-boot=tag:arm,a.efi,,192.0.2.8\ndhcp-boot=tag:bios,tag:!loaded,b,,192.0.2.8\n"
    body = subnet_body(understood(dnsmasq_conf=RANGE + ARCHITECTURES + bare))
    assert body["dhcp_boot"] == {
        "tftp_server": "192.0.2.8",
        "bios": "b",
        "uefi_arm64": "a.efi",
    }


def test_libvirts_boot_file_is_taken_with_its_server() -> None:
    def network(server: str) -> Estate:
        dhcp = (
            f"<dhcp><range start='192.0.2.9' end='192.0.2.20'/><bootp file='a' {server}/></dhcp>"
        )
        ip = f"<ip address='192.0.2.1' netmask='255.255.255.0'>{dhcp}</ip>"
        return understood(net_xml=f"<network><name>lab</name>{ip}</network>")

    (subnet,) = network("server='192.0.2.8'").subnets
    assert subnet.options == [("bootfile-name", "a"), ("server-ip-address", "192.0.2.8")]
    assert "boot_not_taken" in codes(network(""))


def test_addresses_that_no_machine_can_have_keep_nothing_else_out() -> None:
    kea = {"subnet": "192.0.2.0/24", "id": 1, "pools": [{"pool": "192.0.2.0/25"}]}
    six = {"subnet": "2001:db8::/64", "id": 2, "pools": [{"pool": "2001:db8::/80"}]}
    conf = {"Dhcp4": {"subnet4": [kea]}, "Dhcp6": {"subnet6": [six]}}
    made = plan(understood(kea_conf=json.dumps(conf)), Existing())
    pools = [one["body"]["allocation_pools"] for one in made.subnets]
    assert pools == [
        [{"start": "192.0.2.1", "end": "192.0.2.127"}],
        [{"start": "2001:db8::1", "end": "2001:db8::ffff:ffff:ffff"}],
    ]
    assert [row.subject for row in made.rows if row.kind == "allocation pools"] == [
        "192.0.2.0-192.0.2.127",
        "2001:db8::-2001:db8::ffff:ffff:ffff",
    ]
    text = "address,mac\n192.0.2.0,52:54:00:00:00:01\n192.0.2.255,\n192.0.2.7,52:54:00:00:00:02\n"
    subnets = [{"network_id": "n", "cidr": "192.0.2.0/24", "gateway_ip": None}]
    made = plan(understood(a_csv=text), Existing([{"id": "n", "name": "lan"}], subnets, []))
    assert [one["body"]["fixed_ips"] for one in made.ports] == [[{"ip_address": "192.0.2.7"}]]
    left = {row.subject: row.reason for row in made.rows if row.action == "leave out"}
    assert left.keys() == {"192.0.2.0", "192.0.2.255"}
    assert "from 192.0.2.1 to 192.0.2.254" in left["192.0.2.0"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_files_of_other_systems_are_read(encoding: str) -> None:
    text = "# Büro\r\ndhcp-range=192.0.2.9,192.0.2.20,255.255.255.0\r\n"
    files = gathered({"dnsmasq.conf": text.encode(encoding)})
    assert read(files, Wishes(NOW)).subnets[0].pools == [("192.0.2.9", "192.0.2.20")]
    assert bool(files.notes) == (encoding in {"utf-16-le", "utf-16-be", "latin-1"})
