"""What msgspec says of a value becomes a sentence that names the value and the rule."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from ipam.api.http.reasons import reason


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("x", int, "'x' is not an integer"),
        (1, str, "1 is not a string"),
        (None, str, "null is not a string"),
        ([1], str, "the list is not a string"),
        ({"a": 1}, bool, "an object is not a boolean"),
        (True, str, "true is not a string"),
        (0, bool, "0 is not a boolean"),
        (70000, Annotated[int, Meta(le=65535)], "70000 is more than 65535"),
        (-1, Annotated[int, Meta(ge=0)], "-1 is less than 0"),
        ("a", Annotated[str, Meta(min_length=2)], "'a' has 1 character, at least 2 are allowed"),
        (
            "abc",
            Annotated[str, Meta(max_length=2)],
            "'abc' has 3 characters, at most 2 are allowed",
        ),
        ("b", Literal["a", "c"], "'b' is none of 'a', 'c'"),
        (5, Literal[4, 6], "5 is none of 4, 6"),
        ("a\n\x1b", Annotated[str, Meta(max_length=1)], "'a\\n\\x1b' has 3 characters, at most 1"),
        ("b", Annotated[str, Meta(pattern="^a$")], "Expected `str` matching regex '^a$'"),
    ],
)
def test_a_message_of_msgspec_names_value_and_rule(value: Any, kind: Any, expected: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(value, kind)
    choices = kind.__args__ if hasattr(kind, "__args__") else ()
    assert reason(str(refused.value), value, choices).startswith(expected)


def test_any_other_message_is_kept() -> None:
    assert reason("10.0.0.1 is a loopback address", "10.0.0.1") == "10.0.0.1 is a loopback address"
