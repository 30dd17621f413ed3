"""Programs over recordings: what is earned, lost, shared and refused, as the service would have it."""

from decimal import Decimal
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.simulate.run import Arrival, simulate
from services.loyalty.config import load
from services.loyalty.domain.apply import CONSUMES, apply
from services.loyalty.domain.state import MemberState
from shared.domain import Handler
from shared.journal.testing import InMemoryWorker
from shared.schemas.complaints import CompensationGranted
from tests.examples import examples
from tests.unit.simulate.recordings import both, buy, campaign, day, event, give_back, one, program, refer


def test_a_campaign_doubles_the_points_of_its_window_alone() -> None:
    arrivals = [buy(10, 10_000), buy(40, 10_000), buy(45, 5_000, "c-2"), buy(70, 10_000)]
    before, after = both(arrivals, program(), program(campaigns=[campaign()])).results
    assert before.tally.months == {(2025, 1): 100, (2025, 2): 150, (2025, 3): 100}
    assert after.tally.months == {(2025, 1): 100, (2025, 2): 300, (2025, 3): 100}
    assert after.tally.issued == {"purchase": 350, "campaign": 150}
    assert after.tally.campaigns == {"double": 150}


def test_what_makes_good_is_given_as_the_service_would() -> None:
    def gift(at: float, reward: str, customer: str = "c-1") -> Arrival:
        said = {"complaint_id": "k-1", "kind": "voucher", "reward_id": reward}
        return event(at, customer, CompensationGranted.model_validate(said))

    reward = {"id": "mug", "name": "A mug", "cost": 100, "stock": 1}
    points = CompensationGranted(complaint_id="k-2", kind="points", points=70)
    arrivals = [gift(1, "mug"), gift(2, "hat"), gift(3, "mug"), event(4, "c-1", points)]
    found = one(arrivals, program(rewards=[reward]))
    assert found.used == {"stock:mug": 1}
    assert found.tally.refused == {"unknown_reward": 1, "out_of_stock": 1}
    assert (found.tally.issued, found.liability.outstanding) == ({"compensation": 70}, 70)


def test_other_thresholds_give_other_tiers() -> None:
    arrivals = [buy(10, 30_000), buy(11, 60_000, "c-2"), buy(12, 10_000, "c-3")]
    tiers = [{"name": "low", "spend": 0}, {"name": "high", "spend": 20_000, "multiplier": 2}]
    before, after = both(arrivals, program(), program(tiers=tiers)).results
    assert before.tiers == {"low": 2, "high": 1}
    assert after.tiers == {"low": 1, "high": 2}


def test_timers_fire_up_to_the_end_and_not_beyond() -> None:
    arrivals = [buy(0, 60_000), buy(1, 100)]
    kept = one(arrivals, program(), until=364.99)
    assert (kept.tally.kinds["expired"], kept.liability.outstanding, kept.tiers) == (0, 602, {"high": 1})
    # The tier falls when the first purchase is over, and the second's points are left.
    gone = one(arrivals, program(), until=365)
    assert (gone.tally.kinds["expired"], gone.liability.outstanding, gone.tiers) == (600, 2, {"low": 1})


def test_without_an_end_it_is_the_last_event_of_any_kind() -> None:
    arrivals: list[Arrival] = [buy(0, 10_000), (day(400), None)]
    done = simulate(arrivals, (program(),))
    assert done is not None
    assert (done.end, done.events, done.used) == (day(400), 2, 1)
    assert done.results[0].tally.kinds["expired"] == 100


def test_events_after_the_end_are_left_out() -> None:
    result = one([buy(0, 10_000), buy(5, 10_000), buy(6, 10_000)], program(), until=5)
    assert (result.tally.purchases, result.tally.sales) == (2, 20_000)


def test_a_recording_without_events_has_no_result() -> None:
    assert simulate([], (program(),)) is None
    assert simulate([buy(9, 100)], (program(),), until=day(8)) is None


def test_returns_take_back_points_and_sales() -> None:
    result = one([buy(0, 10_000, order="a"), give_back(1, "a", 2_500)], program())
    assert (result.issued, result.tally.kinds["reversed"], result.liability.outstanding) == (100, 25, 75)
    assert result.tally.sales == 7_500


def test_a_return_that_came_before_its_purchase_and_is_too_much_is_refused_after_all() -> None:
    arrivals = [give_back(2, "a", 20_000), buy(3, 10_000, order="a")]
    result = one(arrivals, program())
    assert result.tally.refused == {"refund_exceeds_total": 1}
    assert (result.tally.sales, result.tally.kinds["reversed"]) == (10_000, 0)
    # Its id counts as not seen: put right and sent again, it takes effect.
    mended = one([*arrivals, (day(4), give_back(2, "a", 4_000)[1])], program())
    assert (mended.tally.sales, mended.tally.kinds["reversed"]) == (6_000, 40)


def test_a_purchase_that_is_heard_of_late_counts_when_it_was_made() -> None:
    late = buy(20, 10_000, "c-2")[1]
    result = one([buy(40, 10_000), (day(50), late)], program(campaigns=[campaign()]))
    assert result.tally.months == {(2025, 1): 100, (2025, 2): 200}


def test_what_is_refused_is_counted_by_code_and_has_no_effect() -> None:
    arrivals = [
        buy(0, 10_000, order="a"),
        buy(1, 10_001, order="a"),
        buy(2, 10_000, currency="CHF"),
        refer(3, "c-1", "c-1"),
    ]
    result = one(arrivals, program(referral={"points": 10}))
    assert result.tally.refused == {"duplicate_order": 1, "unknown_currency": 1, "self_referral": 1}
    assert (result.tally.purchases, result.tally.sales, result.issued) == (1, 10_000, 100)


def test_an_event_recorded_twice_counts_once() -> None:
    result = one([buy(0, 10_000), buy(0, 10_000)], program())
    assert (result.tally.purchases, result.tally.refused.total()) == (1, 0)


def test_all_members_share_a_budget_and_returns_refill_it() -> None:
    limited = program(campaigns=[campaign(budget=150)])
    arrivals = [buy(40, 10_000), buy(41, 10_000, "c-2", order="b")]
    assert one(arrivals, limited).tally.campaigns == {"double": 150}
    assert one(arrivals, limited).used == {"budget:double": 150}
    back = [*arrivals, give_back(42, "b", 10_000, "c-2"), buy(43, 10_000, "c-3")]
    refilled = one(back, limited)
    assert refilled.tally.campaigns == {"double": 200}
    assert refilled.used == {"budget:double": 150}


def test_a_referral_rewards_both_across_customers() -> None:
    arrivals = [buy(0, 10_000), refer(1, "c-1", "c-2"), buy(2, 5_000, "c-2"), refer(3, "c-3", "c-2")]
    result = one(arrivals, program(referral={"points": 30}))
    assert result.tally.issued == {"purchase": 150, "referral": 60}
    assert result.tally.declined == {"existing_member": 1}
    assert result.tally.refused == {}


def test_under_explicit_enrolment_nobody_is_a_member_unless_each_may_join() -> None:
    explicit = program(enrolment="explicit", welcome_bonus=20)
    arrivals = [buy(0, 10_000), buy(1, 10_000), buy(2, 10_000, "c-2")]
    left_out = one(arrivals, explicit)
    assert (left_out.members, left_out.issued, left_out.tally.purchases) == (0, 0, 3)
    joined = one(arrivals, explicit, join=True)
    assert joined.members == 2
    assert joined.tally.issued == {"welcome": 40, "purchase": 300}


def test_points_that_are_pending_are_not_issued_yet() -> None:
    waits = program(earn={"pending_days": 14})
    early = one([buy(0, 10_000)], waits, until=13)
    assert (early.issued, early.liability.pending, early.liability.outstanding) == (0, 100, 0)
    assert one([buy(0, 10_000)], waits, until=14).issued == 100


def test_liability_and_cost() -> None:
    result = one([buy(0, 10_000)], program(point_value=2, breakage=0.25))
    assert (result.liability.money, result.liability.expected_cost) == (200, 150)
    assert result.cost_share == Decimal("0.02")
    assert one([buy(0, 0)], program()).cost_share is None


RECORDINGS = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), st.integers(0, 800), st.integers(0, 90_000), st.sampled_from("abc")),
        st.tuples(st.just("back"), st.integers(0, 800), st.integers(0, 9_000), st.integers(0, 5)),
    ),
    max_size=25,
)


def recorded(steps: list[tuple[str, int, int, str | int]]) -> list[Arrival]:
    """Purchases, and returns of some of them, by time; ids differ."""
    arrivals: list[Arrival] = []
    bought: list[tuple[str, str]] = []
    for number, (what, at, cents, who) in enumerate(sorted(steps, key=lambda step: step[1])):
        time = at + number / 1000
        if what == "buy":
            bought.append((f"o-{number}", f"c-{who}"))
            arrivals.append(buy(time, cents, bought[-1][1], bought[-1][0]))
        elif bought:
            order, customer = bought[int(who) % len(bought)]
            arrivals.append(give_back(time, order, cents, customer))
    return arrivals


@given(RECORDINGS)
@settings(max_examples=examples(60), deadline=None)
def test_the_books_balance_and_the_same_input_gives_the_same(
    steps: list[tuple[str, int, int, str | int]],
) -> None:
    arrivals = recorded(steps)
    if not arrivals:
        return
    draft = program(campaigns=[campaign(until=day(500), budget=500)], anniversary={"points": 10})
    first, again = both(arrivals, draft, draft, until=900).results
    assert first == again
    kinds = first.tally.kinds
    owned = first.liability.outstanding - first.liability.owed
    assert kinds["earned"] - kinds["reversed"] - kinds["expired"] == owned
    assert first.used.get("budget:double", 0) <= 500
    assert sum(first.tally.months.values()) == first.issued


@given(RECORDINGS)
@settings(max_examples=examples(40), deadline=None)
def test_it_comes_to_what_the_worker_comes_to(steps: list[tuple[str, int, int, str | int]]) -> None:
    arrivals = recorded(steps)
    if not arrivals:
        return
    retail, end = load(), day(1_000)
    done = simulate(arrivals, (retail,), until=end)
    assert done is not None
    handler = Handler(
        "loyalty", CONSUMES, MemberState, lambda customer: MemberState(), partial(apply, retail)
    )
    worker = InMemoryWorker(handler, clock="stream", strict=False)
    for _, told in arrivals:
        if told is not None:
            worker.send(told)
    worker.advance(end)
    booked = sorted((row["kind"], abs(row["points"])) for row in worker.rows("ledger"))
    kinds = done.results[0].tally.kinds
    assert {kind: sum(p for k, p in booked if k == kind) for kind, _ in booked} == kinds
    assert sum(lot.remaining for state in worker.states.values() for lot in state.lots) == (
        done.results[0].liability.outstanding
    )
    assert len(worker.dead_letters) == done.results[0].tally.refused.total()
