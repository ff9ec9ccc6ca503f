"""The real server in its own process: two listeners, who may call, faults, start and stop."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ipam.identity import htpasswd
from ipam.identity.failed_logins import FREE_OF_NAME
from ipam.store import schema
from ipam.store.engine.database import Database
from ipam.store.tables import audit_event
from tests.api.serving.api_process import (
    ApiProcess,
    UnixConnection,
    api_process,
    basic,
    start,
    write_config,
)
from tests.open_directory import open_directory
from tests.servers.choice import on_servers
from tests.servers.private_server import PrivateServer
from tests.waiting import PATIENCE_SECONDS

NOBODY = 65534
SMALL = 4096

LEASE_EVENT = {
    "network_id": "11111111-2222-4333-8444-555555555555",
    "host": "host-a",
    "action": "old",
    "ip_address": "10.0.0.5",
    "occurred_at_us": 1,
}

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")


@pytest.fixture(scope="module")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('server')}/ipam.sqlite"
    database = Database(url)
    schema.upgrade(database)
    database.dispose()
    return url


@pytest.fixture(scope="module")
def server(sqlite_url: str) -> Iterator[ApiProcess]:
    with open_directory("server") as directory:  # another user must get to the socket
        for name, role in (("ann", "admin"), ("rita", "reader"), ("agent", "service")):
            htpasswd.put(directory / "htpasswd", name, f"{name}-secret", role=role)
        with api_process(directory, sqlite_url, max_body_bytes=SMALL) as running:
            yield running


def test_a_user_of_the_file_gets_in_over_tcp(server: ApiProcess) -> None:
    answer = server.tcp("GET", "/v2.0/agents", Authorization=basic("ann", "ann-secret"))
    assert (answer.status, answer.body) == (200, {"agents": []})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": basic("ann", "wrong")},
        {"Authorization": basic("nobody", "ann-secret")},
        {"Authorization": "Bearer x"},
        {"X_Roles": "admin", "X_User_Id": "root", "X_Identity_Status": "Confirmed"},
        {"ipam.peer_uid": "0"},
        {"ipam_peer_uid": "0"},
    ],
)
def test_nobody_else_gets_in_over_tcp(server: ApiProcess, headers: dict[str, str]) -> None:
    answer = server.tcp("GET", "/v2.0/agents", **headers)
    assert (answer.status, answer.error_type) == (401, "Unauthorized")
    assert answer.headers["www-authenticate"] == 'Basic realm="ipam"'


def test_headers_give_no_one_another_role(server: ApiProcess) -> None:
    claims = {"X_Roles": "admin", "X_Role": "admin", "X_User_Id": "ann", "X_Project_Id": "p"}
    answer = server.tcp(
        "POST",
        "/v2.0/networks",
        {"network": {}},
        Authorization=basic("rita", "rita-secret"),
        **claims,
    )
    assert (answer.status, answer.error_type) == (403, "PolicyNotAuthorized")


def test_an_agent_may_do_what_agents_do(server: ApiProcess) -> None:
    who = {"Authorization": basic("agent", "agent-secret")}
    assert server.tcp("POST", "/v2.0/lease-events", {"lease_events": []}, **who).status == 200
    assert server.tcp("GET", "/v2.0/leases", **who).status == 200
    assert server.tcp("POST", "/v2.0/networks", {"network": {}}, **who).status == 403


def test_the_versions_need_no_password(server: ApiProcess) -> None:
    assert server.tcp("GET", "/").status in (200, 300)


def test_the_service_itself_needs_no_password_on_the_socket(server: ApiProcess) -> None:
    assert server.unix("GET", "/v2.0/agents").status == 200
    wrong = basic("ann", "wrong")
    assert server.unix("GET", "/v2.0/agents", Authorization=wrong).status == 200


@as_root
def test_another_user_on_the_socket_is_asked_for_a_password(server: ApiProcess) -> None:
    answer = server.unix_as(NOBODY)
    assert answer.startswith("HTTP/1.0 401 ")
    assert '"type":"Unauthorized"' in answer
    assert server.unix_as(0).startswith("HTTP/1.0 200 ")


def test_everyone_may_connect_to_the_socket_and_nobody_else_may_move_it(
    server: ApiProcess,
) -> None:
    assert stat.S_IMODE(server.socket_path.stat().st_mode) == 0o666
    assert stat.S_IMODE(server.socket_path.parent.stat().st_mode) == 0o755


def test_two_faults_are_both_told(server: ApiProcess) -> None:
    body = {"network": {"mtu": "wide", "name": "x" * 256}}
    answer = server.unix("POST", "/v2.0/networks", body)
    assert answer.status == 400
    message = answer.body["NeutronError"]["message"]
    assert "mtu" in message
    assert "name" in message


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"{", 400, "HTTPBadRequest"),
        (b'{"network": NaN}', 400, "HTTPBadRequest"),
        (b"[" * 3000, 400, "HTTPBadRequest"),
        (b'{"network": {"name": "' + b"x" * SMALL + b'"}}', 413, "HTTPRequestEntityTooLarge"),
        (b"x" * 10_000_000, 413, "HTTPRequestEntityTooLarge"),
    ],
    ids=["not JSON", "NaN", "3,000 deep", "a little too long", "10 MB"],
)
def test_a_bad_body_is_refused_and_the_server_goes_on(
    server: ApiProcess, body: bytes, status: int, kind: str
) -> None:
    for call in (server.unix, lambda *a: server.tcp(*a, Authorization=basic("ann", "ann-secret"))):
        answer = call("POST", "/v2.0/networks", body)
        assert (answer.status, answer.error_type) == (status, kind)
    assert server.unix("GET", "/v2.0/agents").status == 200


def test_a_body_of_unknown_length_is_bounded_too(server: ApiProcess) -> None:
    head = b"POST /v2.0/networks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%b\r\n" % (SMALL // 4, b"x" * (SMALL // 4))
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as channel:
        channel.sendall(head)
        for _ in range(4):
            channel.sendall(chunk)
        answer = channel.makefile("rb").read().decode()
    assert answer.startswith("HTTP/1.1 413 ")
    assert '"type":"HTTPRequestEntityTooLarge"' in answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: ".ljust(65536, b"y"),  # not more, or the rest resets the connection
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
    ],
    ids=["header", "long header", "coding", "TLS"],
)
def test_what_is_no_http_gets_an_error_of_the_usual_form(
    server: ApiProcess, request_bytes: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as channel:
        channel.sendall(request_bytes)
        answer = channel.makefile("rb").read().decode()
    assert answer.split()[1][0] in "45"
    assert '{"NeutronError":{"type":"' in answer


def test_a_second_server_is_told_that_the_port_is_taken(
    server: ApiProcess, sqlite_url: str, tmp_path: Path
) -> None:
    config = write_config(tmp_path, sqlite_url, bind_port=server.port)
    assert start(config, tmp_path / "log") == 1
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert f"Port {server.port} of 127.0.0.1 is in use by another process" in line
    assert "[api] bind_port" in line
    assert not (tmp_path / "run" / "api.sock").exists()


def test_a_second_server_does_not_take_a_live_socket(
    server: ApiProcess, sqlite_url: str, tmp_path: Path
) -> None:
    config = write_config(tmp_path, sqlite_url, socket=server.socket_path)
    assert start(config, tmp_path / "log") == 1
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert f"Another process listens on the socket {server.socket_path}" in line
    assert server.unix("GET", "/v2.0/agents").status == 200


def test_an_old_schema_is_refused_with_the_command_to_run(tmp_path: Path) -> None:
    config = write_config(tmp_path, f"sqlite:///{tmp_path}/new.sqlite")
    assert start(config, tmp_path / "log") == 1
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert "`ipam db upgrade`" in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_and_takes_its_socket_away(
    sqlite_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    with api_process(tmp_path, sqlite_url) as running:
        idle = HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_SECONDS)
        idle.connect()
        running.process.send_signal(number)
        assert running.process.wait(PATIENCE_SECONDS) == 0
        idle.close()
        assert not running.socket_path.exists()
        assert "Traceback" not in running.log.read_text()


def test_what_was_counted_and_not_recorded_yet_is_recorded_before_the_server_ends(
    sqlite_url: str, tmp_path: Path
) -> None:
    refused = select(func.sum(audit_event.c.times), func.count())
    database = Database(sqlite_url)
    (before, _), wanted = database.read(lambda tx: tx.execute(refused).one()), 80
    with api_process(tmp_path, sqlite_url) as running:
        for _ in range(wanted):
            assert running.unix("POST", "/v2.0/networks", {}).status == 400
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(PATIENCE_SECONDS) == 0
    times, rows = database.read(lambda tx: tx.execute(refused).one())
    database.dispose()
    assert times - (before or 0) == wanted
    assert rows < wanted


def test_a_socket_that_a_killed_server_left_is_replaced(sqlite_url: str, tmp_path: Path) -> None:
    with api_process(tmp_path, sqlite_url) as killed:
        pass
    assert killed.socket_path.exists()
    with api_process(tmp_path, sqlite_url) as running:
        assert running.unix("GET", "/v2.0/agents").status == 200


def test_a_server_leaves_its_successors_socket_alone(sqlite_url: str, tmp_path: Path) -> None:
    with api_process(tmp_path, sqlite_url) as running:
        running.socket_path.unlink()
        with socket.socket(socket.AF_UNIX) as successor:
            successor.bind(str(running.socket_path))
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(PATIENCE_SECONDS) == 0
            assert running.socket_path.exists()


def test_a_request_under_way_is_answered_before_the_server_stops(
    sqlite_url: str, tmp_path: Path
) -> None:
    with api_process(tmp_path, sqlite_url) as running:
        lines = [{"id": f"{n:032x}"} | LEASE_EVENT for n in range(4000)]
        body = json.dumps({"lease_events": lines})  # more than a socket holds: it is being read
        with contextlib.closing(UnixConnection(running.socket_path)) as connection:
            connection.request("POST", "/v2.0/lease-events", body)
            running.process.send_signal(signal.SIGTERM)
            response = connection.getresponse()
            answer = json.loads(response.read())
        assert (response.status, answer["applied"]) == (200, 4000)


def test_more_requests_than_threads_wait_their_turn_without_a_word(server: ApiProcess) -> None:
    with ThreadPoolExecutor(40) as threads:
        asked = [threads.submit(server.unix, "GET", "/v2.0/agents") for _ in range(200)]
        assert {each.result().status for each in asked} == {200}
    assert "queue depth" not in server.log.read_text()


@on_servers
def test_a_database_that_is_away_is_503_and_everything_is_well_again_afterwards(
    database_server: PrivateServer | None, database_url: str, tmp_path: Path
) -> None:
    assert database_server is not None
    body = {"agent": {"host": "host-a", "started_at": 1}}
    with api_process(tmp_path, database_url) as running:
        assert running.unix("POST", "/v2.0/agents", body).status == 200
        database_server.stop()
        try:
            for method, sent in (("GET", None), ("POST", body)):
                answer = running.unix(method, "/v2.0/agents", sent)
                assert (answer.status, answer.error_type) == (503, "DatabaseUnavailable")
                assert int(answer.headers["retry-after"]) > 0
        finally:
            database_server.start()
        with ThreadPoolExecutor(8) as threads:
            asked = [threads.submit(running.unix, "GET", "/v2.0/agents") for _ in range(32)]
            assert {each.result().status for each in asked} == {200}
        assert running.unix("POST", "/v2.0/agents", body).status == 200


@on_servers
def test_a_server_starts_while_the_database_is_away_and_waits_for_it(
    database_server: PrivateServer | None, database_url: str, tmp_path: Path
) -> None:
    assert database_server is not None
    database_server.stop()
    try:
        with api_process(tmp_path, database_url) as running:
            assert running.unix("GET", "/v2.0/agents").status == 503
            database_server.start()
            assert running.unix("GET", "/v2.0/agents").status == 200
    finally:
        database_server.stop()
        database_server.start()


def test_the_server_does_without_what_only_other_commands_need() -> None:
    program = (
        "import sys, ipam.api.serving.server\n"
        "names = 'alembic openstack keystoneauth1 oslo_policy requests pyroute2 click httpx'\n"
        "names = f'{names} jinja2 psutil'.split()\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_wrong_logins_are_put_off_and_counted_and_the_known_user_notices_nothing(
    sqlite_url: str, tmp_path: Path
) -> None:
    htpasswd.put(tmp_path / "htpasswd", "ann", "ann-secret", role="admin")
    with api_process(tmp_path, sqlite_url) as running:
        known = {"Authorization": basic("ann", "ann-secret")}
        assert running.tcp("GET", "/v2.0/agents", **known).status == 200

        def guess(number: int) -> tuple[int, str]:
            attempt = {"Authorization": basic("ann", f"guess {number}")}
            answer = running.tcp("GET", "/v2.0/agents", **attempt)
            if answer.status == 429:
                assert int(answer.headers["retry-after"]) > 0
            return answer.status, answer.error_type

        guesses = list(map(guess, range(FREE_OF_NAME)))
        with ThreadPoolExecutor(8) as threads:
            guesses += threads.map(guess, range(FREE_OF_NAME, 40))
        assert set(guesses) == {(401, "Unauthorized"), (429, "TooManyLogins")}
        assert running.tcp("GET", "/v2.0/agents", **known).status == 200
        with contextlib.closing(HTTPConnection("127.0.0.1", running.port)) as connection:
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
    for reason, status in (("wrong", 401), ("too_many", 429)):
        number = sum(each[0] == status for each in guesses)
        assert f'ipam_refused_logins_total{{reason="{reason}"}} {number}.0' in lines
    assert "logins of 'ann' failed, the last from 127.0.0.1" in running.log.read_text()
