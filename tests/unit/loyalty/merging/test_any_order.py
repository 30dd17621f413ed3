"""Members merged and parted at any point, in any order of arrival: all books are right, nothing is lost."""

from collections import Counter
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from services.loyalty.domain.state import MemberState
from shared.schemas.base import Data
from shared.schemas.commands.loyalty import AdjustmentRequested, RedemptionRequested
from shared.schemas.customers import CustomerMerged, CustomerUnmerged
from shared.schemas.event import Event
from tests.examples import examples
from tests.unit.merging.arriving import arrive

from ..account import day
from .company import Company, bought, check_books, returned

IDS = ("a", "b", "c")
CENTS = (4_000, 9_900, 2_500, 12_000)
"""Of the orders, by their number."""
REFUNDS = (4_000, 4_900, 0, 5_000)
Step = tuple[str, str, int]


def facts(number: int, step: Step) -> Event:
    what, who, which = step
    order = f"o-{which}"
    data: Mapping[str, Data] = {
        "buy": bought(CENTS[which], order),
        "own": bought(CENTS[which], f"{order} of {number}".replace(" ", "-")),
        "return": returned(order, f"r-{which}", REFUNDS[which]),
        "redeem": RedemptionRequested(reward_id="tea"),
        "adjust": AdjustmentRequested(points=which + 1, reason="by hand"),
        "merge": CustomerMerged(into=IDS[(IDS.index(who) + 1 + which % 2) % 3], reason="r"),
        "unmerge": CustomerUnmerged.model_validate({"from": "x", "reason": "r"}),
    }
    source = "/api/loyalty/till/x" if what in ("redeem", "adjust") else "/test"
    return Event(f"e-{number}", source, who, day(number / 24), data[what])


def steps(*kinds: str) -> st.SearchStrategy[list[Step]]:
    one = st.tuples(st.sampled_from(kinds), st.sampled_from(IDS), st.integers(0, 3))
    return st.lists(one, max_size=14)


def groups(history: list[Step]) -> list[set[str]]:
    group = {who: {who} for who in IDS}
    for number, step in enumerate(history):
        data = facts(number, step).data
        if isinstance(data, CustomerMerged):
            both = group[step[1]] | group[data.into]
            group |= dict.fromkeys(both, both)
    return [both for who, both in group.items() if who == min(both)]


def plain(history: list[Step], both: set[str]) -> int:
    """The points of one customer who was told all of it: a list of orders, each once, less their returns."""
    orders: dict[str, int] = {}
    refunds: dict[str, int] = {}
    for number, step in enumerate(history):
        what, who, which = step
        if who in both and what in ("buy", "own"):
            orders[f"o-{which}" if what == "buy" else f"own {number}"] = CENTS[which]
        elif who in both and what == "return":
            refunds[f"o-{which}"] = REFUNDS[which]
    return sum((cents - refunds.get(order, 0)) // 100 for order, cents in orders.items())


def balance(state: MemberState) -> int:
    return sum(lot.remaining for lot in state.lots) - state.debt


def given_by_commands(company: Company) -> int:
    """What commands that were accepted gave and took."""
    found = 0
    for outcome in company.worker.store.outcomes.values():
        if "voucher_code" in outcome.body:
            found -= 40
        elif "points" in outcome.body:
            found += outcome.body["points"]
    return found


@settings(max_examples=examples(80), deadline=None)
@given(st.data(), steps("buy", "buy", "own", "return", "redeem", "adjust", "merge", "merge"))
def test_merged_in_any_order(data: st.DataObject, history: list[Step]) -> None:
    company = Company(loopback=False, now=day(9))
    arrive(data, company.worker, [facts(n, step) for n, step in enumerate(history)], batches=5)
    company.check()
    states = {who: company.state(who) for who in IDS}
    total = sum(plain(history, both) for both in groups(history)) + given_by_commands(company)
    assert sum(map(balance, states.values())) == total
    for both in groups(history):
        standings = [states[who].merging for who in both]
        assert len([one for one in standings if one is None or one.moved is None]) == 1


@settings(max_examples=examples(80), deadline=None)
@given(st.data(), steps("own", "own", "redeem", "adjust", "merge", "merge", "unmerge"))
def test_parted_in_any_order(data: st.DataObject, history: list[Step]) -> None:
    company = Company(loopback=False, now=day(9))
    arrive(data, company.worker, [facts(n, step) for n, step in enumerate(history)], batches=5)
    company.check()
    states = {who: company.state(who) for who in IDS}
    total = sum(plain(history, {who}) for who in IDS) + given_by_commands(company)
    assert sum(map(balance, states.values())) == total
    vouchers = Counter(voucher.code for state in states.values() for voucher in state.vouchers)
    assert set(vouchers.values()) <= {1}
    assert len(vouchers) == len(company.worker.rows("vouchers"))
    orders = Counter(order.order_id for state in states.values() for order in state.orders)
    assert orders == Counter(
        {f"o-{which}-of-{n}": 1 for n, (what, _, which) in enumerate(history) if what == "own"}
    )


@settings(max_examples=examples(40), deadline=None)
@given(steps("buy", "own", "return", "redeem", "merge", "unmerge"))
def test_batches_make_no_difference(history: list[Step]) -> None:
    """What the worker asks of itself comes after the batch, or after each event: where all of it has come
    before the next, the same is so for any cut."""
    alone, at_once = Company(loopback=False, now=day(9)), Company(loopback=False, now=day(9))
    events = [facts(n, step) for n, step in enumerate(history)]
    asked = []
    for event in events:
        asked += [e for h in [alone.worker.send(event)] for e in h.emitted if e.data.topic == "commands"]
    for handled in at_once.worker.send_batch(events):
        del handled
    for company, some in ((alone, 1), (at_once, 500)):
        queue = list(asked)
        while queue:
            batch, queue = queue[:some], queue[some:]
            for handled in company.worker.send_batch(batch):
                queue += [e for e in handled.emitted if e.data.topic == "commands"]
        check_books(company.worker)
    assert alone.worker.states == at_once.worker.states
