"""A record of several ids: how it is handed over, kept and read."""

from services.metrics.domain import state
from services.metrics.domain.cells import Delta
from services.metrics.domain.merging import handing
from services.metrics.domain.merging.joined import Joined, count, tracked_of, unheard_of
from services.metrics.domain.merging.taking import given_back, left, taken_in
from services.metrics.domain.tracked import Tracked

from .story import event, purchase, run


async def test_what_is_large_comes_in_pieces_and_counts_once_all_are_there() -> None:
    log = [event(purchase(f"o{n}", n), days=n / 10, subject="a", id=f"x{n}") for n in range(300)]
    tracked = run(log)[0]["a"]
    delta = Delta()
    going = left("a", tracked, delta)
    pieces = handing.cut(going, 500).pieces
    assert len(pieces) > 3
    pending: dict[str, dict[int, str]] = {}
    for piece in reversed(pieces[1:]):
        assert handing.arrived(pending, handing.Handed(pieces=(piece, piece))) == []
    (whole,) = handing.arrived(pending, handing.Handed(pieces=pieces[:1]))
    assert pending == {}
    after = taken_in("b", unheard_of(), whole, delta)
    assert not delta
    assert after.data.orders.keys() == tracked.data.orders.keys()


def test_a_record_with_parts_is_read_as_it_was_written() -> None:
    log = [event(purchase(f"o{n}"), days=n, subject="ab"[n % 2], id=f"x{n}") for n in range(20)]
    records, delta = run(log)[0], Delta()
    joined = taken_in("b", records["b"], left("a", records["a"], delta), delta)
    joined.trim()
    again = tracked_of("b", state.decode(state.encode(joined.data)))
    assert isinstance(again, Joined)
    assert [*again.counted()] == [*joined.counted()]
    back = given_back("b", again, "a", {"a"}, delta)
    assert {*back[0].data.orders} == {f"o{n}" for n in range(1, 20, 2)}
    both = Delta()
    for one in (back[0], back[1].record):
        count(both, one.counted(), 1)
    assert both == run(log)[1]


def test_what_an_earlier_version_counted_otherwise_is_counted_right_first() -> None:
    log = [event(purchase("o1"), days=1, subject="a"), event(purchase("o2"), days=1, subject="a", id="y")]
    tracked, delta = run(log)[0]["a"], Delta()
    tracked.data.by_days, tracked.data.months = False, None
    going = left("a", Tracked(tracked.data), delta)
    assert going.record.data.by_days
    assert going.record.data.months
    assert delta
