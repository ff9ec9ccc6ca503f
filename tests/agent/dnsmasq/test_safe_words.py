"""No text from outside can become more than one field of one line of a dnsmasq file."""

import re
import subprocess
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipam.agent.dnsmasq import safe_words
from ipam.rules import dhcp_option_table as table
from ipam.rules import dhcp_options
from ipam.rules.dhcp_option_values import Value
from ipam.templating import NotAWordError, Word, render_lines
from tests.waiting import PATIENCE_SECONDS

KEYWORDS = ("set:", "tag:", "id:", "net:", "option:", "ignore", "infinite", "12h", "::1", "vm")
SYNTAX = st.sampled_from([*KEYWORDS, *"\n\r\0,#[]|'\"\\é\x1b\u2028", " #", "$("])
TEXT = st.one_of(st.text(max_size=40), st.lists(SYNTAX, max_size=6).map("".join))

OPTION_NAMES = st.one_of(
    st.sampled_from([*table.IPV4, *table.IPV6, "tag:!ipxe,67", "tag:ipxe6,59"]),
    st.integers(0, 700).map(str),
)
OPTION_VALUES = st.one_of(
    TEXT,
    st.sampled_from(["10.0.0.1", "1500", "-1", "1h", "01:02", "a.example", "10.0.0.0/8,10.0.0.1"]),
    st.ip_addresses().map(str),
    st.integers(-(2**33), 2**33).map(str),
)

PARSERS: list[Callable[[str], Word]] = [
    safe_words.uuid,
    safe_words.mac,
    safe_words.interface,
    safe_words.user,
    safe_words.path,
    safe_words.hostname,
    safe_words.domain,
    safe_words.address,
    safe_words.interface_address,
    safe_words.destination,
    lambda text: safe_words.option(text, 4),
    lambda text: safe_words.option(text, 6),
    lambda text: safe_words.client_id(text.encode(errors="replace")),
]


@pytest.mark.parametrize("parse", PARSERS)
@given(text=TEXT)
@example(text="vm\n")
@example(text="aa:bb:cc:dd:ee:ff\n")
def test_a_word_is_one_field_of_one_line(parse: Callable[[str], Word], text: str) -> None:
    try:
        word = parse(text)
    except safe_words.UnfitError:
        return
    assert re.fullmatch(r'"?[A-Za-z0-9._:/\[\]+@-]+"?', word), word


@given(text=TEXT)
@example(text='x",set:evil')
@example(text="x\\")
@example(text='\\"')
def test_a_text_stays_within_its_quotes(text: str) -> None:
    try:
        word = safe_words.option_value(text)
    except safe_words.UnfitError:
        return
    assert re.fullmatch(r'"([^"\\]|\\["\\])*"', word), word
    assert word.isascii()
    assert word.isprintable()


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (IPv4Address("10.0.0.1"), "10.0.0.1"),
        (IPv4Network("10.0.0.0/8"), "10.0.0.0/8"),
        (IPv6Address("2001:db8::1"), "[2001:db8::1]"),
        (1500, "1500"),
        (-3600, "-3600"),
        (b"\1\2\xff", "01:02:ff"),
        (b"\xff", "255b"),
        ("pxelinux.0", '"pxelinux.0"'),
        ("12345", '"12345"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("http://host/a,set:evil #x", '"http://host/a,set:evil #x"'),
        ("tag:evil", '"tag:evil"'),
    ],
)
def test_option_values(value: Value, word: str) -> None:
    assert safe_words.option_value(value) == word


@pytest.mark.parametrize("text", ["a\nb", "ä", "\0", "x" * 256])
def test_a_text_that_is_not_one_printable_line_is_no_value(text: str) -> None:
    with pytest.raises(safe_words.UnfitError):
        safe_words.option_value(text)


def test_lease_times() -> None:
    assert [safe_words.lease_time(one) for one in (120, 2**32 - 1)] == ["120", "infinite"]


@pytest.mark.parametrize("text", ["a.b", "-a", "_a", "a-", "", ".", "a" * 64, "a\n"])
def test_what_is_no_label_is_no_host_name(text: str) -> None:
    with pytest.raises(safe_words.UnfitError):
        safe_words.hostname(text)


@pytest.mark.parametrize(
    "text",
    [
        "vm-1",
        "a",
        "1a",
        "web_1",
        "A" * 63,
        "host-10-0-0-5",
        "ignore",
        "infinite",
        "12",
        "2w",
        "5D",
    ],
)
def test_a_host_name_has_a_dot_that_keeps_it_from_being_read_as_anything_else(text: str) -> None:
    assert safe_words.hostname(text) == f"{text}."


@pytest.mark.parametrize("value", ["text", 5, None, Word("x") + "y", Word("x").upper()])
def test_a_template_prints_only_words(value: object) -> None:
    with pytest.raises(NotAWordError):
        render_lines([[value]])  # type: ignore[list-item]  # that is the point


@pytest.mark.system
@given(
    names=st.lists(TEXT, min_size=1, max_size=20),
    values=st.lists(st.tuples(OPTION_NAMES, OPTION_VALUES), max_size=20),
)
def test_dnsmasq_reads_whatever_is_rendered(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], values: list[tuple[str, str]]
) -> None:
    lines = []
    for number, name in enumerate(names):
        try:
            fields = [safe_words.mac(f"fa:16:3e:00:00:{number:02x}"), safe_words.hostname(name)]
        except safe_words.UnfitError:
            continue
        lines.append("dhcp-host=" + render_lines([fields]))
    for name, value in values:
        try:
            option = dhcp_options.parse(name, value, 6 if name.startswith("6") else 4)
            line = [
                *map(safe_words.tag, map(safe_words.condition, option.conditions)),
                safe_words.option_number(option.number, option.ip_version),
                *map(safe_words.option_value, option.values),
            ]
        except ValueError:
            continue
        lines.append("dhcp-option=" + render_lines([line]))
    config = tmp_path_factory.mktemp("dnsmasq") / "conf"
    _assert_accepted(config, "".join(lines))


def _assert_accepted(path: Path, text: str) -> None:
    path.write_text(text)
    done = subprocess.run(
        ["/usr/sbin/dnsmasq", "--test", f"--conf-file={path}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, (done.stderr, text)
