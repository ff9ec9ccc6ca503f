"""Settings for the commands that need them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipam.settings import Settings


def load_settings(config_files: Sequence[str] = ()) -> "Settings":
    """Like `ipam.settings.load`, which is imported only here, because it needs oslo.config."""
    from ipam import settings  # noqa: PLC0415  # commands of the API do not need it

    return settings.load(config_files)
