"""Lists as people see them: names for ids, cut to the terminal, sorted, watched."""

import subprocess
import time

import pytest

from ipam.cli.reference import commands
from ipam.client import Client
from tests.cli.conftest import Ipam, Outcome, parsed
from tests.servers.live_api import LiveApi


@pytest.fixture
def demo(local: Ipam) -> Ipam:
    """A network `demo` with the subnet 10.0.0.0/24, and two ports, of which one has no name."""
    for words in (
        "network create demo",
        "subnet create --network demo --subnet-range 10.0.0.0/24 demo-v4",
        "port create --network demo web-1 --fixed-ip ip-address=10.0.0.20 --host node-1",
        "port create --network demo --fixed-ip ip-address=10.0.0.9 --host node-2",
    ):
        assert local(*words.split()).status == 0
    return local


def rows(outcome: Outcome) -> list[list[str]]:
    assert outcome.status == 0, outcome.err
    lines = [line for line in outcome.out.split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_table_has_names_where_the_api_has_ids(demo: Ipam) -> None:
    assert rows(demo("network", "list"))[1][:2] == ["demo", "10.0.0.0/24"]
    assert rows(demo("subnet", "list")) == [
        ["Name", "Network", "Subnet", "Gateway", "DHCP"],
        ["demo-v4", "demo", "10.0.0.0/24", "10.0.0.1", "True"],
    ]
    assert rows(demo("port", "list", "-c", "Network", "-c", "Name"))[2] == ["demo", "web-1"]
    assert rows(demo("subnet", "addresses", "demo-v4"))[3][4] == "web-1"


def test_what_has_no_name_is_shown_by_its_id(demo: Ipam) -> None:
    unnamed = parsed(demo("port", "list", "--host", "node-2", "-f", "json"))[0]["ID"]
    assert rows(demo("port", "list", "--host", "node-2"))[1][0] == unnamed


def test_long_and_other_formats_keep_ids(demo: Ipam) -> None:
    network_id = parsed(demo("network", "show", "demo", "-f", "json"))["id"]
    assert network_id in demo("subnet", "list", "--long").out
    for output_format in ("json", "yaml", "csv", "value", "shell"):
        assert network_id in demo("subnet", "list", "-f", output_format).out, output_format
    assert list(parsed(demo("subnet", "list", "-f", "json"))[0]) == [
        "ID",
        "Name",
        "Network",
        "Subnet",
    ]


def test_the_object_of_an_rbac_policy_is_named(demo: Ipam) -> None:
    words = ["--type", "network", "--action", "access_as_shared", "--target-project", "p", "demo"]
    assert demo("network", "rbac", "create", *words).status == 0
    table = rows(demo("network", "rbac", "list"))
    assert table[0][1:3] == ["Object Type", "Object"]
    assert table[1][1:3] == ["network", "demo"]


LISTS = [words for words, _, _ in commands() if words.endswith(" list") and "user" not in words]


def test_every_list_fits_80_columns(demo: Ipam, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert len(LISTS) > 10
    for words in LISTS:
        shown = demo(*words.split()[1:], "--fit-width")
        assert shown.status == 0, shown.err
        assert max(map(len, shown.out.split("\n"))) <= 80, words


def test_the_width_is_set_by_options(demo: Ipam) -> None:
    long_one = demo("port", "list", "--long")
    widest = max(map(len, long_one.out.split("\n")))
    cut = demo("port", "list", "--long", "--max-width", "100")
    assert max(map(len, cut.out.split("\n"))) < widest
    assert demo("port", "list", "--long", "--max-width", "0", "--fit-width").out == long_one.out
    assert demo("port", "list", "--long", "--no-fit-width").out == long_one.out
    record = demo("port", "show", "web-1", "--max-width", "50")
    assert max(map(len, record.out.split("\n"))) <= 50


def test_a_list_is_sorted_by_any_column_that_it_shows(demo: Ipam) -> None:
    by_address = ["port", "list", "--sort-column", "fixed_ip_addresses", "-c", "Host"]
    assert rows(demo(*by_address))[2:] == [["node-2"], ["node-1"]]
    assert rows(demo(*by_address, "--limit", "2"))[2:] == [["node-2"]]
    assert rows(demo("port", "list", "--sort-column", "host:desc", "-c", "Host"))[1] == ["node-2"]
    demo("network", "create", "a-first")
    demo("port", "create", "--network", "a-first", "last")
    by_network = demo("port", "list", "--sort-column", "network", "-c", "name")
    assert rows(by_network)[1] == ["last"]
    first = demo("port", "list", "--sort-column", "network", "-c", "name", "--limit", "1")
    assert rows(first)[1:] == [["last"]]


def test_instants_are_relative_in_a_table_and_exact_elsewhere(demo: Ipam) -> None:
    history = ["address", "history", "10.0.0.20"]
    assert rows(demo(*history))[1][0].endswith(" s ago")
    assert parsed(demo(*history, "-f", "json"))[0]["Time"].startswith("20")
    assert rows(demo(*history, "--long"))[1][0].startswith("20")


def test_a_subnet_is_found_by_its_cidr(demo: Ipam) -> None:
    assert parsed(demo("subnet", "show", "10.0.0.0/24", "-f", "json"))["name"] == "demo-v4"
    assert demo("subnet", "show", "10.0.1.0/24").status == 1


def test_a_watched_list_is_printed_again_when_it_changes(
    api: LiveApi, demo: Ipam, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []

    def sleep(_seconds: float) -> None:
        rounds.append(len(rounds))
        if len(rounds) == 2:
            with Client(socket_path=api.socket) as client:
                client.post("/v2.0/networks", json={"network": {"name": "new-one"}})
        if len(rounds) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    watched = demo("network", "list", "--watch", "-f", "value", "-c", "Name")
    assert (watched.status, watched.err) == (0, "")
    assert watched.out == "demo\ndemo\nnew-one\n"


def test_a_shell_reads_a_record_and_a_list_back(demo: Ipam) -> None:
    hostile = 'it\'s $(touch broken) "x"; `id`'
    assert demo("port", "set", "web-1", "--name", hostile).status == 0
    record = demo("port", "list", "--host", "node-1", "-f", "shell", "-c", "Name", "-c", "Host")
    port_id = parsed(demo("port", "list", "--host", "node-1", "-f", "json"))[0]["ID"]
    shown = demo("port", "show", port_id, "-f", "shell")
    for text in (record.out, shown.out):
        done = subprocess.run(
            ["sh", "-euc", f'{text}\nprintf %s "$name"'],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == hostile
    assert "binding_host_id=node-1" in shown.out
