"""[quotas]: the limits of projects without quotas of their own."""

from typing import Final

from oslo_config import cfg

PREFIX: Final = "quota_"

OPTIONS: Final = [
    cfg.IntOpt(
        f"{PREFIX}{resource}",
        default=default,
        min=-1,
        max=2**31 - 1,
        help=f"How many {words} a project may have; -1 sets no limit. {why}"
        " `ipam quota set` gives one project another limit.",
    )
    for resource, default, words, why in (
        (
            "network",
            100,
            "networks",
            "The default is Neutron's. A limit makes requests of one project wait for each other.",
        ),
        ("subnet", 100, "subnets", "As quota_network."),
        (
            "port",
            500,
            "ports",
            "With any number but -1 Nova counts a project's ports by listing them each time.",
        ),
        ("subnetpool", -1, "subnet pools", "As quota_network."),
        ("rbac_policy", 10, "RBAC policies", "As quota_network."),
        (
            "fixed_ip",
            1000,
            "addresses",
            "Those of DHCP servers count, too. Neutron has no such limit.",
        ),
    )
]
