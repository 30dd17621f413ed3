"""What the store keeps: ledger documents there and back, and a state through a book."""

from typing import get_args

import pytest

from services.loyalty.domain import rules
from services.loyalty.domain.account.book import Book
from services.loyalty.domain.membership import Apart, Invited, Period, UsedCode
from services.loyalty.domain.reports.explain import explain
from services.loyalty.domain.rows import Kind, LedgerRow, Opened, Piece, ledger_document, ledger_row
from services.loyalty.domain.state import Exempt, MemberState, Told
from shared.domain import Context
from shared.facts.profile import Known
from shared.merging.state import Standing
from shared.schemas.loyalty import Cause
from shared.schemas.merges import Merge

from .account import Account, day
from .test_properties import QUICK

RULES: tuple[rules.Rule, ...] = (
    rules.Purchase(program="retail", tier="gold", total=999, terms="EUR 1/80 1"),
    rules.Campaign(program="retail", campaign="c", name="C", stacking="sum", effect="multiplier", number=1.5),
    rules.Campaign(program="retail", campaign="c", name="C", stacking="best", effect="bonus", number=20),
    rules.ReferrerReward(program="retail", friend="cust-2", order_id="o-1"),
    rules.FriendReward(program="retail", referrer="cust-3"),
    rules.Anniversary(program="retail", years=2),
    rules.Birthday(program="retail"),
    rules.Welcome(program="retail"),
    rules.Compensation(complaint_id="c-1"),
    rules.Adjustment("late card"),
    rules.Return(return_id="r-1", refund=5, left=7, terms="EUR 1/80 1", keeps=3, campaigns=1),
    rules.Double(order_id="o-1"),
    rules.Joining(rule="merged", other="cust-2"),
    rules.Joining(rule="unmerged", other="cust-2", missing=3),
    rules.Redemption("tea"),
    rules.Cancellation("tea"),
    rules.Expiry(),
)
KINDS: dict[type[rules.Rule], Kind] = {
    rules.Adjustment: "adjusted",
    rules.Return: "reversed",
    rules.Double: "reversed",
    rules.Joining: "adjusted",
    rules.Redemption: "redeemed",
    rules.Cancellation: "restored",
    rules.Expiry: "expired",
}


def row_of(why: rules.Rule) -> LedgerRow:
    kind = KINDS.get(type(why), "earned")
    return LedgerRow(
        entry_id="e" * 24,
        member="cust-1",
        seq=3,
        at=day(1),
        booked_at=day(2),
        kind=kind,
        points=5,
        balance=9,
        why=why,
        cause=Cause(source="/till", id="e-1"),
        lots=(Piece("a" * 24, 3),),
        debt=-2,
        order_id="o-1" if kind in ("earned", "reversed") else None,
        opened=Opened(day(0), day(1), day(366)) if kind in ("earned", "adjusted") else None,
    )


def test_every_rule_is_among_the_examples() -> None:
    assert {type(why) for why in RULES} | {rules.Unknown} == set(get_args(rules.Rule))


@pytest.mark.parametrize("why", RULES, ids=lambda why: type(why).__name__)
def test_a_row_comes_back_as_it_was(why: rules.Rule) -> None:
    assert ledger_row(ledger_document(row_of(why))) == row_of(why)


def test_a_document_is_what_readers_know() -> None:
    assert ledger_document(row_of(RULES[1])) == {
        "_id": "e" * 24,
        "member": "cust-1",
        "seq": 3,
        "at": day(1),
        "booked_at": day(2),
        "kind": "earned",
        "points": 5,
        "balance": 9,
        "reason": "campaign c",
        "cause": {"source": "/till", "id": "e-1"},
        "lots": [{"entry_id": "a" * 24, "points": 3}],
        "debt": -2,
        "earned_at": day(0),
        "available_at": day(1),
        "expires_at": day(366),
        "order_id": "o-1",
        "why": {
            "rule": "campaign",
            "program": "retail",
            "campaign": "c",
            "name": "C",
            "stacking": "sum",
            "effect": {"multiplier": 1.5},
        },
    }
    spent = ledger_document(row_of(rules.Redemption("tea")))
    assert (spent["reason"], spent.keys() & {"why", "order_id", "earned_at"}) == ("tea", set())
    given = ledger_document(row_of(rules.Adjustment("late card")))
    assert (given["reason"], given["why"], given["order_id"]) == ("late card", {"rule": "adjustment"}, None)


def test_a_rule_of_another_version_is_told_plainly() -> None:
    document = ledger_document(row_of(rules.Welcome(program="retail")))
    later = ledger_row({**document, "reason": "lucky day", "why": {"rule": "lottery", "odds": 7}})
    assert later.why == rules.Unknown("lottery", "lucky day")
    found = explain(later, {}, Account().programs)
    assert found.sentence == "5 points for lucky day, good until 2026-01-02."
    assert found.steps[0].rule == "lottery"


TOLD = Told(at=1, type="t", data="{}", cause=("/till", "e-1"), origin="purchases/0/1", heard_at=2)


def test_a_book_keeps_every_field_of_the_state() -> None:
    account = Account(QUICK)
    account.buy(0, 10_000)
    account.buy(4, 10_000)
    account.redeem(5)
    account.give_back(5, "unheard-of", 5)
    state = account.state.model_copy(
        update={
            "debt": 1,
            "returned": (("a", "sku", 1),),
            "campaigns": (("c0", 5),),
            "invited": Invited(referrer="cust-2", at=1),
            "referrals": (1, 2),
            "profile": {"birthday": Known(encoded='"--01-05"', at=3)},
            "ahead": (TOLD,),
            "early": (TOLD,),
            "exempt": (Exempt(order_id="a", total=2, left=1, lines=()),),
            "anniversary_at": 4,
            "birthday_at": 5,
            "birthday_given_at": 6,
            "told_at": 7,
            "told_until": 8,
            "periods": (Period("base", 1, 2, warned=True), *account.state.periods),
            "merging": Standing(undone=(Merge(customer="cust-3", into="cust-1", at=day(1), uid="u"),)),
            "used": (UsedCode(code="c", of="cust-1", at=1, order_id="o"),),
            "apart": Apart(things={f"order {account.state.orders[0].order_id}": "cust-2"}),
        }
    )
    empty = MemberState()
    assert [name for name in MemberState.model_fields if getattr(state, name) == getattr(empty, name)] == []
    context = Context(day(5), str, str)
    book = Book("cust-1", state, account.programs, Cause(source="/till", id="e-1"), context)
    assert book.closed(state.due) == state
