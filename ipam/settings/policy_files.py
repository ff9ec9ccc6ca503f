"""Finds out whether a site has rules of its own, without oslo.policy, which reads them."""

from collections.abc import Sequence
from typing import Final

from oslo_config import cfg

GROUP: Final = "oslo_policy"
USUAL_NAMES: Final = ("policy.yaml", "policy.d")
"""What oslo.policy looks for, beside the settings and in the directories of oslo.config."""


def has_policy_files(config_files: Sequence[str]) -> bool:
    """Whether these settings name policy files, or some lie in their usual places.

    It does not say whether a file that is named exists.
    """
    conf = cfg.ConfigOpts()  # of its own: oslo.policy registers its options in the other
    names = ("policy_file", "policy_default_rule")
    conf.register_opts([cfg.StrOpt(name) for name in names], group=GROUP)
    conf.register_opt(cfg.MultiStrOpt("policy_dirs"), group=GROUP)
    conf(args=[], project="ipam", default_config_files=list(config_files), default_config_dirs=[])
    named = any(conf[GROUP][name] for name in (*names, "policy_dirs"))
    return named or any(conf.find_file(name) for name in USUAL_NAMES)
