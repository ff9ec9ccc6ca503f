import pytest

from ipam.rules.mappings import mappings


def test_each_physical_network_has_one_name() -> None:
    assert mappings([]) == {}
    assert mappings(["physnet1:eth1", "physnet2:bond0.7"]) == {
        "physnet1": "eth1",
        "physnet2": "bond0.7",
    }


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        (["p:eth1", "p:eth2"], "p is mapped twice, to eth1 and to eth2"),
        (["p:eth1", "q:eth1"], "eth1 is mapped twice: it carries one physical network"),
        (["p:lo"], "lo leads to no other host"),
        (["p:brq12345678-ab"], "brq12345678-ab leads to no other host"),
        (["p:tap12345678-ab"], "tap12345678-ab leads to no other host"),
    ],
)
def test_what_cannot_be_is_refused(texts: list[str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        mappings(texts)
