"""The logs of a host without a dnsmasq: see ipam.agent.outside.Logs."""

from pathlib import Path


class LogsDouble:
    """What each dnsmasq is to have said."""

    def __init__(self) -> None:
        self.opened: set[str] = set()

    def open(self, network_id: str, directory: Path) -> int:
        assert directory.is_dir()
        self.opened.add(network_id)
        return -1

    def begins_anew(self, network_id: str) -> None:
        assert network_id in self.opened

    def close(self, network_id: str) -> None:
        self.opened.discard(network_id)

    def last_words(self, network_id: str) -> str:
        assert network_id in self.opened
        return "bad option at line 1"
