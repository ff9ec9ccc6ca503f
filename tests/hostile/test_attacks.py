"""The attack is what it says: repeatable, over every operation, and of every kind."""

from collections import Counter
from random import Random

import pytest

from ipam import settings as ipam_settings
from ipam.api.app import create_app
from tests.api.caller import ADMIN, Api
from tests.hostile.attacks import ATTACKS, request
from tests.hostile.json_bodies import Twice, Word, encode
from tests.hostile.operations import Document
from tests.hostile.place import PERSONAS
from tests.hostile.target import Target


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    directory = tmp_path_factory.mktemp("attacks")
    config = directory / "ipam.conf"
    config.write_text(f"[DEFAULT]\nstate_path = {directory}\nrun_path = {directory}\n")
    settings = ipam_settings.load([str(config)])
    api = Api(create_app(settings, authenticate=lambda _environ: ADMIN))
    document = Document(api.call("GET", "/openapi.json").json, {"ports": ["a", "b"]})
    return Target(document, dict.fromkeys(PERSONAS, "Basic eDp5"))


def test_a_seed_and_a_number_give_the_same_request_again(target: Target) -> None:
    assert [request(7, n, target) for n in range(200)] == [
        request(7, n, target) for n in range(200)
    ]
    assert request(7, 1, target) != request(8, 1, target)


def test_other_ids_do_not_change_the_form_of_a_request(target: Target) -> None:
    kinds = [request(7, number, target).kind for number in range(300)]
    other = Target(Document(target.document._document, {}), target.authorizations)
    assert [request(7, number, other).kind for number in range(300)] == kinds


def test_an_attack_has_every_kind_in_its_share(target: Target) -> None:
    kinds = Counter(request(1, n, target).kind.partition(":")[0] for n in range(3_000))
    assert set(kinds) == set(ATTACKS)
    assert sum(weight for weight, _ in ATTACKS.values()) == 100


def test_every_operation_is_asked_for(target: Target) -> None:
    chance = Random(1)
    asked = [target.an_operation(chance) for _ in range(5_000)]
    operations = target.document.operations
    assert {(one.method, one.path) for one in asked} == {(o.method, o.path) for o in operations}
    assert all(
        target.document.body(one, chance) is not None
        for one in operations
        if one.method == "PUT" and one.body
    )


def test_json_can_be_wrong() -> None:
    assert encode({"a": [1, "\u202e", None, True]}) == '{"a":[1,"\u202e",null,true]}'.encode()
    assert encode({"a": Word(b"NaN")}) == b'{"a":NaN}'
    assert encode(Twice(a=1)) == b'{"a":1,"a":null}'
    assert encode("\ud800") == b'"\xed\xa0\x80"'
