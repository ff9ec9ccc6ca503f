"""Reads the files with the keys of name servers."""

from pathlib import Path

from ipam.errors import SettingsUnfit
from ipam.rules.tsig_key_text import TsigKey, read_key
from ipam.settings.dns import DnsSettings, PrimaryServer
from ipam.settings.exposed_files import fault as exposure


def key_of(server: PrimaryServer, settings: DnsSettings) -> TsigKey:
    """The key of a zone. Raises SettingsUnfit, never with a part of the secret."""
    path = server.key_file or settings.key_file
    if path is None:
        raise SettingsUnfit(f"[dns] key_file is not set, and {server.zone.name} has none.")
    return _read(path)


def _read(path: Path) -> TsigKey:
    try:
        mode, text = path.stat().st_mode, path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsUnfit(f"[dns] the key file {path} cannot be read: {error}.") from error
    if fault := exposure(path, mode, holds_secrets=True):
        raise SettingsUnfit(f"[dns] {fault}.")
    try:
        return read_key(text)
    except ValueError as error:
        raise SettingsUnfit(f"[dns] the key file {path}: {error}.") from error
