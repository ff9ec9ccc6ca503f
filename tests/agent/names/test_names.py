"""Names on disk and in the files of dnsmasq, as they come, change and go."""

import itertools
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ipam.agent.names.book import BUCKETS, NameBook, bucket_of, claims_of
from ipam.agent.names.names import Names
from ipam.agent.names.parts import MOST_OF_A_FILE, Part, part_named, part_of, parts_for
from ipam.protocol.dns_names import NamedPort
from ipam.rules.dns_answers import answers

NETWORK, OTHER = (f"{number}1111111-1111-4111-8111-111111111111" for number in (1, 2))


def port(number: int, name: str = "", *addresses: str, network: str = NETWORK) -> NamedPort:
    port_id = f"{number:08x}-bbbb-4000-8000-000000000000"
    return NamedPort(port_id, network, name, list(addresses or (f"10.0.0.{number}",)))


class Resolver:
    """The files of one network, as dnsmasq would have read them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()

    def answers(self) -> dict[str, set[str]]:
        """The addresses by name."""
        found: dict[str, set[str]] = {}
        for path in self.directory.iterdir():
            for line in path.read_text().splitlines():
                address, *names = line.split()
                for name in names:
                    found.setdefault(name, set()).add(address)
        return found

    def lines(self) -> list[str]:
        """All lines, file by file."""
        return [
            line for path in self.directory.iterdir() for line in path.read_text().splitlines()
        ]

    def stamps(self) -> dict[Path, tuple[int, int]]:
        """When each file was written, and its size: two writes may be of one tick of the clock."""
        found = {one: one.stat() for one in self.directory.iterdir()}
        return {path: (one.st_mtime_ns, one.st_size) for path, one in found.items()}


@pytest.fixture
def resolver(tmp_path: Path) -> Resolver:
    return Resolver(tmp_path / "read")


@pytest.fixture
def names(tmp_path: Path, resolver: Resolver) -> Iterator[Names]:
    made = Names(NameBook(tmp_path / "names.db"))
    made.know_domain(NETWORK, "lab.example.")
    made.open(NETWORK, resolver.directory)
    yield made
    made.close()


def test_a_name_comes_changes_and_goes(names: Names, resolver: Resolver) -> None:
    assert names.change([port(5, "web"), port(6)])
    assert resolver.answers() == {
        "web": {"10.0.0.5"},
        "web.lab.example": {"10.0.0.5"},
        "host-10-0-0-6": {"10.0.0.6"},
        "host-10-0-0-6.lab.example": {"10.0.0.6"},
    }
    names.change([port(5, "db", "10.0.0.5", "fd00::5")])
    assert resolver.answers()["db"] == {"10.0.0.5", "fd00::5"}
    assert "web" not in resolver.answers()
    names.change([NamedPort(port(5).port_id, NETWORK), port(6, "db")])
    assert resolver.answers() == {"db": {"10.0.0.6"}, "db.lab.example": {"10.0.0.6"}}


def test_what_a_machine_calls_itself_stands_beside_its_ports_name_until_somebody_has_it(
    names: Names, resolver: Resolver
) -> None:
    web = structs.replace(port(5, "web"), own_name="laptop")
    names.change([web])
    assert resolver.lines() == ["10.0.0.5 web.lab.example web laptop.lab.example laptop"]
    for claim in ("laptop", "laptop.lab.example."):
        names.change([port(6, claim)])
        assert sorted(resolver.lines()) == [
            "10.0.0.5 web.lab.example web",
            "10.0.0.6 laptop.lab.example laptop",
        ]
        names.change([NamedPort(port(6).port_id, NETWORK)])
        assert resolver.answers()["laptop"] == {"10.0.0.5"}
    names.change([structs.replace(web, own_name="desktop")])
    assert resolver.lines() == ["10.0.0.5 web.lab.example web desktop.lab.example desktop"]
    names.change([port(5, "web")])
    assert resolver.lines() == ["10.0.0.5 web.lab.example web"]


def test_no_file_is_ever_deleted(names: Names, resolver: Resolver) -> None:
    """dnsmasq would look for one that was written and deleted, and complain."""
    names.change([port(5, "web")])
    files = {one.name for one in resolver.directory.iterdir()}
    names.change([NamedPort(port(5).port_id, NETWORK)])
    assert {one.name for one in resolver.directory.iterdir()} == files
    assert resolver.answers() == {}


def test_a_new_domain_is_in_every_name(names: Names, resolver: Resolver) -> None:
    names.change([port(5, "web"), port(6)])
    names.know_domain(NETWORK, "")
    assert resolver.answers().keys() == {"web", "host-10-0-0-6"}


def test_names_of_a_network_without_a_server_wait_for_it(tmp_path: Path, names: Names) -> None:
    names.change([port(5, "web", network=OTHER)])
    other = Resolver(tmp_path / "other")
    (other.directory / "fff").write_text("10.9.9.9 old\n")
    names.open(OTHER, other.directory)
    assert other.answers() == {"web": {"10.0.0.5"}}
    names.shut(OTHER)
    names.change([port(5, "db", network=OTHER)])
    assert other.answers() == {"web": {"10.0.0.5"}}
    names.forget(OTHER)
    names.open(OTHER, other.directory)
    assert other.answers() == {}


def test_what_is_not_told_again_is_gone(names: Names, resolver: Resolver) -> None:
    names.change([port(5, "web"), port(6, "db"), port(7, "mx", network=OTHER)])
    assert names.begin_all([NETWORK])
    assert names.change([port(6, "db")])
    assert resolver.answers().keys() >= {"web", "db"}
    assert names.end_all([NETWORK])
    assert resolver.answers().keys() == {"db", "db.lab.example"}


def test_names_outlive_the_agent(tmp_path: Path, names: Names) -> None:
    names.change([port(5, "web")])
    names.close()
    again, resolver = Names(NameBook(tmp_path / "names.db")), Resolver(tmp_path / "again")
    again.open(NETWORK, resolver.directory)
    assert resolver.answers() == {"web": {"10.0.0.5"}}
    again.close()


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b""])
def test_a_damaged_book_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "names.db"
    path.write_bytes(damage)
    book = NameBook(path)
    book.change([port(5, "web")])
    assert [one.name for one in book.claims(NETWORK, *[bucket_of("web")] * 2)] == ["web"]
    book.close()


def test_a_book_of_the_first_version_keeps_its_names(tmp_path: Path) -> None:
    path = tmp_path / "names.db"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE claim (network_id TEXT, bucket INTEGER, port_id TEXT, address TEXT,"
            " name TEXT, is_leased INTEGER, is_stale INTEGER DEFAULT 0,"
            " PRIMARY KEY (network_id, bucket, port_id, address)) WITHOUT ROWID"
        )
        connection.execute("CREATE INDEX claim_of_port ON claim (network_id, port_id)")
        rows = [
            (NETWORK, bucket_of("web"), "p", "10.0.0.5", "web"),
            (NETWORK, 7, "q", "::", "a.b"),
        ]
        connection.executemany("INSERT INTO claim VALUES (?, ?, ?, ?, ?, 0, 0)", rows)
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    for _ in range(2):
        book = NameBook(path)
        assert list(book.buckets(NETWORK)) == [bucket_of("web")]
        assert [one.name for one in book.claims(NETWORK, *[bucket_of("web")] * 2)] == ["web"]
        book.close()


def test_a_book_of_another_version_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "names.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    book = NameBook(path)
    book.change([port(5, "web")])
    book.close()


def test_without_a_disk_names_are_served_from_memory(tmp_path: Path) -> None:
    names, resolver = Names(NameBook(tmp_path / "missing" / "names.db")), Resolver(tmp_path / "r")
    names.open(NETWORK, resolver.directory)
    assert names.change([port(5, "web")])
    assert resolver.answers() == {"web": {"10.0.0.5"}}


def test_what_the_disk_refuses_is_said_and_told_again(
    tmp_path: Path, names: Names, resolver: Resolver, caplog: pytest.LogCaptureFixture
) -> None:
    resolver.directory.rename(tmp_path / "moved")
    assert not names.change([port(5, "web")])
    assert not names.change([port(6, "db")])
    assert len(caplog.records) == 1
    (tmp_path / "moved").rename(resolver.directory)
    assert names.begin_all([NETWORK])
    assert names.change([port(5, "web"), port(6, "db")])
    assert names.end_all([NETWORK])
    assert resolver.answers().keys() >= {"web", "db"}
    assert caplog.records[-1].message == "names are written again"


def test_one_name_more_writes_one_file(names: Names, resolver: Resolver) -> None:
    names.change([port(number, f"vm-{number}", f"10.0.{number}.1") for number in range(100)])
    before = resolver.stamps()
    names.change([port(200, "one-more")])
    assert len(resolver.stamps().items() - before.items()) == 1


class Watched(Names):
    """Keeps the laws of dnsmasq's reverse look-ups: an address is in one file at any time."""

    def _write(self, network_id: str, part: Part, without: object = ()) -> None:
        super()._write(network_id, part, without)  # type: ignore[arg-type]
        directory = self._networks[network_id].directory
        assert directory is not None
        seen = [
            {line.split()[0] for line in path.read_text().splitlines()}
            for path in directory.iterdir()
        ]
        assert all(one.isdisjoint(other) for one, other in itertools.combinations(seen, 2))


def test_any_history_ends_in_the_answers_of_what_was_told_last(tmp_path: Path) -> None:
    """Names move between ports and addresses between names, several at once."""
    chance = random.Random(20)
    watched, resolver = Watched(NameBook(None)), Resolver(tmp_path / "r")
    watched.open(NETWORK, resolver.directory)
    addresses = [f"10.0.0.{number}" for number in range(6)]
    for _ in range(60):
        chance.shuffle(addresses)
        told = [
            NamedPort(
                port(number).port_id,
                NETWORK,
                chance.choice(["", "a", "b", "c", "wpad", "c.d"]),
                addresses[number * 2 : number * 2 + chance.randrange(3)],
                chance.random() < 0.3,
                chance.choice(["", "a", "d"]),
            )
            for number in range(3)
        ]
        assert watched.change(told)
        claimed = [claim for one in told for claim in claims_of(one)]
        expected: dict[str, set[str]] = {}
        for answer in answers(claimed, "", claimed):
            for name in (*answer.names, *answer.own_names):
                expected.setdefault(name, set()).add(answer.address)
        assert resolver.answers() == expected


def test_names_that_become_many_are_spread_over_more_files(tmp_path: Path) -> None:
    """No address is in two files meanwhile, and no file has many names."""
    watched, resolver = Watched(NameBook(None)), Resolver(tmp_path / "r")
    watched.open(NETWORK, resolver.directory)
    told = [
        port(number, f"vm-{number}", f"10.0.{number >> 8}.{number & 255}") for number in range(300)
    ]
    for one in told:
        watched.change([one])
        sizes = [len(path.read_text().splitlines()) for path in resolver.directory.iterdir()]
        assert max(sizes) <= 3 * MOST_OF_A_FILE
    assert resolver.answers() == {one.dns_name: {*one.addresses} for one in told}
    assert len([size for size in sizes if size]) > 300 / MOST_OF_A_FILE


def test_an_agent_that_was_killed_while_it_spread_names_goes_on(tmp_path: Path) -> None:
    book, resolver = NameBook(None), Resolver(tmp_path / "r")
    told = [port(number, f"vm-{number}", f"10.0.0.{number}") for number in range(100)]
    first = Names(book)
    first.open(NETWORK, resolver.directory)
    for one in told[:MOST_OF_A_FILE]:
        first.change([one])
    before = {path.name: path.read_text() for path in resolver.directory.iterdir()}
    first.change(told)
    for name, text in before.items():  # as if it had not been emptied
        (resolver.directory / name).write_text(text)
    again = Names(book)
    again.open(NETWORK, resolver.directory)
    assert resolver.answers() == {one.dns_name: {*one.addresses} for one in told}
    lines = [
        text for path in resolver.directory.iterdir() for text in path.read_text().splitlines()
    ]
    assert len(lines) == len(told)


@given(st.lists(st.integers(0, 200_000)))
def test_names_are_spread_over_ever_more_files_up_to_a_bound(history: list[int]) -> None:
    has = 0
    for names in history:
        before, has = has, parts_for(names, has)
        assert before <= has <= BUCKETS
        assert names <= MOST_OF_A_FILE * has or has == BUCKETS


@given(st.integers(0, BUCKETS - 1), st.integers(0, 12).map(lambda power: 1 << power))
def test_a_part_has_its_buckets_and_its_name(bucket: int, of: int) -> None:
    part = part_of(bucket, of)
    first, last = part.buckets
    assert first <= bucket <= last
    assert part_named(part.name) == part


@pytest.mark.parametrize("name", ["x", "001-3", "010-10", "000-0", "000-2000", ".000.new"])
def test_other_files_are_no_part(name: str) -> None:
    assert part_named(name) is None


def test_names_are_in_few_files_however_many_come_and_go() -> None:
    assert {bucket_of(f"vm-{number}") for number in range(100_000)} == set(range(BUCKETS))


def test_a_dnsmasq_that_forgets_no_name_is_to_read_all_when_one_goes(
    tmp_path: Path, resolver: Resolver
) -> None:
    woken: list[bool] = []
    old = Names(NameBook(None), forgets=False, on_kept=lambda: woken.append(True))
    old.open(NETWORK, resolver.directory)
    old.change([port(1, "web"), port(2, "db")])
    assert (old.take_kept(), woken) == (set(), [])
    old.change([port(1, "www")])
    assert (old.take_kept(), woken) == ({NETWORK}, [True])
    assert old.take_kept() == set()
    old.change([NamedPort(port(2).port_id, NETWORK)])
    assert old.take_kept() == {NETWORK}
    old.close()


def test_one_that_does_reads_nothing_again(names: Names) -> None:
    names.change([port(1, "web")])
    names.change([port(1, "www")])
    assert names.take_kept() == set()
