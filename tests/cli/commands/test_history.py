"""ipam who-had and ipam lease history."""

import json
import time

from tests.cli.conftest import Ipam


def made(local: Ipam) -> dict[str, str]:
    local("network", "create", "lan")
    local("subnet", "create", "--network", "lan", "--subnet-range", "10.0.0.0/24", "lan-v4")
    words = ("port", "create", "--network", "lan", "--fixed-ip", "ip-address=10.0.0.20", "web-1")
    port: dict[str, str] = json.loads(local(*words, "-f", "json").out)
    return port


def test_who_had_says_who_has_it_now_and_that_nobody_had_it_before(local: Ipam) -> None:
    port = made(local)
    now = local("who-had", "10.0.0.20", "--utc")
    assert now.status == 0
    assert port["id"] in now.out
    assert "web-1" in now.out
    assert " UTC" in now.out
    before = local("who-had", "10.0.0.20", "--at", "last tuesday 10:00", "--utc")
    assert (before.status, before.out) == (1, "")
    assert before.err.startswith("Nobody had 10.0.0.20 at Tue ")


def test_who_had_says_who_had_it_last(local: Ipam) -> None:
    port = made(local)
    local("port", "delete", "web-1")
    after = local("who-had", "10.0.0.20")
    assert after.status == 1
    assert f"Before, {port['mac_address']} had it, until " in after.err


def test_who_had_gives_the_api_s_values_as_json(local: Ipam) -> None:
    port = made(local)
    found = json.loads(local("who-had", "10.0.0.20", "-f", "json").out)
    assert (found["port_id"], found["until"]) == (port["id"], None)
    assert found["since"].endswith("Z")


def test_history_is_found_by_address_mac_and_port(local: Ipam) -> None:
    port = made(local)
    local("port", "delete", "web-1")
    for what in ("10.0.0.20", port["mac_address"], port["mac_address"].upper(), port["id"]):
        found = local("lease", "history", what, "-c", "Port ID", "-c", "IP Address", "-f", "value")
        assert found.out == f"{port['id']} 10.0.0.20\n", what
    assert local("lease", "history", "nobody-here").err == "No address holders.\n"
    assert local("lease", "history", "10.0.0.20", "--since", "1h", "--until", "2h").out == ""


def test_a_time_that_is_none_is_refused_with_the_forms_that_are(local: Ipam) -> None:
    refused = local("who-had", "10.0.0.20", "--at", "noon")
    assert refused.status == 2
    assert "'noon' is no point in time: write 2h or 7d (ago)" in refused.err


def test_times_are_local_unless_they_say_otherwise(local: Ipam) -> None:
    made(local)
    assert time.tzname[0] in local("lease", "history", "10.0.0.20").out
    assert " UTC" in local("lease", "history", "10.0.0.20", "--utc").out
