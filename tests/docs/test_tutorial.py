"""The tutorial's commands do what the page says, one after the other."""

import contextlib
import io
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from ipam.cli.main import main
from ipam.store import schema
from ipam.store.engine.database import Database
from tests.servers.live_api import live_api

PAGE: Final = Path(__file__).parents[2] / "docs" / "tutorial.md"
CUT: Final = "…"
STATUS: Final = "# status "
VARYING: Final = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"([0-9a-f]{2}:){5}[0-9a-f]{2}", "MAC"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME"),
)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def steps() -> Iterator[tuple[str, list[str]]]:
    """Each command with the lines that the page shows of its output."""
    for block in blocks("console"):
        for part in block.removeprefix("$ ").split("\n$ "):
            command, *shown = part.rstrip("\n").split("\n")
            yield command, shown


def steady(line: str) -> str:
    for pattern, word in VARYING:
        line = re.sub(pattern, word, line)
    return line.rstrip()


def text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@pytest.fixture
def ipam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], list[str]]]:
    database = Database(f"sqlite:///{tmp_path}/template.sqlite")
    schema.upgrade(database)
    database.dispose()
    place, work = tmp_path / "place", tmp_path / "work"
    for one in (place, work):
        one.mkdir()
    (work / "machines.csv").write_text(blocks("csv")[0])
    monkeypatch.chdir(work)
    monkeypatch.setenv("COLUMNS", "200")

    def run(line: str) -> list[str]:
        """What the command wrote, its notes last."""
        line, _, status = line.partition(STATUS)
        line, _, target = line.partition(" > ")
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            ended = main(shlex.split(line)[1:])
        written, notes = text(out), text(err)
        assert ended == int(status or 0), (line, written, notes)
        if target:
            Path(target).write_text(written)
            return []
        return [steady(one) for one in (written + notes).splitlines()]

    with live_api(tmp_path / "template.sqlite", place) as api:
        monkeypatch.setenv("IPAM_SOCKET", api.socket)
        yield run


def test_each_command_writes_what_the_page_shows(ipam: Callable[[str], list[str]]) -> None:
    for command, shown in steps():
        written = ipam(command)
        wanted = [steady(line) for line in shown if line != CUT]
        if CUT in shown:
            assert [line for line in wanted if line not in written] == [], (command, written)
        else:
            assert wanted == written, command
