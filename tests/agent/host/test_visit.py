"""A stay in a real namespace."""

import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipam.agent.host.visit import Visit
from tests.agent.host.test_kernel import ip

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it makes namespaces"),
]


@pytest.fixture
def name() -> Iterator[str]:
    one = f"visit-{uuid.uuid4().hex[:8]}"
    ip("netns", "add", one)
    yield one
    ip("netns", "del", one, check=False)


def inode(_route: Any) -> int:
    return Path("/proc/thread-self/ns/net").stat().st_ino


def test_all_is_done_inside_in_one_thread_over_one_connection(name: str) -> None:
    before = threading.active_count()
    visit = Visit(name)
    seen = {visit.call(lambda route: (inode(route), id(route))) for _again in range(2)}
    threads = {visit.call(lambda _route: threading.get_ident()) for _again in range(2)}
    visit.end()
    assert {one for one, _route in seen} == {Path("/run/netns", name).stat().st_ino}
    assert (len(seen), len(threads), threading.active_count()) == (1, 1, before)
    assert inode(None) != Path("/run/netns", name).stat().st_ino


def test_a_namespace_that_is_not_there_is_an_error_and_leaves_no_thread() -> None:
    before = threading.active_count()
    with pytest.raises(FileNotFoundError):
        Visit("visit-nowhere")
    assert threading.active_count() == before


def test_what_goes_wrong_inside_is_told(name: str) -> None:
    visit = Visit(name)
    with pytest.raises(ZeroDivisionError):
        visit.call(lambda _route: 1 / 0)
    assert visit.call(lambda route: route.get_links(1)[0].get("ifname")) == "lo"
    visit.end()
