"""Subnet pools, address scopes, addresses and their history through the command line."""

from tests.cli.conftest import Ipam, parsed


def test_a_pool_is_made_used_changed_and_deleted(local: Ipam) -> None:
    scope = parsed(local("address", "scope", "create", "corp", "--share", "-f", "json"))
    made = parsed(
        local(
            *["subnet", "pool", "create", "corp", "--pool-prefix", "10.0.0.0/16", "--share"],
            *["--default-prefix-length", "24", "--default-quota", "1024", "--tag", "blue"],
            *["--address-scope", "corp", "-f", "json"],
        )
    )
    assert (made["address_scope_id"], made["default_quota"]) == (scope["id"], 1024)
    assert made["tags"] == ["blue"]
    assert local("network", "create", "demo").status == 0
    words = ["subnet", "create", "--network", "demo", "--subnet-pool", "corp"]
    assert parsed(local(*words, "-f", "json"))["cidr"] == "10.0.0.0/24"
    second = parsed(local(*words, "--prefix-length", "26", "-f", "json"))
    assert second["cidr"] == "10.0.1.0/26"
    assert local("subnet", "pool", "delete", "corp").status == 1
    words = ["--pool-prefix", "10.1.0.0/16", "--name", "main", "--default", "--no-address-scope"]
    assert local("subnet", "pool", "set", "corp", *words).status == 0
    assert local("subnet", "pool", "unset", "main", "--pool-prefix", "10.0.128.0/17").status == 0
    (listed,) = parsed(local("subnet", "pool", "list", "--default", "--long", "-f", "json"))
    assert listed["Prefixes"] == ["10.0.0.0/17", "10.1.0.0/16"]
    assert (listed["Name"], listed["Address Scope"]) == ("main", None)
    words = ["subnet", "create", "--network", "demo", "--use-default-subnet-pool", "-f", "json"]
    assert parsed(local(*words))["subnetpool_id"] == made["id"]
    assert local("network", "delete", "demo").status == 0
    assert local("subnet", "pool", "delete", "main").status == 0
    assert local("subnet", "pool", "show", "main").err == (
        "ipam: No subnet pool named 'main'. `ipam subnet pool list` shows what there is.\n"
    )


def test_a_subnet_from_an_ipv6_pool_needs_no_ip_version(local: Ipam) -> None:
    local("network", "create", "demo")
    words = ["--pool-prefix", "2001:db8::/48", "--default-prefix-length", "64"]
    assert local("subnet", "pool", "create", "v6", *words).status == 0
    made = parsed(
        local("subnet", "create", "--network", "demo", "--subnet-pool", "v6", "-f", "json")
    )
    assert (made["ip_version"], made["cidr"]) == (6, "2001:db8::/64")
    refused = local("subnet", "create", "--network", "demo")
    assert refused.status == 2
    assert "--subnet-pool" in refused.err


def test_an_address_scope_is_made_changed_listed_and_deleted(local: Ipam) -> None:
    assert local("address", "scope", "create", "six", "--ip-version", "6").status == 0
    assert local("address", "scope", "set", "six", "--name", "v6", "--share").status == 0
    (listed,) = parsed(local("address", "scope", "list", "--ip-version", "6", "-f", "json"))
    assert (listed["Name"], listed["IP Version"], listed["Shared"]) == ("v6", 6, True)
    assert parsed(local("address", "scope", "show", "v6", "-f", "json"))["id"] == listed["ID"]
    assert local("address", "scope", "delete", "v6").status == 0
    assert parsed(local("address", "scope", "list", "-f", "json")) == []


def test_history_and_addresses_say_who_has_and_had_an_address(local: Ipam) -> None:
    local("network", "create", "demo")
    local("subnet", "create", "--network", "demo", "--subnet-range", "10.0.0.0/24", "v4")
    wish = ["--network", "demo", "--fixed-ip", "ip-address=10.0.0.20"]
    port = parsed(local("port", "create", *wish, "web", "-f", "json"))
    (held,) = parsed(local("subnet", "addresses", "v4", "--limit", "1", "-f", "json"))
    assert held["IP Address"] == "10.0.0.2"
    (now,) = parsed(local("address", "history", "10.0.0.20", "--at", "0s", "-f", "json"))
    assert (now["Action"], now["Port"]) == ("allocated", port["id"])
    assert local("port", "delete", "web").status == 0
    assert parsed(local("address", "history", "10.0.0.20", "--at", "0s", "-f", "json")) == []
    words = ["address", "history", "10.0.0.20", "--network", "demo", "--since", "1h"]
    events = parsed(local(*words, "--long", "-f", "json"))
    assert [event["Action"] for event in events] == ["released", "allocated"]
    left = parsed(
        local("subnet", "addresses", "v4", "--state", "allocated", "--long", "-f", "json")
    )
    assert [one["IP Address"] for one in left] == ["10.0.0.2"]
    refused = local("address", "history", "10.0.0")
    assert refused.status == 1
    assert "not a valid IP address" in refused.err
