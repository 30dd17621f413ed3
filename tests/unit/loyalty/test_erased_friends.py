"""Where a member or the friend whom they brought is erased: both are rewarded or neither, and the other's
account names nobody who is gone."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from msgspec import structs

from services.loyalty.domain.program.program import Programs
from services.loyalty.domain.reports.explain import explain
from services.loyalty.domain.rows import COLLECTIONS, LEDGER, REFERRALS, ledger_row
from shared.schemas.commands.loyalty import ReferralForgetRequested, ReferralNoteRequested
from shared.schemas.commands.merging import LoyaltyHandOverRequested
from shared.schemas.customers import CustomerErased, CustomerMerged, CustomerUnmerged
from shared.schemas.feedback import ReferralMade
from shared.worker.processing import COMMANDS

from .account import PLAIN
from .merging.company import Company
from .test_erasure import check

ANN, BEN = "marked-ann", "marked-ben"
PROGRAMS = Programs((PLAIN,))
ROWS = {one.name: one for one in COLLECTIONS}


def town() -> Company:
    """Commands come only when they are delivered."""
    company = Company(PROGRAMS, loopback=False)
    company.buy(ANN, 0, 1_000)
    company.tell(ANN, 1, ReferralMade(referred_customer=BEN))
    return company


def steps(company: Company) -> Iterator[None]:
    """What is on its way arrives, one command after the other."""
    done = 0
    while done < len(company.worker.emitted):
        event = company.worker.emitted[done]
        done += 1
        if event.data.topic == COMMANDS:
            company.worker.send(event)
            yield


def erased(company: Company, who: str) -> None:
    """With the eraser's work."""
    company.tell(who, 10, CustomerErased())
    forget = ROWS[REFERRALS].forget
    assert forget is not None
    for row in company.worker.rows(REFERRALS):
        if who in (row["_id"], row["referrer"]):
            emit = forget(row)
            if emit is not None:
                company.worker.tell(emit.subject or "", emit.data, at=emit.time)


def given(company: Company, who: str) -> int:
    rows = company.worker.rows(LEDGER)
    return sum(row["points"] for row in rows if (row["member"], row["reason"]) == (who, "referral"))


def life(company: Company, at: int, who: str, then: int) -> None:
    """The friend buys; after ``at`` commands somebody is erased, before ``then`` that was told already."""
    arrivals = steps(company)
    for n in range(6):
        if n == then:
            company.buy(BEN, 2, 1_000)
        if n == at:
            erased(company, who)
        next(arrivals, None)
    for _ in arrivals:
        pass


@pytest.mark.parametrize("who", [ANN, BEN])
@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("then", [0, 1])
def test_both_or_neither(who: str, at: int, then: int) -> None:
    company = town()
    life(company, at, who, then)
    assert given(company, ANN) in (0, 250)
    # Whoever is erased had theirs, and it was written off: unless it was on its way to them.
    if who == ANN or not given(company, ANN):
        assert given(company, BEN) == given(company, ANN)
    check(company)


@pytest.mark.parametrize("who", [ANN, BEN])
@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("then", [0, 1])
def test_nothing_of_the_others_names_them(who: str, at: int, then: int) -> None:
    company = town()
    life(company, at, who, then)
    left = {id: state for id, state in company.worker.states.items() if id != who}
    assert who not in str(left)
    for row in company.worker.rows(LEDGER):
        if row["member"] == who or not row.get("why"):
            continue
        told = ROWS[LEDGER].without(row, frozenset({who}))
        why = row["why"] | {name.removeprefix("why."): value for name, value in told.items()}
        assert who not in str(row | {"why": why})
        said = explain(ledger_row(row | {"why": why}), {}, PROGRAMS)
        assert who not in str(said)
        assert " ," not in said.sentence


def test_a_referral_of_somebody_erased_is_heard_by_nobody() -> None:
    company = Company(PROGRAMS)
    company.buy(ANN, 0, 1_000)
    company.tell(BEN, 0, CustomerErased())
    assert company.tell(ANN, 1, ReferralMade(referred_customer=BEN)).status == "erased"
    assert BEN not in str(company.state(ANN))


def test_who_is_another_by_now_forgets_the_referrer_on_both_sides() -> None:
    company = Company(PROGRAMS)
    company.buy(ANN, 0, 1_000)
    company.tell(ANN, 1, ReferralMade(referred_customer=BEN))
    company.merge(BEN, "cid", 2)
    assert {row["_id"] for row in company.worker.rows(REFERRALS)} == {BEN, "cid"}
    erased(company, ANN)
    assert ANN not in str(company.worker.states)
    company.tell(BEN, 11, CustomerUnmerged.model_validate({"from": "cid", "reason": "no"}))
    company.buy(BEN, 12, 1_000)
    company.buy("cid", 12, 1_000)
    assert ANN not in str(company.worker.states)
    assert (given(company, BEN), given(company, "cid")) == (0, 0)


def test_an_account_that_is_handed_over_while_the_referrer_is_erased_arrives_without_them() -> None:
    company = Company(PROGRAMS, loopback=False)
    company.buy(ANN, 0, 1_000)
    company.tell(ANN, 1, ReferralMade(referred_customer=BEN))
    arrivals = steps(company)
    next(arrivals)
    company.tell(BEN, 3, CustomerMerged(into="cid", reason="the same e-mail"))
    (handed,) = [e for e in company.worker.emitted if isinstance(e.data, LoyaltyHandOverRequested)]
    assert handed.data.others() == (ANN,)
    erased(company, ANN)
    for _ in arrivals:
        pass
    invited = company.state("cid").invited
    assert invited is not None
    assert invited.referrer == ""
    assert ANN not in str(company.worker.states)


def test_an_account_that_the_version_before_handed_over_brings_no_erased_referrer_back() -> None:
    company = Company(PROGRAMS, loopback=False)
    company.buy(ANN, 0, 1_000)
    company.tell(ANN, 1, ReferralMade(referred_customer=BEN))
    next(steps(company))
    company.tell(BEN, 3, CustomerMerged(into="cid", reason="the same e-mail"))
    (handed,) = [e for e in company.worker.emitted if isinstance(e.data, LoyaltyHandOverRequested)]
    before = structs.replace(handed, data=handed.data.model_copy(update={"tells": ()}))
    erased(company, ANN)
    company.worker.send(before)
    invited = company.state("cid").invited
    assert invited is not None
    assert invited.referrer == ""


def test_an_account_that_is_handed_over_says_whom_its_waiting_facts_name() -> None:
    company = Company(PROGRAMS, loopback=False)
    company.buy(ANN, 0, 1_000)
    company.worker.send(company.event(ANN, 9, ReferralMade(referred_customer=BEN)))  # of the future
    company.tell(ANN, 3, CustomerMerged(into="cid", reason="the same e-mail"))
    (handed,) = [e for e in company.worker.emitted if isinstance(e.data, LoyaltyHandOverRequested)]
    assert BEN in str(handed.data.state)
    assert handed.data.others() == (BEN,)


def of_before(company: Company, who: str) -> None:
    """The account as the version before left it: nothing lists by whom they were brought."""
    stored = company.worker.store.stored[who]
    state = stored.state
    assert state.invited is not None
    known = state.model_copy(update={"invited": state.invited.model_copy(update={"listed": False})})
    company.worker.store.stored[who] = replace(stored, state=known)
    del company.worker.store.rows[REFERRALS][who]


def test_an_account_of_the_version_before_that_merges_is_listed_for_its_time_alone() -> None:
    company = Company(PROGRAMS)
    company.buy(ANN, 0, 1_000)
    company.tell(ANN, 1, ReferralMade(referred_customer=BEN))
    of_before(company, BEN)
    company.merge(BEN, "cid", 2)
    assert {row["_id"] for row in company.worker.rows(REFERRALS)} == {BEN, "cid"}
    erased(company, ANN)
    assert ANN not in str(company.worker.states)


@pytest.mark.parametrize("ends", ["bought", "erased", "themself"])
def test_the_row_says_nobody_any_more_where_the_things_that_come_settle_it(ends: str) -> None:
    """Who was brought by both, or bought with the other id, is no friend any more; nor is a referrer theirs
    whom the one that holds is not."""
    company = Company(PROGRAMS, loopback=False)
    company.buy(ANN, 0, 1_000)
    company.buy("dan", 0, 1_000)
    company.tell(BEN, 2, ReferralNoteRequested(referrer=ANN))
    company.tell("cid", 1, ReferralNoteRequested(referrer="cid" if ends == "themself" else "dan"))
    if ends == "bought":
        company.buy("cid", 3, 1_000)
    company.tell("cid", 4, CustomerMerged(into=BEN, reason="the same e-mail"))
    (handed,) = [e for e in company.worker.emitted if isinstance(e.data, LoyaltyHandOverRequested)]
    if ends == "erased":
        erased(company, "dan")
    company.worker.send(handed)
    (row,) = [row for row in company.worker.rows(REFERRALS) if row["_id"] == BEN]
    invited = company.state(BEN).invited
    assert invited is not None
    assert (row["referrer"], invited.referrer, invited.listed) == (None, "", False)


def test_another_referral_stays() -> None:
    company = Company(PROGRAMS)
    company.buy(ANN, 0, 1_000)
    company.tell(ANN, 1, ReferralMade(referred_customer=BEN))
    company.tell(BEN, 2, ReferralForgetRequested(referrer="cid"))
    invited = company.state(BEN).invited
    assert invited is not None
    assert invited.referrer == ANN
