"""The real API on SQLite, in a thread of the test, with both of its listeners."""

import contextlib
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ipam import settings as ipam_settings
from ipam.api.app import create_app
from ipam.api.serving.server import Server
from ipam.identity import htpasswd
from ipam.store.engine.database import Database


@dataclass(frozen=True, slots=True)
class LiveApi:
    """Where the running API is."""

    socket: str
    url: str
    config_file: str
    htpasswd_file: Path


@contextlib.contextmanager
def live_api(template_database: Path, directory: Path) -> Iterator[LiveApi]:
    """Serve a copy of a database that has the schema, until the block ends."""
    shutil.copy(template_database, directory / "ipam.sqlite")
    config_file = directory / "ipam.conf"
    config_file.write_text(
        f"[DEFAULT]\nstate_path = {directory}\nrun_path = {directory}\nhost = here\n"
        "[api]\nbind_port = 0\nthreads = 4\n"
        "[network]\naddress_cooldown_seconds = 0\nserve_own_names = true\n"
    )
    users = directory / "htpasswd"
    htpasswd.put(users, "admin", "sesame", role="admin")
    htpasswd.put(users, "reader", "look", role="reader")
    settings = ipam_settings.load([str(config_file)])
    database = Database(settings.database.connection)
    server = Server(create_app(settings, database=database), settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield LiveApi(str(server.socket_path), server.url, str(config_file), users)
    finally:
        server.stop()
        thread.join()
        database.dispose()
