"""A private Horizon: from PyPI, in a virtual environment of its own, with no memcached.

The environment and the compressed static files are made once and kept in `.venv-horizon` beside
`.venv`; a start from there takes some seconds.
"""

import contextlib
import http.client
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.servers.environments import Environment
from tests.servers.private_server import free_port
from tests.waiting import PATIENCE_SECONDS, until_it_serves

SETTINGS: Final = """\
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
SECRET_KEY = "only for tests"
LOCAL_PATH = {directory!r}
STATIC_ROOT = {static!r}
COMPRESS_OFFLINE = True
SELECTABLE_THEMES = [("default", "Default", "themes/default")]
CACHES = {{"default": {{"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}}}
OPENSTACK_KEYSTONE_URL = {keystone_url!r}
OPENSTACK_API_VERSIONS = {{"identity": 3}}
OPENSTACK_NEUTRON_NETWORK = {{
    "enable_router": False,
    "enable_rbac_policy": True,
    "enable_quotas": True,
    "enable_ipv6": True,
    "show_agents_column": True,
    "supported_provider_types": ["flat", "vlan"],
    "supported_vnic_types": ["normal"],
}}
POLICY_DIRS = {{"network": [{directory!r} + "/policy.d"]}}
"""
"""The cache is one process's, so there is one process."""

POLICY: Final = """\
create_port: "role:member"
"""
"""Horizon asks its copy of Neutron's policy whether to show "Create Port", without saying on whose
network: as it stands the rule then hides the button from every member."""

UWSGI: Final = """\
[uwsgi]
http-socket = 127.0.0.1:{port}
module = openstack_dashboard.wsgi:application
static-map = /static={static}
master = true
processes = 1
threads = 8
enable-threads = true
die-on-term = true
no-orphans = true
buffer-size = 65535
need-app = true
worker-reload-mercy = 2
"""


class HorizonServer:
    """A dashboard that this process starts, stops and outlives."""

    def __init__(self) -> None:
        self.port = 0
        self.directory = Path()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it wrote."""
        return (self.directory / "horizon.log").read_text()

    def launch(self, keystone_url: str) -> None:
        """Start it for the services in this Keystone's catalog."""
        HORIZON.prepare()
        self.directory = Path(tempfile.mkdtemp(prefix="ipam-horizon-"))
        self.port = free_port()
        try:
            _write_settings(self.directory, keystone_url)
            text = UWSGI.format(port=self.port, static=STATIC)
            (self.directory / "uwsgi.ini").write_text(text)
            self._start()
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Stop, and delete everything but the environment."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self) -> None:
        together = ["setpriv", "--pdeathsig", "KILL"]  # none outlives this process
        with (self.directory / "horizon.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*together, f"{HORIZON.programs}/uwsgi", "--ini", f"{self.directory}/uwsgi.ini"],
                env=_variables(self.directory),
                stdout=log,
                stderr=log,
                cwd="/",
            )
        until_it_serves(self._process, self._answers, self.directory / "horizon.log")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/auth/login/")
            return connection.getresponse().status == 200
        return False


def _collect_static() -> None:
    shutil.rmtree(STATIC, ignore_errors=True)
    with tempfile.TemporaryDirectory() as name:
        _write_settings(Path(name), "http://127.0.0.1:9/v3")
        for command in (["collectstatic", "--noinput"], ["compress", "--force"]):
            done = subprocess.run(
                [f"{HORIZON.programs}/python", "-W", "ignore", "-m", "django", *command, "-v0"],
                env=_variables(Path(name)),
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
            )
            if done.returncode:
                raise RuntimeError(f"horizon {command[0]}: {done.stdout}{done.stderr[-2000:]}")


def _write_settings(directory: Path, keystone_url: str) -> None:
    """The package `local`, where Horizon looks for its settings."""
    (directory / "local").mkdir()
    (directory / "local" / "__init__.py").touch()
    (directory / "local" / "local_settings.py").write_text(
        SETTINGS.format(directory=str(directory), static=str(STATIC), keystone_url=keystone_url)
    )
    (directory / "policy.d").mkdir()
    (directory / "policy.d" / "network.yaml").write_text(POLICY)


def _variables(directory: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    return {
        **kept,
        "PYTHONPATH": str(directory),
        "PYTHONWARNINGS": "ignore",
        "DJANGO_SETTINGS_MODULE": "openstack_dashboard.settings",
    }


HORIZON: Final = Environment(
    "horizon", "horizon-requirements.txt", also=SETTINGS, finish=_collect_static
)
STATIC: Final = HORIZON.folder / "static"
