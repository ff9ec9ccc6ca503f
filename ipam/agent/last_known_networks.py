"""The last known state on local disk, so that a restart with the API away serves on."""

import json
import logging
from pathlib import Path
from typing import Any

from ipam import files

LOG = logging.getLogger(__name__)


class KnownState:
    """One JSON file per network, as the API last described it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def load(self) -> dict[str, dict[str, Any]]:
        """Every network by id; a damaged file is left out, and the API will tell."""
        found = {}
        for path in self._directory.glob("*.json"):
            try:
                found[path.stem] = json.loads(path.read_text())
            except ValueError as error:
                LOG.warning("%s is damaged (%s): waiting for the API", path, error)
        return found

    def save(self, network: dict[str, Any]) -> None:
        """Keep what the API says of a network."""
        files.put(self._directory / f"{network['id']}.json", json.dumps(network).encode())

    def forget(self, network_id: str) -> None:
        """The network is no longer served, and everything of it is gone from the host."""
        (self._directory / f"{network_id}.json").unlink(missing_ok=True)
