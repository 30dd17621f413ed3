"""Runs, pages, filters and residues as data."""

import random
from array import array

from hypothesis import given
from hypothesis import strategies as st

from services.metrics.journal.residues import Residue, parse
from services.metrics.journal.runs import (
    FALSE_POSITIVES,
    PAGE_IDS,
    PageCache,
    PageName,
    RunInfo,
    by_page,
    empty_filter,
    holds,
    joined,
    pieces,
)

_counts = st.integers(1, 24)


@given(_counts, _counts, st.data())
def test_residues_meet_where_a_key_is_in_both(a: int, b: int, data: st.DataObject) -> None:
    one = Residue(a, data.draw(st.integers(0, a - 1)))
    other = Residue(b, data.draw(st.integers(0, b - 1)))
    together = any(h % a == one.number and h % b == other.number for h in range(a * b))
    assert one.meets(other) == other.meets(one) == together
    assert parse(one.name) == one


@given(st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=200), st.integers(1, 40_000))
def test_each_id_is_on_the_one_page_where_it_is_looked_for(hashes: list[int], ids: int) -> None:
    info, ordered = RunInfo("r", ids), array("Q", sorted(hashes))
    found: list[int] = []
    middle = info.pages // 2
    for first, end in ((0, middle), (middle, info.pages)):
        for page, on_it in by_page(info, ordered, first, end):
            assert all(info.page_of(h) == page and holds(on_it, h) for h in on_it)
            found += on_it
    assert found == list(ordered)


def test_a_page_is_half_full_to_full_on_average() -> None:
    for ids in (1, PAGE_IDS, PAGE_IDS + 1, 5 * PAGE_IDS, 64 * PAGE_IDS, 64 * PAGE_IDS + 1):
        assert PAGE_IDS / 2 < max(ids, PAGE_IDS) / RunInfo("r", ids).pages <= PAGE_IDS


def test_a_filter_misses_nothing_and_is_seldom_wrong() -> None:
    dice = random.Random(7)
    ids = [dice.getrandbits(64) for _ in range(200_000)]
    bloom = empty_filter(len(ids))
    bloom.update(ids)
    stored = joined(pieces(bloom))
    assert all(h in stored for h in ids)
    wrong = sum(dice.getrandbits(64) in stored for _ in range(200_000)) / 200_000
    assert wrong < 1.25 * FALSE_POSITIVES
    assert stored.size_in_bits < 12 * len(ids)


def test_what_a_filter_was_stored_as_is_read_for_ever() -> None:
    bloom = empty_filter(100)
    bloom.update(range(0, 2**64, 2**58))
    (piece,) = pieces(bloom)
    assert piece.hex()[:48] == "070000000000000081000000000000000000008410000001"


def test_the_pages_read_last_are_kept() -> None:
    cache = PageCache(limit=4 * 8)
    pages = {PageName("r", n): array("Q", [n, n]) for n in range(3)}
    cache.put({name: pages[name] for name in list(pages)[:2]})
    assert cache.get(PageName("r", 0)) is not None
    cache.put({PageName("r", 2): pages[PageName("r", 2)]})
    assert [cache.get(name) is not None for name in pages] == [True, False, True]
    assert cache.bytes == 4 * 8
