import msgspec
import pytest

from ipam.errors import Malformed
from ipam.protocol.wire import parsed, read, read_parsed, write
from ipam.templating import Word


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


def test_a_word_of_a_configuration_is_written_as_its_text() -> None:
    pair = {Word("key"): [Word("value")]}
    assert write(pair) == b'{"key":["value"]}'
    assert parsed(pair) == {"key": ["value"]}
    assert type(parsed(Word("value"))) is str


def test_what_is_no_message_is_not_written() -> None:
    with pytest.raises(NotImplementedError, match="object"):
        write({"key": object()})
