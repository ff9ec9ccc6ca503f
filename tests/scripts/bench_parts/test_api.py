"""The ratios that `scripts/bench api` tells."""

from scripts.bench_parts import api


def test_ratios_are_in_multiples_of_what_cannot_be_saved() -> None:
    cpu = {
        api.PORT_CREATE: 2.4,
        api.PORT_CREATE_FULL: 2.64,
        "port show": 0.5,
        "port update": 1.8,
        "port delete": 3.0,
        api.FIRST_PAGE: 5.0,
        api.DEEP_PAGE: 5.0,
    }
    figures = {name: {"1": {"cpu_ms": value}} for name, value in cpu.items()}
    found = api.ratios(
        {**figures, "bare statements of a create": {"cpu_ms": 1.1}}, {"1": {"cpu_ms": 0.1}}
    )
    assert found == {
        "create / (empty route + bare statements)": 2.0,
        "create at 99 % / create": 1.1,
        "show / empty route": 5.0,
        "update / create": 0.75,
        "delete / create": 1.25,
        "deep page / first page, two filters": 1.0,
    }
