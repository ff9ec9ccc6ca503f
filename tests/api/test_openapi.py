from typing import Any

import falcon
import openapi_spec_validator

from ipam.api.app import make_service, routes
from tests.api.caller import Api


def document(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.call("GET", "/openapi.json").json
    return found


def test_the_document_is_valid(api: Api) -> None:
    assert document(api)["openapi"].startswith("3.1.")
    openapi_spec_validator.validate(document(api))


def test_the_document_is_in_step_with_the_routes(
    api: Api, application: falcon.App[Any, Any], settings: Any, sqlite: Any
) -> None:
    paths = document(api)["paths"]
    table = routes(make_service(settings, sqlite))
    assert set(paths) == {path for path, _ in table} | {"/v2.0/openapi.json"}
    for path, route in table:
        served = {
            name.removeprefix("on_")
            for name in dir(route)
            if name.startswith("on_") and callable(getattr(route, name))
        }
        assert set(paths[path]) - {"parameters"} == served, path


def test_names_on_the_wire_and_bounds_are_described(api: Api) -> None:
    schemas = document(api)["components"]["schemas"]
    assert "router:external" in schemas["NetworkCreate"]["properties"]
    assert schemas["NetworkCreate"]["properties"]["name"]["maxLength"] == 255
    assert schemas["SubnetCreate"]["required"] == ["network_id", "ip_version"]


def test_every_answer_of_a_resource_fits_its_schema(api: Api, subnet: dict[str, Any]) -> None:
    schemas = document(api)["components"]["schemas"]
    (port,) = api.list("port")
    network = api.show("network", subnet["network_id"])
    for name, item in (("NetworkView", network), ("SubnetView", subnet), ("PortView", port)):
        assert set(item) == set(schemas[name]["properties"])


def test_list_parameters_are_described(api: Api) -> None:
    parameters = document(api)["paths"]["/v2.0/ports"]["get"]["parameters"]
    names = {each["name"] for each in parameters}
    assert {"fixed_ips", "binding:host_id", "limit", "marker", "sort_key", "fields"} <= names
