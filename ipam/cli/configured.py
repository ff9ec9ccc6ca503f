"""Settings for the commands that need them, and a sentence where they cannot be read."""

from collections.abc import Sequence
from typing import Any

import click


def load_settings(config_files: Sequence[str] = ()) -> Any:
    """The settings of `ipam.settings.load`; a fault in them ends the command with one line."""
    from oslo_config import cfg  # noqa: PLC0415  # the commands of the API do without

    from ipam import settings  # noqa: PLC0415  # imports oslo.config

    try:
        return settings.load(config_files)
    except cfg.ConfigFilesNotFoundError as error:
        files = ", ".join(error.config_files)
        raise click.ClickException(
            f"Cannot read {files}: no such file. `ipam config sample` prints one to begin with."
        ) from error
    except cfg.ConfigFilesPermissionDeniedError as error:
        files = ", ".join(error.config_files)
        raise click.ClickException(
            f"Cannot read {files}: permission denied. Run it as root or as the service's own user."
        ) from error
    except (cfg.Error, ValueError, UnicodeDecodeError) as error:
        raise click.ClickException(
            f"The settings have a fault: {' '.join(str(error).split())}\n"
            "`ipam config sample` explains every option."
        ) from error
