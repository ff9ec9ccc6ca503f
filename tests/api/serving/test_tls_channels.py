"""TLS at the door of TCP, with certificates of a private authority."""

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from ipam.api.serving import patience
from ipam.client import Client
from ipam.errors import PolicyNotAuthorized, Unauthorized
from ipam.identity import htpasswd
from ipam.identity.authentication import PEER_NAME
from ipam.store import schema
from ipam.store.engine.database import Database
from ipam.tls import TlsFiles, client_context, server_context
from tests.api.serving.api_process import api_process
from tests.api.serving.open_doors import BODY_BYTES, CONNECTIONS, LONG_BYTES, Place
from tests.private_ca import PrivateCa
from tests.waiting import PATIENCE_SECONDS, eventually


@pytest.fixture
def ca(tmp_path: Path) -> PrivateCa:
    return PrivateCa(tmp_path)


@pytest.fixture
def place(ca: PrivateCa, tmp_path: Path) -> Iterator[Place]:
    files = ca.files("127.0.0.1", stem="server")
    opened = Place(tmp_path, server_context(files, require_client_certificate=False))
    yield opened
    opened.close()


def connection(place: Place, files: TlsFiles) -> HTTPSConnection:
    made = HTTPSConnection(
        "127.0.0.1", place.port, timeout=PATIENCE_SECONDS, context=client_context(files)
    )
    place.opened.callback(made.close)
    return made


def ask(used: HTTPSConnection, path: str = "/", body: bytes | None = None) -> bytes:
    used.request("GET" if body is None else "POST", path, body)
    response = used.getresponse()
    content = response.read()
    assert response.status == 200
    return content


def trusting(ca: PrivateCa) -> TlsFiles:
    return TlsFiles(ca=ca.file)


def test_requests_are_answered_one_after_the_other(place: Place, ca: PrivateCa) -> None:
    used = connection(place, trusting(ca))
    for _ in range(3):
        assert ask(used) == b"None"
    assert ask(used, body=b"x" * (BODY_BYTES - 1)) == b"None"
    assert place.application.environ["wsgi.url_scheme"] == "https"
    assert PEER_NAME not in place.application.environ


def test_a_long_answer_arrives_whole(place: Place, ca: PrivateCa) -> None:
    used = connection(place, trusting(ca))
    assert len(ask(used, "/long")) == LONG_BYTES
    assert ask(used) == b"None"


def test_a_verified_certificate_names_its_client(place: Place, ca: PrivateCa) -> None:
    named = ca.files("node-7.test", common_name="agent@node-7")
    ask(connection(place, named))
    assert place.application.environ[PEER_NAME] == "agent@node-7"
    ask(connection(place, ca.files("node-8.test")))
    assert place.application.environ[PEER_NAME] == "node-8.test"


def test_a_certificate_of_another_authority_gets_nowhere(
    place: Place, ca: PrivateCa, tmp_path: Path
) -> None:
    stranger = PrivateCa(tmp_path, "stranger").files("node-7.test", stem="stranger")
    with pytest.raises(OSError, match=r"(?i)unknown ca|reset|broken|EOF"):
        ask(connection(place, replace(stranger, ca=ca.file)))
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(connection(place, stranger))
    assert place.application.paths == []


def test_a_server_that_requires_certificates_lets_nobody_in_without(
    ca: PrivateCa, tmp_path: Path
) -> None:
    files = ca.files("127.0.0.1", stem="server")
    place = Place(tmp_path, server_context(files, require_client_certificate=True))
    with contextlib.closing(place):
        with pytest.raises(OSError, match=r"(?i)certificate required|reset|broken|EOF"):
            ask(connection(place, trusting(ca)))
        assert ask(connection(place, ca.files("node-7.test"))) == b"None"


def test_an_older_version_than_the_minimum_is_refused(ca: PrivateCa, tmp_path: Path) -> None:
    files = replace(ca.files("127.0.0.1", stem="server"), minimum_version="1.3")
    place = Place(tmp_path, server_context(files, require_client_certificate=False))
    context = ssl.create_default_context(cafile=ca.file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with contextlib.closing(place), pytest.raises(ssl.SSLError):
        context.wrap_socket(place.by_tcp(), server_hostname="127.0.0.1")


def test_a_new_certificate_counts_for_new_connections_and_open_ones_go_on(
    place: Place, ca: PrivateCa
) -> None:
    def serial(used: HTTPSConnection) -> str:
        assert isinstance(used.sock, ssl.SSLSocket)
        certificate = used.sock.getpeercert()
        assert certificate
        return str(certificate["serialNumber"])

    before = connection(place, trusting(ca))
    ask(before)
    old = serial(before)
    ca.files("127.0.0.1", stem="server")
    after = connection(place, trusting(ca))
    ask(after)
    assert serial(after) != old
    ask(before)
    assert serial(before) == old


def test_a_client_shows_the_certificate_that_its_files_hold_now(
    place: Place, ca: PrivateCa
) -> None:
    context = client_context(ca.files("first.test"))
    for name in ("first.test", "second.test"):
        ca.files(name)
        used = HTTPSConnection("127.0.0.1", place.port, timeout=PATIENCE_SECONDS, context=context)
        with contextlib.closing(used):
            ask(used)
        assert place.application.environ[PEER_NAME] == name


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01"])
def test_whoever_does_not_finish_the_handshake_is_ended(
    place: Place, ca: PrivateCa, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.5)
    channel = place.by_tcp(sent)
    with contextlib.suppress(ConnectionError):
        while channel.recv(1000):
            pass
    assert ask(connection(place, trusting(ca))) == b"None"


def test_a_flood_of_half_handshakes_gives_way(place: Place, ca: PrivateCa) -> None:
    for _ in range(3 * CONNECTIONS):
        place.by_tcp(b"\x16\x03\x01")
    assert ask(connection(place, trusting(ca))) == b"None"
    active = place.tcp.server.active_channels
    eventually(lambda: len(active) <= CONNECTIONS, "the flood gives way")


def test_the_server_of_the_api_knows_the_users_that_certificates_name(
    ca: PrivateCa, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/ipam.sqlite"
    database = Database(url)
    schema.upgrade(database)
    database.dispose()
    htpasswd.put(tmp_path / "htpasswd", "ann", "secret", role="admin")
    htpasswd.put(tmp_path / "htpasswd", "agent@node-7", "secret", role="agent")
    server = ca.files("127.0.0.1", stem="server")
    options = {
        "tls_certificate_file": server.certificate,
        "tls_key_file": server.key,
        "tls_client_ca_file": ca.file,
    }
    with api_process(tmp_path, url, **options) as running:

        def client(files: TlsFiles, auth: tuple[str, str] | None = None) -> Client:
            where = f"https://127.0.0.1:{running.port}"
            return Client(url=where, auth=auth, verify=client_context(files))

        with client(ca.files("x.test", common_name="ann")) as ann:
            assert ann.get("/v2.0/agents") == {"agents": []}
        with client(TlsFiles(ca=ca.file), ("ann", "secret")) as ann:
            assert ann.get("/v2.0/agents") == {"agents": []}
        with client(ca.files("node-7")) as agent:
            agent.post("/v2.0/agents", json={"agent": {"host": "node-7", "started_at": 1}})
            with pytest.raises(PolicyNotAuthorized):
                agent.post("/v2.0/agents", json={"agent": {"host": "node-8", "started_at": 1}})
        for nobody in (ca.files("node-9"), TlsFiles(ca=ca.file)):
            with client(nobody) as other, pytest.raises(Unauthorized):
                other.get("/v2.0/agents")
        ann_and_more = client(ca.files("x.test", common_name="ann"), ("ann", "wrong"))
        with ann_and_more as other, pytest.raises(Unauthorized):
            other.get("/v2.0/agents")  # what is said counts, not what is shown
        assert running.unix("GET", "/v2.0/agents").status == 200
