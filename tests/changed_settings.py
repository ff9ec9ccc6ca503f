"""Settings of a test with other values in them, read as if a file said so."""

from typing import Any, Final

from ipam.settings import Settings, parsed

NO_QUOTAS: Final = "".join(
    f"quota_{name} = -1\n" for name in ("network", "subnet", "port", "rbac_policy", "fixed_ip")
)
"""Lines of [quotas] for tests that make many resources in one project."""


def changed(settings: Settings, group: str, **values: Any) -> Settings:
    for name, value in values.items():
        settings.config_opts.set_override(name, value, group=group)
    return parsed(settings.config_opts)
