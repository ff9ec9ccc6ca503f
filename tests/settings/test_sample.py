"""Every option is explained, and the sample has every option."""

from pathlib import Path

import pytest
from oslo_config import cfg

from ipam import settings
from ipam.settings.sample import sample_text

OPTIONS = [(group, option) for group, options in settings.GROUPS.items() for option in options]
IDS = [f"{group}.{option.name}" for group, option in OPTIONS]


@pytest.mark.parametrize(("group", "option"), OPTIONS, ids=IDS)
def test_every_option_is_explained_in_a_sentence(group: str, option: cfg.Opt) -> None:
    assert option.help, group
    assert len(option.help) > 25
    assert option.help.endswith(".")
    assert "%" not in option.help


def test_the_shipped_sample_is_what_the_command_prints() -> None:
    shipped = Path(__file__).parents[2] / "etc" / "ipam.conf.sample"
    hint = "write it anew: ipam config sample > etc/ipam.conf.sample"
    assert shipped.read_text() == sample_text(), hint


def test_the_sample_names_every_option_in_its_group(tmp_path: Path) -> None:
    """With every # before an option removed it is a file that can be read."""
    lines = sample_text().split("\n")
    bare = [
        line.removeprefix("#") if line[:2].strip("# ") and line[0] == "#" else line
        for line in lines
    ]
    path = tmp_path / "ipam.conf"
    path.write_text("\n".join(bare))
    conf = settings.load([str(path)])
    for group, option in OPTIONS:
        assert settings.is_changed(conf, group, option), option.name
