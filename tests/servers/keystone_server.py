"""A private Keystone: from PyPI, in a virtual environment of its own, on SQLite and loopback.

The environment and a database with the schema are made once and kept in `.venv-keystone` beside
`.venv`; a start from there takes some seconds.
"""

import contextlib
import getpass
import http.client
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.servers.environments import Environment
from tests.servers.private_server import free_port
from tests.waiting import PATIENCE_SECONDS, until_it_serves

ADMIN_PASSWORD: Final = "sesame"

CONFIG: Final = """\
[DEFAULT]
log_file = {directory}/keystone.log
use_stderr = false
[database]
connection = sqlite:///{directory}/keystone.db
[token]
provider = fernet
expiration = {expiration}
[fernet_tokens]
key_repository = {directory}/fernet
[fernet_receipts]
key_repository = {directory}/fernet
[credential]
key_repository = {directory}/credential
[cache]
enabled = true
backend = dogpile.cache.memory
[identity]
password_hash_rounds = 4
"""
"""Without a cache (and one process) a validation costs half a second."""

UWSGI: Final = """\
[uwsgi]
http-socket = 127.0.0.1:{port}
module = {module}
master = true
processes = 1
threads = {threads}
enable-threads = true
die-on-term = true
no-orphans = true
buffer-size = 65535
need-app = true
lazy-apps = true
add-header = Connection: close
worker-reload-mercy = 2
"""
"""Without the header python-requests loses every second request on a kept connection.

Each worker loads the application after the fork: one that was loaded before may have a lock that a
thread held at that moment, and then answers nothing for ever.
"""

ISSUE: Final = """\
import json, sys
from keystone.wsgi.api import application
from werkzeug.test import Client
answer = Client(application).post("/v3/auth/tokens", json=json.loads(sys.stdin.read()))
print(answer.headers["X-Subject-Token"])
"""
"""Runs in Keystone's environment with other settings than the server's."""


class KeystoneServer:
    """A Keystone process that this one starts, stops and outlives."""

    def __init__(self) -> None:
        self.port = 0
        self.directory = Path()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its API, version included."""
        return f"http://127.0.0.1:{self.port}/v3"

    def launch(self) -> None:
        """Make an identity service with one admin, and start."""
        KEYSTONE.prepare()
        self.directory = Path(tempfile.mkdtemp(prefix="ipam-keystone-"))
        self.port = self.port or free_port()
        try:
            shutil.copytree(TEMPLATE, self.directory, dirs_exist_ok=True)
            _write_config(self.directory)
            (self.directory / "uwsgi.ini").write_text(
                UWSGI.format(port=self.port, module="keystone.wsgi.api:application", threads=4)
            )
            urls = [f"--bootstrap-{kind}-url={self.url}" for kind in ("public", "internal")]
            _manage(
                self.directory,
                "bootstrap",
                f"--bootstrap-password={ADMIN_PASSWORD}",
                *urls,
                "--bootstrap-region-id=RegionOne",
            )
            self.start()
        except BaseException:
            self.remove()
            raise

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self.directory / "uwsgi.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "KILL"),
                    *(f"{KEYSTONE.programs}/uwsgi", "--ini", f"{self.directory}/uwsgi.ini"),
                ],
                env=_environment(self.directory),
                stdout=log,
                stderr=log,
                cwd="/",
            )
        until_it_serves(self._process, self._answers, self.directory / "uwsgi.log")

    def stop(self) -> None:
        """Stop; what it knows stays for the next start."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def remove(self) -> None:
        """Stop, and delete everything but the environment."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[Mapping[str, str], Any]:
        """Headers (by lower-case name) and parsed body of an answer that must not be an error."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        with contextlib.closing(connection):
            connection.request(
                method,
                f"/v3{path}",
                None if body is None else json.dumps(body),
                {"Content-Type": "application/json", **(headers or {})},
            )
            answer = connection.getresponse()
            content = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:500]!r}")
        found = {name.lower(): value for name, value in answer.getheaders()}
        return found, json.loads(content) if content else None

    def token(self, user: str, password: str, project: str | None) -> str:
        """A fresh token; unscoped without a project."""
        headers, _ = self.call("POST", "/auth/tokens", _sign_in(user, password, project))
        return headers["x-subject-token"]

    def short_lived_token(self, user: str, password: str, project: str, seconds: int) -> str:
        """A token that this Keystone holds to be expired after so many seconds."""
        with tempfile.TemporaryDirectory() as name:
            other = Path(name)
            text = CONFIG.format(directory=self.directory, expiration=seconds)
            (other / "keystone.conf").write_text(text)
            done = subprocess.run(
                [f"{KEYSTONE.programs}/python", "-W", "ignore", "-c", ISSUE],
                input=json.dumps(_sign_in(user, password, project)),
                env=_environment(other),
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"no token: {done.stderr[-2000:]}")
        return done.stdout.strip().splitlines()[-1]

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException, RuntimeError):
            self.call("GET", "")
            return True
        return False


def api_settings(keystone_url: str, password: str) -> str:
    """The lines of the settings file with which `ipam api` takes this Keystone's tokens.

    They are its user `ipam`'s in the project `service`.
    """
    return (
        "[api]\nauth_strategy = keystone\n"
        f"[keystone_authtoken]\nwww_authenticate_uri = {keystone_url}\nauth_url = {keystone_url}\n"
        f"auth_type = password\nusername = ipam\npassword = {password}\n"
        "user_domain_name = Default\nproject_name = service\nproject_domain_name = Default\n"
        "service_token_roles = service\nservice_token_roles_required = true\n"
        "service_type = network\n"
    )


class Directory:
    """Projects, users and roles of a Keystone, made as its admin."""

    def __init__(self, server: KeystoneServer) -> None:
        self.server = server
        token = server.token("admin", ADMIN_PASSWORD, "admin")
        self._headers = {"X-Auth-Token": token}
        self.projects = self._ids("projects")
        self.users = self._ids("users")
        self.roles = self._ids("roles")

    def project(self, name: str) -> str:
        """The id of the project, made if need be."""
        return self._make("project", self.projects, name, domain_id="default")

    def user(self, name: str, password: str, project: str, *roles: str) -> str:
        """The id of a user with these roles in the project."""
        user_id = self._make("user", self.users, name, domain_id="default", password=password)
        for role in roles:
            role_id = self._make("role", self.roles, role)
            path = f"/projects/{self.project(project)}/users/{user_id}/roles/{role_id}"
            self.server.call("PUT", path, headers=self._headers)
        return user_id

    def endpoint(self, service_type: str, name: str, url: str) -> None:
        """Put a service into the catalog."""
        body = {"service": {"name": name, "type": service_type}}
        _, made = self.server.call("POST", "/services", body, self._headers)
        for interface in ("public", "internal", "admin"):
            endpoint = {
                "service_id": made["service"]["id"],
                "interface": interface,
                "region_id": "RegionOne",
                "url": url,
            }
            self.server.call("POST", "/endpoints", {"endpoint": endpoint}, self._headers)

    def revoke(self, token: str) -> None:
        """Make the token worth nothing."""
        headers = {**self._headers, "X-Subject-Token": token}
        self.server.call("DELETE", "/auth/tokens", headers=headers)

    def _ids(self, collection: str) -> dict[str, str]:
        _, found = self.server.call("GET", f"/{collection}", headers=self._headers)
        return {each["name"]: each["id"] for each in found[collection]}

    def _make(self, kind: str, known: dict[str, str], name: str, **attributes: str) -> str:
        if name not in known:
            body = {kind: {"name": name, **attributes}}
            _, made = self.server.call("POST", f"/{kind}s", body, self._headers)
            known[name] = made[kind]["id"]
        return known[name]


def _sign_in(user: str, password: str, project: str | None) -> dict[str, Any]:
    domain = {"id": "default"}
    identity = {
        "methods": ["password"],
        "password": {"user": {"name": user, "password": password, "domain": domain}},
    }
    scope = {"scope": {"project": {"name": project, "domain": domain}}} if project else {}
    return {"auth": {"identity": identity, **scope}}


def _make_template() -> None:
    """A directory with keys and an empty database."""
    shutil.rmtree(TEMPLATE, ignore_errors=True)
    _prepare(TEMPLATE)


def _prepare(directory: Path) -> None:
    for name in ("fernet", "credential"):
        (directory / name).mkdir(parents=True)
    _write_config(directory)
    user = getpass.getuser()
    owner = [f"--keystone-user={user}", f"--keystone-group={user}"]
    _manage(directory, "fernet_setup", *owner)
    _manage(directory, "credential_setup", *owner)
    _manage(directory, "db_sync")


def _write_config(directory: Path) -> None:
    text = CONFIG.format(directory=directory, expiration=3600)
    (directory / "keystone.conf").write_text(text)


def _manage(directory: Path, *words: str) -> None:
    program = [
        f"{KEYSTONE.programs}/python",
        "-W",
        "ignore",
        f"{KEYSTONE.programs}/keystone-manage",
    ]
    done = subprocess.run(
        [*program, "--config-file", f"{directory}/keystone.conf", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if done.returncode:
        raise RuntimeError(f"keystone-manage {words[0]}: {done.stdout}{done.stderr[-2000:]}")


def _environment(directory: Path) -> dict[str, str]:
    """Without OS_* of whoever runs the tests: oslo.config would read them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    return {
        **kept,
        "OS_KEYSTONE_CONFIG_DIR": str(directory),
        "OS_KEYSTONE_CONFIG_FILES": "keystone.conf",
    }


KEYSTONE: Final = Environment("keystone", "keystone-requirements.txt", finish=_make_template)
TEMPLATE: Final = KEYSTONE.folder / "template"
