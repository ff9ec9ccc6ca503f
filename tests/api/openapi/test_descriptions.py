from tests.api.caller import Api


def test_every_attribute_has_its_sentence(api: Api) -> None:
    schemas = api.call("GET", "/openapi.json").json["components"]["schemas"]
    without = [
        f"{name}.{attribute}"
        for name, schema in schemas.items()
        for attribute, described in schema.get("properties", {}).items()
        if not described.get("description")
    ]
    assert without == []
