"""Reads the key of the seals."""

from pathlib import Path

from ipam.errors import SettingsUnfit
from ipam.store.audit.chain import KEY_MIN_BYTES


def read_key(path: Path) -> bytes:
    """The key in the file. Raises SettingsUnfit if it cannot be read or is too short."""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise SettingsUnfit(f"[audit] chain_key_file cannot be read: {error}.") from error
    if len(key) < KEY_MIN_BYTES:
        raise SettingsUnfit(
            f"[audit] chain_key_file {path} has {len(key)} bytes; a key has at least"
            f" {KEY_MIN_BYTES}: `openssl rand -hex 32`."
        )
    return key
