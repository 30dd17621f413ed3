"""The compact set of ids."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.journal.seen import CHUNK_IDS, FAN_OUT, Chunk, IdSet, event_hash, pack, to_merge, unpack

_hashes = st.integers(0, 2**64 - 1)
_near = st.integers(0, 5).map(lambda n: 2**63 + n)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.one_of(_hashes, _near)), st.lists(st.one_of(_hashes, _near)))
def test_it_is_a_set(stored: list[int], added: list[int]) -> None:
    ids, model = IdSet(), set(stored)
    ids.load(pack(list(dict.fromkeys(stored))))
    ids.sort()
    for h in added:
        assert (h in ids) == (h in model)
        assert ids.add(h) == (h not in model)
        model.add(h)
    assert len(ids) == len(model)
    assert all(h in ids for h in model)


@given(st.lists(_hashes))
def test_packing(hashes: list[int]) -> None:
    assert list(unpack(pack(hashes))) == hashes


def test_hashes_differ_and_stay_the_same_for_ever() -> None:
    assert len({event_hash(f"/s e{i}") for i in range(10_000)}) == 10_000
    assert event_hash("/pos/store-17 r-000123") == 0x81912A894F2BB9F5


def test_chunks_stay_few_and_are_rewritten_seldom() -> None:
    chunks: tuple[Chunk, ...] = ()
    rewritten = total = 0
    sizes = random.Random(7)
    for number in range(1, 10_001):
        ids = sizes.randint(1, 200)
        total += ids
        merge = to_merge(chunks)
        rewritten += sum(c.ids for c in merge)
        chunks = (*(c for c in chunks if c not in merge), Chunk(number, ids + sum(c.ids for c in merge)))
    assert sum(c.ids for c in chunks) == total
    assert max(c.ids for c in chunks) <= CHUNK_IDS * 1.01
    assert len(chunks) < 6 * FAN_OUT + total / (CHUNK_IDS / FAN_OUT)
    assert rewritten < 4 * total
