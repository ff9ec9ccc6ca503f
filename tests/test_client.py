"""The client with a small real HTTP server whose answers the test chooses."""

import gc
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest

from ipam import errors
from ipam.client import Client, sends_secrets_openly
from tests.servers.quiet_server import QuietHttpServer, QuietThreads

Answer = tuple[int, dict[str, str], bytes]


class QuietUnixServer(QuietThreads, socketserver.UnixStreamServer):
    pass


class Stub:
    """Answers every request with `answer(method, path, headers)`, over a Unix socket and TCP."""

    def __init__(self, directory: Path) -> None:
        self.answer: Callable[[str, str, Any], Answer] = lambda *_: (200, {}, b"{}")
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections = 0
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                stub.connections += 1
                super().setup()

            def address_string(self) -> str:
                return "test"

            def log_message(self, *_: Any) -> None:
                pass

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                stub.seen.append((self.command, self.path, dict(self.headers), body))
                status, headers, content = stub.answer(self.command, self.path, self.headers)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815  # http.server's names

        self.socket_path = str(directory / "stub.sock")
        self.unix = QuietUnixServer(self.socket_path, Handler)
        self.tcp = QuietHttpServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.tcp.server_address[1]}"
        for server in (self.unix, self.tcp):
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        for server in (self.unix, self.tcp):
            server.shutdown()
            server.server_close()


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    stub = Stub(tmp_path)
    yield stub
    stub.close()


@pytest.fixture(params=["socket", "url"])
def client(stub: Stub, request: pytest.FixtureRequest) -> Iterator[Client]:
    if request.param == "socket":
        made = Client(socket_path=stub.socket_path)
    else:
        made = Client(url=f"{stub.url}/v2.0/", auth=("anna", "sésame"))
    with made:
        yield made


def neutron_error(status: int, kind: str, message: str = "What happened.") -> Answer:
    error = {"NeutronError": {"type": kind, "message": message, "detail": ""}}
    return status, {}, json.dumps(error).encode()


def test_get_sends_repeated_parameters_and_gives_parsed_json(client: Client, stub: Stub) -> None:
    stub.answer = lambda *_: (200, {}, b'{"ports": []}')
    assert client.get("/v2.0/ports", {"id": ["a", "b"], "limit": 2}) == {"ports": []}
    assert stub.seen[0][:2] == ("GET", "/v2.0/ports?id=a&id=b&limit=2")


def test_requests_share_one_connection(client: Client, stub: Stub) -> None:
    for _ in range(3):
        client.get("/v2.0/ports")
    assert stub.connections == 1


def test_a_password_goes_over_tcp_only(client: Client, stub: Stub) -> None:
    client.get("/")
    assert ("Authorization" in stub.seen[0][2]) == client.where.startswith("http")


def test_post_and_put_send_json_and_delete_gives_none(client: Client, stub: Stub) -> None:
    client.post("/v2.0/ports", json={"port": {}})
    client.put("/v2.0/ports/1", json={"port": {}}, revision_number=3)
    stub.answer = lambda *_: (204, {}, b"")
    assert client.delete("/v2.0/ports/1") is None
    assert [(one[0], one[3]) for one in stub.seen[:2]] == [
        ("POST", b'{"port":{}}'),
        ("PUT", b'{"port":{}}'),
    ]
    assert stub.seen[1][2]["If-Match"] == "revision_number=3"
    client.delete("/v2.0/ports/1", revision_number=4)
    assert stub.seen[-1][2]["If-Match"] == "revision_number=4"
    client.delete("/v2.0/ports/1")
    assert "If-Match" not in stub.seen[-1][2]


def test_get_if_changed_gives_none_while_the_etag_holds(client: Client, stub: Stub) -> None:
    def answer(_method: str, _path: str, headers: Any) -> Answer:
        if headers.get("If-None-Match") == '"1"':
            return 304, {"Cursor": "7"}, b""
        return 200, {"ETag": '"1"'}, b'{"networks": []}'

    stub.answer = answer
    first = client.get_if_changed("/state", None)
    assert (first.etag, first.body) == ('"1"', {"networks": []})
    again = client.get_if_changed("/state", first.etag)
    assert (again.etag, again.body, again.headers["cursor"]) == ('"1"', None, "7")


def test_get_if_changed_raises_what_is_answered_and_survives_a_closed_connection(
    client: Client, stub: Stub
) -> None:
    asked = {"names_since": 5, "of": "a b&c"}
    stub.answer = lambda *_: (200, {"ETag": '"1"', "Connection": "close"}, b"{}")
    for _ in range(3):
        assert client.get_if_changed("/state", '"0"', asked).body == {}
        assert stub.seen[-1][:2] == ("GET", "/state?names_since=5&of=a+b%26c")
        assert stub.seen[-1][2]["Accept"] == "application/json"
    stub.answer = lambda *_: neutron_error(404, "AgentNotFound")
    with pytest.raises(errors.AgentNotFound, match="What happened"):
        client.get_if_changed("/state", '"1"')
    stub.answer = lambda *_: (200, {}, b"<html>")
    with pytest.raises(errors.IpamError, match="/state did not answer in JSON"):
        client.get_if_changed("/state", '"1"')


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (neutron_error(404, "PortNotFound"), errors.PortNotFound),
        (neutron_error(409, "IpAddressGenerationFailure"), errors.IpAddressGenerationFailure),
        (neutron_error(400, "InvalidInput"), errors.InvalidInput),
        (neutron_error(401, "Unauthorized"), errors.Unauthorized),
        (neutron_error(503, "DatabaseUnavailable"), errors.DatabaseUnavailable),
        (neutron_error(409, "TrunkInUse"), errors.Conflict),
        (neutron_error(418, "Teapot"), errors.CallerError),
        (neutron_error(500, "__init__"), errors.IpamError),
        (neutron_error(400, "Sequence"), errors.HTTPBadRequest),
        ((502, {}, b"<html>Bad gateway</html>"), errors.ServiceUnavailable),
        ((404, {}, b'["NeutronError"]'), errors.NotFound),
        ((500, {}, b'{"NeutronError": "plain"}'), errors.IpamError),
    ],
)
def test_a_refusal_becomes_the_error_that_the_service_meant(
    client: Client, stub: Stub, answer: Answer, expected: type[errors.IpamError]
) -> None:
    stub.answer = lambda *_: answer
    with pytest.raises(errors.IpamError) as caught:
        client.get("/v2.0/ports/1")
    assert type(caught.value) is expected
    assert str(caught.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"message": "no\nFORGED\x1b[31m", "detail": ["\u202e"], "type": "Conflict"},
            "no\\nFORGED\\x1b[31m ['\\u202e']",
        ),
        ({"message": {"a": 1}, "detail": None, "type": "Conflict"}, "{'a': 1}"),
        ("plain\r\nFORGED", "plain\\r\\nFORGED"),
    ],
)
def test_what_a_refusal_says_is_one_line_whoever_answered(
    client: Client, stub: Stub, answer: Any, said: str
) -> None:
    body = json.dumps({"NeutronError": answer}).encode()
    stub.answer = lambda *_: (409, {}, body)
    with pytest.raises(errors.Conflict) as caught:
        client.get("/v2.0/ports")
    assert str(caught.value) == said


@pytest.mark.parametrize("given", ["\xb2", "9" * 400, "-1", "1e3", "Wed, 21 Oct"])
def test_a_strange_retry_after_is_as_none(client: Client, stub: Stub, given: str) -> None:
    status, _, body = neutron_error(503, "DatabaseUnavailable")
    stub.answer = lambda *_: (status, {"Retry-After": given}, body)
    with pytest.raises(errors.DatabaseUnavailable) as caught:
        client.get("/v2.0/ports")
    assert caught.value.retry_after_seconds == errors.DatabaseUnavailable("").retry_after_seconds


def test_retry_after_is_kept(client: Client, stub: Stub) -> None:
    status, _, body = neutron_error(503, "DatabaseUnavailable")
    stub.answer = lambda *_: (status, {"Retry-After": "7"}, body)
    with pytest.raises(errors.DatabaseUnavailable) as caught:
        client.get("/v2.0/ports")
    assert caught.value.retry_after_seconds == 7


def paged(_method: str, path: str, _headers: Any) -> Answer:
    """Three pages whose links name a host that must not be asked."""
    marker = int(httpx.URL(path).params.get("marker", 0))
    page: dict[str, Any] = {"ports": [{"id": marker + 1}, {"id": marker + 2}]}
    if marker < 4:
        href = f"http://elsewhere.invalid/v2.0/ports?limit=2&marker={marker + 2}"
        page["ports_links"] = [{"rel": "previous", "href": ""}, {"rel": "next", "href": href}]
    return 200, {}, json.dumps(page).encode()


def test_list_follows_next_links_on_the_same_connection(client: Client, stub: Stub) -> None:
    stub.answer = paged
    found = client.list("/v2.0/ports", "ports", {"limit": 2})
    assert [one["id"] for one in found] == [1, 2, 3, 4, 5, 6]


def test_list_stops_at_max_items(client: Client, stub: Stub) -> None:
    stub.answer = paged
    found = client.list("/v2.0/ports", "ports", {"limit": 2}, max_items=3)
    assert [one["id"] for one in found] == [1, 2, 3]
    assert len(stub.seen) == 2


def test_an_answer_that_is_no_json_is_said_to_be_none(client: Client, stub: Stub) -> None:
    stub.answer = lambda *_: (200, {}, b"<html>")
    with pytest.raises(errors.IpamError, match="did not answer in JSON"):
        client.get("/v2.0/ports")


# httpcore leaves the socket of a failed connect to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket.socket")
def test_an_absent_socket_is_named_with_the_next_step(tmp_path: Path) -> None:
    path = str(tmp_path / "nothing.sock")
    with (
        Client(socket_path=path) as client,
        pytest.raises(errors.ServiceUnavailable, match=f"{path}: No such file.*ipam up"),
    ):
        client.get("/")
    gc.collect()  # here, where its warning is expected, and not in the next test


def test_a_refused_connection_is_named_with_the_next_step(stub: Stub) -> None:
    stub.tcp.shutdown()
    stub.tcp.server_close()
    with (
        Client(url=stub.url) as client,
        pytest.raises(errors.ServiceUnavailable, match=f"{stub.url}: Connection refused"),
    ):
        client.get("/")


def test_a_late_answer_is_said_to_be_late(client: Client, stub: Stub) -> None:
    over = threading.Event()

    def late(*_: Any) -> Answer:
        over.wait()
        return 200, {}, b"{}"

    stub.answer = late
    with (
        Client(url=stub.url, timeout_seconds=0.05) as hasty,
        pytest.raises(errors.ServiceUnavailable, match="in time"),
    ):
        hasty.get("/")
    over.set()


def test_a_client_needs_exactly_one_place() -> None:
    with pytest.raises(ValueError, match="either"):
        Client()
    with pytest.raises(ValueError, match="either"):
        Client(socket_path="a", url="http://b")


@pytest.mark.parametrize(
    ("url", "openly"),
    [
        ("https://api.test", False),
        ("http://api.test:9696", True),
        ("http://10.0.0.1", True),
        ("http://[2001:db8::1]:9696/", True),
        ("http://localhost:9696", False),
        ("http://127.8.0.1", False),
        ("http://[::1]:9696", False),
        ("http://localhost.example.org", True),
    ],
)
def test_a_secret_is_open_to_others_without_tls_to_another_machine(url: str, openly: bool) -> None:
    assert sends_secrets_openly(url) is openly
