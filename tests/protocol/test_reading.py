import msgspec
import pytest

from ipam.errors import Malformed
from ipam.protocol.reading import fault, read, read_parsed


class Pair(msgspec.Struct):
    left: int
    right: list[int]


@pytest.mark.parametrize("data", [b'{"left": 1, "right": [2]}', '{"right": [2], "left": 1}'])
def test_json_becomes_the_struct(data: bytes | str) -> None:
    assert read(Pair, data, "it") == Pair(1, [2])


def test_what_does_not_fit_is_named_with_its_field() -> None:
    with pytest.raises(Malformed) as caught:
        read(Pair, b'{"left": 1, "right": [2, "3"]}', "the pair")
    assert str(caught.value) == (
        "the pair is not as expected: Expected `int`, got `str` - at `$.right[1]`"
    )


def test_parsed_json_is_read_in_the_same_way() -> None:
    assert read_parsed(Pair, {"left": 1, "right": []}, "it") == Pair(1, [])
    with pytest.raises(Malformed, match=r"missing required field `left`"):
        read_parsed(Pair, {"right": []}, "it")


@pytest.mark.parametrize(
    ("value", "path"), [({"left": 1, "right": [None]}, "$.a[3].right[0]"), (7, "$.a[3]`")]
)
def test_a_part_has_the_path_of_the_whole(value: object, path: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, Pair)
    assert path in fault(caught.value, "a[3]")
