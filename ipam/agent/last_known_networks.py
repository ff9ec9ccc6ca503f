"""The last known state on local disk, so that a restart with the API away serves on."""

import logging
from pathlib import Path

from ipam import files
from ipam.errors import Malformed
from ipam.protocol.dhcp_state import FullNetwork
from ipam.protocol.wire import read, write

LOG = logging.getLogger(__name__)


class KnownState:
    """One JSON file per network, as the API last described it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def load(self) -> dict[str, FullNetwork]:
        """Every network by id; a damaged file is left out, and the API will tell."""
        found = {}
        for path in self._directory.glob("*.json"):
            try:
                found[path.stem] = read(FullNetwork, path.read_bytes(), str(path))
            except Malformed as error:
                LOG.warning("%s; waiting for the API", error)
        return found

    def save(self, network: FullNetwork) -> None:
        """Keep what the API says of a network."""
        files.put(self._directory / f"{network.id}.json", write(network))

    def forget(self, network_id: str) -> None:
        """The network is no longer served, and everything of it is gone from the host."""
        (self._directory / f"{network_id}.json").unlink(missing_ok=True)
