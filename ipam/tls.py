"""TLS from files: a certificate, its key, and the authorities of the other side.

Files that change are read again at the next connection; those that are open go on.
"""

import logging
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias

from ipam.errors import SettingsUnfit

LOG = logging.getLogger(__name__)

Version: TypeAlias = Literal["1.2", "1.3"]

_MINIMUM: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

_Signature: TypeAlias = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What one side of a connection has and trusts, in PEM files."""

    certificate: Path | None = None
    """With the chain up to the authority, and with the key if `key` is None."""
    key: Path | None = None
    ca: Path | None = None
    """The authorities of the other side; None: a client takes those of the system."""
    minimum_version: Version = "1.2"

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that there are."""
        return tuple(path for path in (self.certificate, self.key, self.ca) if path)


class CurrentContext:
    """The context that the present state of some files makes. Threads may share it."""

    def __init__(self, make: Callable[[], ssl.SSLContext], paths: Sequence[Path]) -> None:
        """Raises SettingsUnfit if no context can be made."""
        self._make = make
        self._paths = paths
        self._lock = threading.Lock()
        self._signature = _signature(paths)
        self._context = make()

    def get(self) -> ssl.SSLContext:
        """The context; the one before while the files do not fit together."""
        with self._lock:
            signature = _signature(self._paths)
            if signature != self._signature:
                self._signature = signature
                self._read_again()
            return self._context

    def _read_again(self) -> None:
        names = ", ".join(map(str, self._paths))
        try:
            self._context = self._make()
        except SettingsUnfit as error:
            LOG.error("%s has changed, and what it was stays in use: %s", names, error)  # noqa: TRY400  # the error says it all
        else:
            LOG.info("%s has changed and is in use", names)


class _ClientContext(ssl.SSLContext):
    """A context of which each connection takes the present state of the files."""

    _current: CurrentContext

    def __new__(cls, current: CurrentContext) -> Self:
        made = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        made._current = current
        return made

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return self._current.get().wrap_socket(*args, **kwargs)


def server_context(files: TlsFiles, *, require_client_certificate: bool) -> CurrentContext:
    """The context of a server. With `ca` it asks clients for a certificate of that authority.

    Raises SettingsUnfit.
    """

    def make() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _load(context, files)
        if files.ca:
            required = require_client_certificate
            context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        return context

    return CurrentContext(make, files.paths)


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """The context of a client, which checks the server's name and authority.

    Raises SettingsUnfit.
    """

    def make() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if not files.ca:
            context.load_default_certs()
        _load(context, files)
        return context

    return _ClientContext(CurrentContext(make, files.paths))


def _load(context: ssl.SSLContext, files: TlsFiles) -> None:
    context.minimum_version = _MINIMUM[files.minimum_version]
    try:
        if files.certificate:
            # Without a function it would ask on the terminal for the password of a key.
            context.load_cert_chain(files.certificate, files.key, password=_no_password)
        if files.ca:
            context.load_verify_locations(files.ca)
    except (OSError, ValueError) as error:
        raise SettingsUnfit(f"TLS with {', '.join(map(str, files.paths))}: {error}.") from error


def _no_password() -> str:
    raise ValueError("the key is encrypted: give one without a password")


def _signature(paths: Sequence[Path]) -> _Signature:
    return tuple(map(_signature_of_one, paths))


def _signature_of_one(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)
