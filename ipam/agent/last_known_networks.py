"""The last known state on local disk, so that a restart with the API away serves on."""

import json
import logging
from pathlib import Path
from typing import Any

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
        path = self._directory / f"{network['id']}.json"
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(network))
        temporary.replace(path)

    def forget(self, network_id: str) -> None:
        """The network is no longer served, and everything of it is gone from the host."""
        (self._directory / f"{network_id}.json").unlink(missing_ok=True)
