"""Keys as tsig-keygen writes them, and what is wrong with others."""

import pytest

from ipam.rules.tsig_key_text import TsigKey, read_key

SECRET = "p3e0aVpDMSEQnGlC7h3lHhcTj7P3lmVbyDyBc8DF0G8="
GOOD = f"""
# made with tsig-keygen
key "ipam" {{
\talgorithm hmac-sha256;
\tsecret "{SECRET}";
}};
"""


@pytest.mark.parametrize(
    "text", [GOOD, f"key ipam. {{ algorithm HMAC-SHA256; secret {SECRET}; }}; // end"]
)
def test_a_key_is_read(text: str) -> None:
    assert read_key(text) == TsigKey("ipam", "hmac-sha256", SECRET)


def test_a_key_does_not_show_its_secret() -> None:
    assert SECRET not in repr(read_key(GOOD))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "0 keys"),
        (GOOD + GOOD, "2 keys"),
        (GOOD.replace("hmac-sha256", "hmac-md5"), "hmac-md5"),
        (GOOD.replace(SECRET, "base64?!"), "not base64"),
        (GOOD.replace(SECRET, "c2hvcnQ="), "5 bytes"),
        (f"ipam:{SECRET}", "tsig-keygen"),
    ],
)
def test_what_is_no_key_is_said_without_the_secret(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part) as caught:
        read_key(text)
    assert SECRET not in str(caught.value)
