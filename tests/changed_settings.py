"""Settings of a test with other values in them, read as if a file said so."""

from typing import Any

from ipam.settings import Settings, parsed


def changed(settings: Settings, group: str, **values: Any) -> Settings:
    for name, value in values.items():
        settings.config_opts.set_override(name, value, group=group)
    return parsed(settings.config_opts)
