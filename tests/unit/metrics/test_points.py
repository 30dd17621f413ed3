"""What becomes of points, against the ledgers themselves."""

import random
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.domain.trimming import KEEP_DAYS
from shared.schemas.event import Event
from shared.schemas.loyalty import (
    LedgerEntry,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsRedeemed,
    PointsRestored,
    PointsReversed,
)
from tests.examples import examples

from .story import counted, entry, event, profile, result, run, value

KINDS = (PointsEarned, PointsReversed, PointsRedeemed, PointsRestored, PointsExpired, PointsAdjusted)
entries = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(-300, 500),
        st.integers(0, 40),
        st.sampled_from(["c1", "c2"]),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=examples(60))
@given(entries, st.randoms(use_true_random=False))
def test_the_ledgers_summed(
    rows: Sequence[tuple[type[LedgerEntry], int, int, str]], order: random.Random
) -> None:
    events = [event(entry(kind, points), days=day, subject=who) for kind, points, day, who in rows]
    order.shuffle(events)
    _, delta = run([event(profile("gold"), subject="c1"), *events])

    def total(*kinds: type[LedgerEntry], who: Sequence[str] = ("c1", "c2")) -> int:
        return sum(points for kind, points, _, one in rows if kind in kinds and one in who)

    owed = total(*KINDS)
    found = result(delta, "points_liability")
    assert (found.value, found.n) == (owed, max(0, owed)), "members may owe more than they have"
    assert value(delta, "points_liability", segment="gold") == total(*KINDS, who=["c1"])
    redeemed, expired = -total(PointsRedeemed, PointsRestored), -total(PointsExpired)
    earned = total(PointsEarned, PointsReversed)
    assert value(delta, "redemption_rate") == (redeemed / earned if earned > 0 else None)
    gone = max(0, redeemed) + max(0, expired)
    assert value(delta, "breakage") == (max(0, expired) / gone if gone > 0 else None)
    assert result(delta, "breakage").n == gone


def test_breakage_of_days_on_which_more_was_restored_than_redeemed() -> None:
    story: list[Event] = [
        event(entry(PointsRedeemed, -300)),
        event(entry(PointsRestored, 200), days=30),
        event(entry(PointsExpired, -250), days=30),
    ]
    _, delta = run(story)
    assert value(delta, "breakage") == 250 / 350
    found = result(delta, "breakage", first=max(day for day, _, _ in delta))
    assert (found.value, found.n) == (1.0, 250)


def test_what_members_have_is_no_matter_of_the_window() -> None:
    story: list[Event] = [event(entry(PointsEarned, 500)), event(entry(PointsRedeemed, -100), days=30)]
    _, delta = run(story)
    day = max(day for day, _, _ in delta)
    assert result(delta, "points_liability", first=day).value == 400
    assert result(delta, "redemption_rate", first=day).value is None


def test_points_of_long_ago_move_with_their_customer() -> None:
    story = [event(entry(PointsEarned, 500)), event(entry(PointsEarned, 70), days=KEEP_DAYS + 400)]
    customers, delta = run(story)
    customers["c1"].trim()
    customers["c1"].move("gold", "", delta)
    assert value(delta, "points_liability", segment="gold") == 570
    assert value(delta, "points_liability") == 570
    assert sum(n for (_, _, field), n in counted(customers.values()).items() if field == "points") == 570
