"""Finds out whether a site has rules of its own, without oslo.policy, which reads them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from oslo_config import cfg

GROUP: Final = "oslo_policy"
NAMES: Final = ("policy_file", "policy_default_rule")
USUAL_NAMES: Final = ("policy.yaml", "policy.d")
"""What oslo.policy looks for, beside the settings and in the directories of oslo.config."""


def has_policy_files(config_files: Sequence[str]) -> bool:
    """Whether these settings name policy files, or some lie in their usual places.

    It does not say whether a file that is named exists.
    """
    conf = _read(config_files)
    named = any(conf[GROUP][name] for name in (*NAMES, "policy_dirs"))
    return named or any(conf.find_file(name) for name in USUAL_NAMES)


def policy_paths(config_files: Sequence[str]) -> list[Path]:
    """The policy files, and the directories with more of them, that are there."""
    conf = _read(config_files)
    usual_file, usual_directory = USUAL_NAMES
    names = [conf[GROUP]["policy_file"] or usual_file]
    names += conf[GROUP]["policy_dirs"] or [usual_directory]
    found = [Path(path) for path in map(conf.find_file, names) if path]
    return found + [inner for path in found if path.is_dir() for inner in sorted(path.iterdir())]


def _read(config_files: Sequence[str]) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()  # of its own: oslo.policy registers its options in the other
    conf.register_opts([cfg.StrOpt(name) for name in NAMES], group=GROUP)
    conf.register_opt(cfg.MultiStrOpt("policy_dirs"), group=GROUP)
    conf(args=[], project="ipam", default_config_files=list(config_files), default_config_dirs=[])
    return conf
