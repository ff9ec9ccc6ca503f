"""`ipam port create --from-file`: all or nothing, once, with the place of each fault."""

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.conftest import Ipam, Outcome

CSV = """\
\ufeffName;MAC;IP;Hostname;Tags
web-1;52:54:00:00:00:01;10.0.0.20;web-1;a b
web-2;52:54:00:00:00:02;;web-2;

web-3;;10.0.0.22;;
"""


@pytest.fixture
def demo(local: Ipam) -> Ipam:
    local("network", "create", "demo")
    local("subnet", "create", "--network", "demo", "--subnet-range", "10.0.0.0/24", "v4")
    return local


def create(demo: Ipam, content: str, *words: str, name: str = "machines.csv") -> Outcome:
    Path(name).write_text(content)
    return demo("port", "create", "--network", "demo", "--from-file", name, *words)


def ports(demo: Ipam) -> dict[str, Any]:
    found = json.loads(demo("port", "list", "-f", "json", "--network", "demo").out)
    return {one["Name"]: one for one in found if one["Name"]}


def test_a_list_in_csv_is_made_once(demo: Ipam) -> None:
    made = create(demo, CSV)
    assert (made.status, made.err) == (0, "3 created, 0 there before, 0 refused.\n")
    assert "web-1" in made.out
    found = ports(demo)
    assert found["web-1"]["MAC Address"] == "52:54:00:00:00:01"
    assert found["web-3"]["Fixed IP Addresses"][0]["ip_address"] == "10.0.0.22"
    shown = json.loads(demo("port", "show", "web-1", "-f", "json").out)
    assert (shown["dns_name"], shown["tags"]) == ("web-1", ["a", "b"])
    again = create(demo, CSV)
    assert (again.status, again.out) == (0, "")
    assert again.err == "0 created, 3 there before, 0 refused.\n"


def test_a_mac_address_may_be_written_otherwise_than_the_api_has_it(demo: Ipam) -> None:
    shouted = CSV.replace("52:54:00:00:00:01", "52-54-00-00-00-AB")
    assert create(demo, shouted).err == "3 created, 0 there before, 0 refused.\n"
    assert create(demo, shouted).err == "0 created, 3 there before, 0 refused.\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '[{"name": "web-1", "addresses": ["10.0.0.20"]}]'),
        ("a.json", '{"ports": [{"name": "web-1", "addresses": ["10.0.0.20"]}]}'),
        ("a.yaml", "- {name: web-1, addresses: [10.0.0.20]}"),
        ("a.yml", "ports:\n- name: web-1\n  ip_address: [10.0.0.20]\n"),
        ("a.csv", "name,network,ip address\nweb-1,demo,10.0.0.20\n"),
        ("a.csv", "name\tip_address\nweb-1\t10.0.0.20\n"),
    ],
)
def test_other_forms_say_the_same(demo: Ipam, name: str, content: str) -> None:
    made = create(demo, content, name=name)
    assert made.status == 0, made.err
    assert ports(demo)["web-1"]["Fixed IP Addresses"][0]["ip_address"] == "10.0.0.20"


def test_a_list_comes_from_standard_input(demo: Ipam, monkeypatch: pytest.MonkeyPatch) -> None:
    source = SimpleNamespace(buffer=io.BytesIO(CSV.encode()), isatty=lambda: False)
    monkeypatch.setattr("sys.stdin", source)
    assert demo("port", "create", "--network", "demo", "--from-file", "-").status == 0
    assert len(ports(demo)) == 3


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("web-9;52:54:00:00:00:01;;;", "52:54:00:00:00:01 is at machines.csv:2, too"),
        (";;10.0.0.9;;", "neither a mac_address nor a name"),
        ("web-9;nonsense;;;", "nonsense"),
        ("web-9;;10.0.0.20;;", "10.0.0.20"),
        ("web-9;;;a b;", "a b"),
    ],
)
def test_one_fault_and_none_is_made_or_all_others_are(demo: Ipam, row: str, said: str) -> None:
    refused = create(demo, f"{CSV}{row}\n")
    assert refused.status == 1
    assert said in refused.err
    assert ports(demo) == {}
    some = create(demo, f"{CSV}{row}\n", "--keep-going")
    assert some.status == 1
    assert "machines.csv:6" in some.err
    assert some.err.endswith("3 created, 0 there before, 1 refused.\n")
    assert len(ports(demo)) == 3


def test_what_is_there_and_differs_is_told_and_kept(demo: Ipam) -> None:
    create(demo, CSV)
    refused = create(demo, CSV.replace("10.0.0.20", "10.0.0.99"))
    assert refused.status == 1
    assert "52:54:00:00:00:01 is there with another addresses" in refused.err
    assert ports(demo)["web-1"]["Fixed IP Addresses"][0]["ip_address"] == "10.0.0.20"


def test_an_address_that_a_machine_makes_by_itself_is_no_difference(demo: Ipam) -> None:
    six = ("--subnet-range", "2001:db8::/64", "--ip-version", "6", "--ipv6-address-mode", "slaac")
    demo("subnet", "create", "--network", "demo", *six, "--ipv6-ra-mode", "slaac", "v6")
    create(demo, CSV)
    assert len(ports(demo)["web-1"]["Fixed IP Addresses"]) == 2
    again = create(demo, CSV)
    assert (again.status, again.err) == (0, "0 created, 3 there before, 0 refused.\n")
    assert "another addresses" in create(demo, CSV.replace("10.0.0.20", "10.0.0.99")).err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name,colour\nweb-1,red\n", "there is no field colour"),
        ("name,network\nweb-1,nowhere\n", "No network named 'nowhere'"),
        ("name\nweb-1,2,3\n", "more cells"),
    ],
)
def test_a_list_that_is_not_understood_names_the_line(demo: Ipam, content: str, said: str) -> None:
    refused = create(demo, content)
    assert refused.status == 1
    assert said in refused.err
    assert "machines.csv:2" in refused.err


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", "{"), ("a.json", "3"), ("a.yaml", "a: ["), ("a.yaml", "- 1")]
)
def test_what_is_no_list_is_refused_in_a_sentence(demo: Ipam, name: str, content: str) -> None:
    refused = create(demo, content, name=name)
    assert (refused.status, refused.out) == (1, "")
    assert name in refused.err


def test_a_name_beside_a_list_or_an_unknown_format_is_a_usage_error(demo: Ipam) -> None:
    assert create(demo, CSV, "web-1").status == 2
    assert create(demo, CSV, "--dns-name", "x").status == 2
    assert create(demo, CSV, name="machines").status == 2
    assert demo("port", "create", "web-1").status == 2
