"""Every setting of the API, the agent and the worker: one INI file, read once into types.

`load` gives the settings in their final types and finds every fault. Each group of the file has
a module here: its options, which oslo.config reads, and the struct that they become. `ipam config
sample` prints an option's help text, so it gives the unit, the reason for the default and the
effect of a change. The lease hook and most of the command line do not import this package.
"""

from ipam.settings.exposed_files import exposed_files
from ipam.settings.network import NetworkSettings
from ipam.settings.parsed import GROUPS, Settings, is_changed, list_opts, parsed, shown
from ipam.settings.reading import load

__all__ = [
    "GROUPS",
    "NetworkSettings",
    "Settings",
    "exposed_files",
    "is_changed",
    "list_opts",
    "load",
    "parsed",
    "shown",
]
