"""A member who is erased: nothing of them stays or comes back, and the books hold."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from services.loyalty.domain.state import MemberState
from shared.journal.testing import InMemoryWorker
from shared.schemas.commands.loyalty import AdjustmentRequested, RedemptionRequested
from shared.schemas.customers import CustomerErased, CustomerMerged, CustomerUnmerged, ErasureLifted
from shared.schemas.event import Event

from .account import day
from .merging.company import Company, bought, returned

PEOPLE = "ann", "bob", "cid"
LATER = 3000


def sums(worker: InMemoryWorker[MemberState]) -> Counter[tuple[str, str, str]]:
    found: Counter[tuple[str, str, str]] = Counter()
    for (collection, id), fields in worker.store.sums.items():
        found.update({(collection, id.partition("|")[2], name): n for name, n in fields.items()})
    return found


def check(company: Company) -> None:
    """All that the ledger has in all is what the members have who are left, and so say the sums."""
    states = company.worker.states.values()
    held = sum(lot.remaining for state in states for lot in state.lots)
    owed = sum(state.debt for state in states)
    rows = company.worker.rows("ledger")
    found = sums(company.worker)
    assert sum(row["points"] for row in rows) == held - owed
    assert sum(
        n for (where, _, name), n in found.items() if (where, name) == ("liability", "outstanding")
    ) == (held)
    pending = sum(one.lot.remaining for state in states for one in state.pending)
    assert sum(n for (where, _, name), n in found.items() if (where, name) == ("liability", "pending")) == (
        pending
    )
    assert found["totals", "points", "debt"] == owed
    by_kind: Counter[str] = Counter()
    for row in rows:
        by_kind[row["kind"]] += row["points"]
        assert row["points"] == sum(lot["points"] for lot in row["lots"]) - row["debt"]
    assert {kind: n for kind, n in by_kind.items() if n} == {
        name: n for (where, key, name), n in found.items() if n and key == "points" and name != "debt"
    }
    tiers = Counter(state.periods[-1].tier for state in states if state.periods)
    assert {key: n for (where, key, _), n in found.items() if n and key.startswith("tier ")} == {
        f"tier {tier}": n for tier, n in tiers.items()
    }


def test_points_are_written_off_by_an_entry_without_a_person_of_which_nobody_is_told() -> None:
    company = Company()
    company.buy("ann", 1, 5_000)
    company.buy("bob", 1, 700)
    told = len(company.worker.emitted)
    assert company.tell("ann", 2, CustomerErased()).status == "applied"
    (entry,) = company.ledger("")
    assert (entry["kind"], entry["reason"], entry["points"], entry["balance"]) == (
        "adjusted",
        "erased",
        -50,
        0,
    )
    assert len(company.worker.emitted) == told
    assert company.worker.states.keys() == {"bob"}
    assert company.worker.timers("ann") == []
    check(company)


def test_who_came_back_is_written_off_by_another_entry_though_by_the_same_event_told_again() -> None:
    company = Company()
    company.buy("ann", 1, 5_000)
    erased = company.event("ann", 2, CustomerErased())
    company.worker.send(erased)
    company.worker.store.journal.clear()  # as the eraser leaves it
    company.tell("ann", 3, ErasureLifted())
    company.buy("ann", 4, 700)
    assert company.worker.send(erased).status == "applied"
    assert [entry["points"] for entry in company.ledger("")] == [-50, -7]
    check(company)


def test_what_is_owed_is_written_off_too() -> None:
    company = Company()
    company.buy("ann", 1, 5_000, "o")
    company.tell("ann", 2, RedemptionRequested(reward_id="tea")).accepted()
    company.give_back("ann", 3, "o", 5_000)
    assert company.state("ann").debt == 40
    company.tell("ann", 4, CustomerErased())
    assert [(row["points"], row["debt"]) for row in company.ledger("")] == [(40, -40)]
    check(company)


def test_nothing_that_comes_later_brings_them_back_and_a_command_is_told_why() -> None:
    company = Company()
    company.tell("ann", 2, CustomerErased())
    assert company.buy("ann", 1, 5_000).status == "erased"
    refused = company.tell("ann", 3, AdjustmentRequested(points=5, reason="late card")).outcome
    assert refused is not None
    assert (refused.status, refused.body["code"]) == (410, "erased")
    assert company.worker.states == {}
    assert company.worker.dead_letters == []
    check(company)


def test_who_is_erased_is_so_under_all_ids_whichever_it_is_told_of() -> None:
    for told_of in ("ann", "bob", "cid"):
        company = Company()
        for who in PEOPLE:
            company.buy(who, 1, 5_000)
        company.merge("ann", "bob", 2)
        company.merge("bob", "cid", 3)
        company.tell(told_of, 4, CustomerErased())
        assert company.worker.states == {}
        company.worker.send(
            company.event("ann", 5, CustomerUnmerged.model_validate({"from": "cid", "reason": "no"}))
        )
        company.buy("ann", 6, 5_000)
        assert company.worker.states == {}
        check(company)


def test_who_is_merged_into_somebody_erased_goes_with_them() -> None:
    company = Company()
    for who in PEOPLE:
        company.buy(who, 1, 5_000)
    company.worker.send(company.event("cid", 2, CustomerErased()))
    for number, (who, other) in enumerate((("ann", "bob"), ("bob", "cid")), 3):
        one = CustomerMerged(into=other, reason="the same card")
        company.worker.send(company.event(who, number, one))
    company.buy("ann", 5, 5_000)
    assert company.worker.states == {}
    assert company.worker.dead_letters == []
    check(company)


steps = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "return", "redeem", "erase", "merge", "unmerge"]),
        st.sampled_from(PEOPLE),
        st.sampled_from(PEOPLE),
        st.integers(1, 60),
    ),
    max_size=16,
)


def event(number: int, step: tuple[str, str, str, int]) -> Event:
    kind, who, other, amount = step
    data = {
        "buy": lambda: bought(amount * 100, f"o-{number}"),
        "return": lambda: returned(f"o-{amount % 8}", f"r-{number}", amount * 100),
        "redeem": lambda: RedemptionRequested(reward_id="tea"),
        "erase": CustomerErased,
        "merge": lambda: CustomerMerged(into=other, reason="the same card"),
        "unmerge": lambda: CustomerUnmerged.model_validate({"from": other, "reason": "no"}),
    }[kind]()
    return Event(f"e-{number}", "/test", who, day(number), data)


@settings(max_examples=80, deadline=None)
@given(steps, st.data())
def test_in_any_order_and_twice_nothing_comes_back_and_the_books_hold(
    told: list[tuple[str, str, str, int]], data: st.DataObject
) -> None:
    company = Company()
    events = [event(number, step) for number, step in enumerate(told)]
    order = data.draw(st.permutations(events + events[::3]))
    gone: set[str] = set()
    for one in order:
        company.worker.send(one)
        if isinstance(one.data, CustomerErased):
            gone.add(one.subject)
        assert not gone & company.worker.states.keys()
        check(company)
    company.worker.advance(day(LATER))
    assert not gone & company.worker.states.keys()
    assert not gone & {timer.subject for timer in company.worker.timers()}
    check(company)
