from hypothesis import given
from hypothesis import strategies as st

from ipam.model import pack
from ipam.rules.dynamic_ranges import part, texts

sizes = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 20)), min_size=1, max_size=5)


def ranges_of(gaps_and_sizes: list[tuple[int, int]]) -> list[tuple[bytes, bytes]]:
    found, at = [], int.from_bytes(pack("10.0.0.0"))
    for gap, size in gaps_and_sizes:
        first = at + gap
        at = first + size
        found.append((first.to_bytes(4), (at - 1).to_bytes(4)))
    return found


def listed(ranges: list[tuple[str, str]]) -> list[int]:
    return [
        each
        for low, high in ranges
        for each in range(int.from_bytes(pack(low)), int.from_bytes(pack(high)) + 1)
    ]


@given(sizes, st.integers(1, 6))
def test_the_parts_are_all_of_the_ranges_and_share_nothing(
    gaps_and_sizes: list[tuple[int, int]], parts: int
) -> None:
    ranges = ranges_of(gaps_and_sizes)
    each = [listed(part(ranges, number, parts)) for number in range(parts)]
    assert [one for some in each for one in some] == listed(texts(ranges))
    assert max(map(len, each)) - min(map(len, each)) <= 1


def test_one_host_has_all() -> None:
    ranges = [(pack("10.0.0.5"), pack("10.0.0.9")), (pack("10.0.0.20"), pack("10.0.0.20"))]
    assert part(ranges, 0, 1) == texts(ranges)
