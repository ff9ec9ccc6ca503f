"""The last known networks on local disk, so that an agent can restart without the API."""

import logging
from pathlib import Path

from ipam import files
from ipam.errors import Malformed
from ipam.protocol.dhcp_state import FullNetwork
from ipam.protocol.wire import read, write

LOG = logging.getLogger(__name__)


class LastKnownNetworks:
    """One JSON file per network, with the API's last description."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        files.directory(directory)

    def load(self) -> dict[str, FullNetwork]:
        """Every network by id. A damaged file is left out until the API describes the network."""
        found = {}
        for path in self._directory.glob("*.json"):
            try:
                found[path.stem] = read(FullNetwork, path.read_bytes(), str(path))
            except Malformed as error:
                LOG.warning("%s; waiting for the API", error)
        return found

    def save(self, network: FullNetwork) -> None:
        """Keep the API's description of a network."""
        files.put(self._directory / f"{network.id}.json", write(network))

    def forget(self, network_id: str) -> None:
        """Remove a network that is not served, after all of it is removed from the host."""
        (self._directory / f"{network_id}.json").unlink(missing_ok=True)
