"""`serve` in a process of its own, and raw HTTP to its two listeners."""

import base64
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE_SECONDS, ready_process

PROGRAM = """
import logging, sys
from ipam import settings
from ipam.api.serving.server import serve
logging.basicConfig(level="INFO", format="%(levelname)s %(name)s %(message)s")
serve(settings.load([sys.argv[1]]))
"""

ASK = """
import socket, sys
with socket.socket(socket.AF_UNIX) as channel:
    channel.settimeout(float(sys.argv[2]))
    channel.connect(sys.argv[1])
    lines = b"GET /v2.0/agents HTTP/1.0", b"X-Roles: admin", b"ipam.peer_uid: 0", b"", b""
    channel.sendall(b"\\r\\n".join(lines))
    print(channel.makefile("rb").read().decode())
"""
"""For another user: with the standard library alone, and without this directory."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def error_type(self) -> str:
        error = self.body["NeutronError"]
        assert set(error) == {"type", "message", "detail"}
        return str(error["type"])


class UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_SECONDS)
        self.sock.connect(str(self._path))


@dataclass(frozen=True)
class ApiProcess:
    """A server that has said READY=1."""

    process: "subprocess.Popen[str]"
    socket_path: Path
    port: int
    log: Path

    def tcp(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        return send(connection, method, path, body, headers)

    def unix(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return send(UnixConnection(self.socket_path), method, path, body, headers)

    def unix_as(self, uid: int) -> str:
        """The raw answer to another user's GET of /v2.0/agents."""
        command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        command += [
            "/usr/bin/python3",
            "-IS",
            "-c",
            ASK,
            str(self.socket_path),
            str(PATIENCE_SECONDS),
        ]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout


def send(
    connection: HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
    with contextlib.closing(connection):
        connection.request(method, path, raw, names)
        response = connection.getresponse()
        content = response.read()
    found = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, found, json.loads(content) if content else None)


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def write_config(directory: Path, database_url: str, **api: Any) -> Path:
    options = {"bind_port": 0, "threads": 4, **api}
    lines = "".join(f"{name} = {value}\n" for name, value in options.items())
    config = directory / "ipam.conf"
    config.write_text(
        f"[DEFAULT]\nstate_path = {directory}\nrun_path = {directory}/run\n"
        f"[database]\nconnection = {database_url}\n[api]\n{lines}"
    )
    return config


def command(config: Path) -> list[str]:
    return [sys.executable, "-c", PROGRAM, str(config)]


def start(config: Path, log: Path) -> int:
    """The exit status of a server that does not start."""
    with log.open("w") as output:
        return subprocess.run(command(config), stderr=output, check=False).returncode


@contextlib.contextmanager
def api_process(directory: Path, database_url: str, **api: Any) -> Iterator[ApiProcess]:
    """A server on free ports; killed at the end if it is still there."""
    config = write_config(directory, database_url, **api)
    log = directory / "api.log"
    with ready_process(command(config), directory, log) as process:
        (line,) = [each for each in log.read_text().splitlines() if "Listening on" in each]
        port = int(line.partition("://127.0.0.1:")[2].split()[0])
        yield ApiProcess(process, directory / "run" / "api.sock", port, log)
