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


def test_every_status_of_a_refusal_is_named(api: Api) -> None:
    paths = document(api)["paths"]
    made = paths["/v2.0/networks"]["post"]["responses"]
    assert set(made) == {"201", "400", "401", "403", "404", "409", "413", "422", "429", "503"}
    assert "412" in paths["/v2.0/networks/{resource_id}"]["put"]["responses"]
    assert "304" in paths["/v2.0/agents/{resource_id}/dhcp-state"]["get"]["responses"]
    for path, item in paths.items():
        for method, operation in item.items():
            assert method == "parameters" or "default" not in operation["responses"], path


def test_what_the_rules_hide_or_fields_leaves_out_is_not_required(api: Api) -> None:
    schemas = document(api)["components"]["schemas"]
    assert "binding:host_id" not in schemas["PortView"]["required"]
    assert "fixed_ips" in schemas["PortView"]["required"]
    assert schemas["PortViewFields"]["required"] == []


def test_bodies_take_no_other_attributes(api: Api) -> None:
    schemas = document(api)["components"]["schemas"]
    for name in ("NetworkCreate", "PortUpdate", "DhcpOptionWish", "AllocationPool"):
        assert schemas[name]["additionalProperties"] is False, name
    assert "additionalProperties" not in schemas["NetworkView"]


def test_both_ways_to_sign_in_are_described(api: Api) -> None:
    found = document(api)
    assert set(found["components"]["securitySchemes"]) == {"basic", "token"}
    assert found["security"] == [{"token": []}, {"basic": []}]
