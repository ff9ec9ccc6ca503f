import logging
import resource

import pytest

from ipam.api.serving import open_files

Limits = tuple[int, int]
WANTED = 800


@pytest.mark.parametrize(
    ("limits", "possible", "set_to"),
    [
        ((1024, 524288), WANTED, 2120),
        ((1024, resource.RLIM_INFINITY), WANTED, 2120),
        ((20000, 20000), WANTED, None),
        ((20000, resource.RLIM_INFINITY), WANTED, None),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), WANTED, None),
        ((256, 1024), 252, 1024),
    ],
    ids=[
        "raised",
        "without a hard limit",
        "high enough",
        "high enough without a hard limit",
        "without limits",
        "too low",
    ],
)
def test_there_are_as_many_connections_as_the_limit_of_files_allows(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    limits: Limits,
    possible: int,
    set_to: int | None,
) -> None:
    given: list[Limits] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _which: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _which, new: given.append(new))
    with caplog.at_level(logging.WARNING):
        assert open_files.connections(WANTED) == possible
    assert given == ([] if set_to is None else [(set_to, limits[1])])
    assert ("LimitNOFILE" in caplog.text) == (possible < WANTED)
