import threading
from typing import Any

import falcon
import falcon.testing
import msgspec
import pytest

from ipam.api.http.bodies import MOST_COMMAS, SHALLOW, parsing
from tests.api.caller import Api


def post(api: Api, raw: bytes) -> tuple[int, str]:
    result = api.client.simulate_post("/v2.0/networks", body=raw)
    error = result.json["NeutronError"]
    return result.status_code, f"{error['type']}: {error['message']}"


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"hello", "not valid JSON"),
        (b'{"network": {"mtu": NaN}}', "not valid JSON"),
        (b'{"network": {"mtu": Infinity}}', "not valid JSON"),
        (b'{"network": {"name": "\\ud800"}}', "not valid JSON"),
        (b'{"network": {"name": "\xff"}}', "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "'network' not found"),
        (b'{"port": {}}', "'network' not found"),
        (b'{"network": []}', "Expected an object, got array"),
        (b'{"network": null}', "Expected an object, got null"),
        (b"[" * 3000 + b"]" * 3000, "nested too deeply"),
        (b'{"network":' * 3000 + b"1" + b"}" * 3000, "nested too deeply"),
        (b'{"network":' * 32 + b"1" + b"}" * 32, "nested too deeply"),
        (b'{"network":' * 29 + b"1" + b"}" * 29, "Unrecognized attribute(s) 'network'"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(api: Api, raw: bytes, part: str) -> None:
    status, message = post(api, raw)
    assert status == 400
    assert message.startswith("HTTPBadRequest: ")
    assert part in message


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
def test_a_body_of_very_many_values_is_refused_before_it_is_parsed(
    api: Api, headers: dict[str, str]
) -> None:
    raw = b'{"networks": [' + b"0," * (MOST_COMMAS + 1) + b"not json"
    result = api.client.simulate_post("/v2.0/networks", body=raw, headers=headers)
    assert result.status_code == 400
    assert "more than 50000 values" in result.json["NeutronError"]["message"]


def test_a_body_of_10_megabytes_is_too_large(api: Api) -> None:
    raw = b'{"network": {"name": "' + b"x" * 10_000_000 + b'"}}'
    assert post(api, raw)[0] == 413


def test_a_body_that_is_announced_as_too_long_is_not_read(
    application: falcon.App[Any, Any],
) -> None:
    class Unreadable:
        def read(self, _size: int = -1) -> bytes:
            raise AssertionError("read")

    environ = falcon.testing.create_environ("/v2.0/networks", method="POST")
    environ |= {"CONTENT_LENGTH": "10000000", "wsgi.input": Unreadable()}
    answer = falcon.testing.StartResponseMock()
    application(environ, answer)
    assert answer.status == "413 Content Too Large"


@pytest.mark.parametrize(("depth", "status"), [(28, 201), (30, 400), (3000, 400)])
def test_deep_nesting_in_a_free_object_is_refused_or_kept(
    api_on_each: Api, depth: int, status: int
) -> None:
    network_id = api_on_each.create("network")["id"]
    inner = b'{"a":' * depth + b"1" + b"}" * depth
    raw = b'{"port": {"network_id": "%s", "binding:profile": %s}}' % (
        network_id.encode(),
        inner,
    )
    result = api_on_each.client.simulate_post("/v2.0/ports", body=raw)
    assert result.status_code == status


def test_bodies_that_may_be_deep_share_one_stack_whatever_thread_reads_them() -> None:
    deep: set[int] = set()

    def read() -> None:
        here = threading.get_ident()
        assert parsing(b"[]", lambda _raw: threading.get_ident()) == here
        deep.add(parsing(b"[" * SHALLOW, lambda _raw: threading.get_ident()))
        assert here not in deep

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read()
    assert len(deep) == 1


def test_what_parsing_raises_is_raised_to_who_asked() -> None:
    for raw in (b"[", b"[" * SHALLOW):
        with pytest.raises(msgspec.DecodeError):
            parsing(raw, msgspec.json.decode)
    with pytest.raises(RecursionError):
        parsing(b"[" * 3000, msgspec.json.decode)
