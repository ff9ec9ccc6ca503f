"""Reads the settings file with oslo.config."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from oslo_config import cfg

from ipam.errors import SettingsUnfit
from ipam.settings.of_libraries import FOREIGN
from ipam.settings.parsed import GROUPS, Settings, parsed

LOG = logging.getLogger(__name__)

DEFAULT_CONFIG_FILE: Final = "/etc/ipam/ipam.conf"


def load(config_files: Sequence[str] | None = None) -> Settings:
    """The settings from these files; without any, from /etc/ipam/ipam.conf if it exists.

    Raises SettingsUnfit if a file cannot be read or has faults.
    """
    conf = cfg.ConfigOpts()
    for group, opts in GROUPS.items():
        conf.register_opts(opts, group=None if group == "DEFAULT" else group)
    _read(conf, list(config_files) if config_files else _existing_default())
    _fill_paths(conf)
    settings = parsed(conf)
    _warn_of_unknown_names(settings.config_files)
    return settings


def _read(conf: cfg.ConfigOpts, files: list[str]) -> None:
    try:
        conf(args=[], project="ipam", default_config_files=files, default_config_dirs=[])
    except cfg.ConfigFilesNotFoundError as error:
        raise SettingsUnfit(
            f"Cannot read {', '.join(error.config_files)}: no such file. `ipam config sample`"
            " prints one to begin with."
        ) from error
    except cfg.ConfigFilesPermissionDeniedError as error:
        raise SettingsUnfit(
            f"Cannot read {', '.join(error.config_files)}: permission denied. Run it as root or as"
            " the service's own user."
        ) from error
    except (cfg.Error, ValueError) as error:  # includes UnicodeDecodeError
        raise SettingsUnfit([" ".join(str(error).split())]) from error


def _existing_default() -> list[str]:
    return [DEFAULT_CONFIG_FILE] if Path(DEFAULT_CONFIG_FILE).exists() else []


def _fill_paths(conf: cfg.ConfigOpts) -> None:
    """Set the options whose default depends on another option."""
    derived = {
        ("database", "connection"): f"sqlite:///{conf.state_path}/ipam.sqlite",
        ("api", "socket"): f"{conf.run_path}/api.sock",
        ("api", "htpasswd_file"): f"{conf.state_path}/htpasswd",
        ("agent", "state_path"): f"{conf.state_path}/agent",
        ("agent", "run_path"): conf.run_path,
    }
    for (group, name), value in derived.items():
        if not conf[group][name]:
            conf.set_default(name, value, group=group)


def _warn_of_unknown_names(config_files: Sequence[str]) -> None:
    """Warn of names that oslo.config does not know, because it ignores them silently."""
    for path in config_files:
        sections: dict[str, dict[str, list[str]]] = {}
        cfg.ConfigParser(path, sections).parse()
        for group, values in sections.items():
            if group in FOREIGN:
                continue
            known = {option.name for option in GROUPS.get(group, ())}
            for name in values.keys() - known:
                LOG.warning("%s: there is no setting [%s] %s; it is ignored", path, group, name)
