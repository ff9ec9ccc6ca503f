"""[quotas]: the limits of projects without quotas of their own."""

from typing import Final

from oslo_config import cfg

PREFIX: Final = "quota_"

OPTIONS: Final = [
    cfg.IntOpt(
        f"{PREFIX}{resource}",
        default=-1,
        min=-1,
        max=2**31 - 1,
        help=f"How many {words} a project may have; -1 sets no limit. {why}"
        " `ipam quota set` gives one project another limit.",
    )
    for resource, words, why in (
        ("network", "networks", "A limit makes requests of one project wait for each other."),
        ("subnet", "subnets", "As quota_network."),
        (
            "port",
            "ports",
            "With any other value Nova counts a project's ports by listing them for each server.",
        ),
        ("subnetpool", "subnet pools", "As quota_network."),
        ("rbac_policy", "RBAC policies", "As quota_network."),
    )
]
