"""The last known networks on local disk, so that an agent can restart without the API."""

import logging
from pathlib import Path

from ipam import files
from ipam.errors import Malformed
from ipam.protocol.dhcp_state import FullNetwork
from ipam.protocol.wire import read, write
from ipam.trouble import Trouble

LOG = logging.getLogger(__name__)


class LastKnownNetworks:
    """One JSON file per network, with the API's last description.

    What a full or read-only disk refuses is said once.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._unsaved: dict[str, FullNetwork] = {}
        self._refusal = Trouble()
        try:
            files.directory(directory)
        except OSError as error:
            self._disk_refuses(error)

    def load(self) -> dict[str, FullNetwork]:
        """Every network by id. A damaged file is left out until the API describes the network."""
        found = {}
        for path in self._directory.glob("*.json"):
            try:
                found[path.stem] = read(FullNetwork, path.read_bytes(), str(path))
            except (Malformed, OSError) as error:
                LOG.warning("%s; waiting for the API", error)
        return found

    def save(self, network: FullNetwork) -> None:
        """Keep the API's description of a network, as soon as the disk takes it."""
        self._unsaved[network.id] = network
        self.save_rest()

    def save_rest(self) -> None:
        """Keep what the disk refused before."""
        try:
            for network in list(self._unsaved.values()):
                files.put(self._directory / f"{network.id}.json", write(network))
                self._unsaved.pop(network.id, None)
        except OSError as error:
            self._disk_refuses(error)
        else:
            if self._refusal.ends():
                LOG.warning("the last known networks are on disk again")

    def forget(self, network_id: str) -> None:
        """Remove a network that is not served, after all of it is removed from the host."""
        self._unsaved.pop(network_id, None)
        (self._directory / f"{network_id}.json").unlink(missing_ok=True)

    def _disk_refuses(self, error: OSError) -> None:
        if self._refusal.begins(str(error)):
            LOG.error("the last known networks cannot be saved, and are tried again: %s", error)
