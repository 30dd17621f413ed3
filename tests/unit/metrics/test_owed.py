"""Who is owed a look under the wall clock has it, whoever dies before."""

import pytest

from services.metrics.journal import looking as looking_module
from shared.schemas.times import day_of, micros

from .judging import LOOKING, after, insights, wall, who
from .rig import Rig, batch
from .story import START, event, purchase

NIGHT0 = day_of(micros(START))


async def test_who_is_owed_a_look_has_it_though_the_worker_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Today's sweep is over, and what happened since is written: nobody else would look before the night."""
    rig = await wall([event(purchase("o1"), days=0.5, subject="a")])
    for _ in range(3):
        await rig.flush()
    sweep = rig.store.rows[0].sweep
    assert sweep is not None
    assert sweep.done == NIGHT0 + 40
    bought = [event(purchase(f"o{n}"), days=40.25, subject=f"c{n}", id=f"e{n}") for n in range(40)]
    await rig.processor.process(batch(bought, start=1))
    monkeypatch.setattr(looking_module, "MOST_CHANGED", 10)
    await rig.flush()  # they are written; ten are looked at
    await rig.flush()  # and told, and so many more looked at
    assert len(who(rig)) == 11
    other = await after(rig)
    assert who(rig, other) == {"a", *(e.subject for e in bought)}
    assert not rig.store.rows[0].owed, "all were looked at"


async def test_a_look_is_owed_until_what_it_told_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = await wall([event(purchase("o1"), days=0.5, subject="a")])
    for _ in range(3):
        await rig.flush()
    await rig.processor.process(batch([event(purchase("o2"), days=40.25, subject="b")], start=1))
    await rig.flush()  # it is written and looked at; what that tells is in memory
    assert rig.processor._partitions[0].looks.told == {"b"}
    assert who(rig, await after(rig)) == {"a", "b"}


async def test_a_revoke_leaves_who_is_owed_a_look_to_the_next_owner() -> None:
    rig = await wall([event(purchase("o1"), days=0.5, subject="a")])
    for _ in range(3):
        await rig.flush()
    await rig.processor.process(batch([event(purchase("o2"), days=40.25, subject="b")], start=1))
    await rig.processor.revoked(frozenset({0}))
    assert who(rig, await after(rig)) == {"a", "b"}


async def test_a_list_of_whom_nothing_is_told_goes_too() -> None:
    rig = await wall([event(purchase("o1"), days=40.2, subject="a")])
    for _ in range(3):
        await rig.flush()
    told = len(insights(rig.published))
    await rig.processor.process(batch([event(purchase("o2"), days=40.25, subject="a")], start=1))
    await rig.flush()
    assert list(rig.store.rows[0].owed.values()) == [("a",)]
    await rig.flush()
    await rig.flush()
    assert not rig.store.rows[0].owed
    assert len(insights(rig.published)) == told
    writes = rig.store.writes
    await rig.flush()
    assert rig.store.writes == writes, "nothing is written for its own sake"


async def test_under_another_clock_or_number_of_partitions_the_lists_go() -> None:
    rig = await wall([event(purchase("o1"), days=0.5, subject="a")])
    await rig.flush()
    for stream, count in ((True, 1), (False, 2)):
        rig.store.rows[0].owed[1] = ("a",)
        other = Rig(rig.store, looking=LOOKING, stream=stream)
        await other.processor.assigned(frozenset({0}), count)
        for _ in range(3):
            await other.flush()
        assert not rig.store.rows[0].owed
