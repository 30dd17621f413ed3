"""Who stays and who leaves."""

from collections import Counter
from datetime import date

from services.metrics.domain import gaps
from services.metrics.domain.causes import MOST, most_frequent
from services.metrics.domain.churn import RAN_OUT, UNKNOWN
from services.metrics.domain.churn_policy import OTHER
from services.metrics.domain.cohorts import COHORT
from services.metrics.domain.kpis.kpi import Counts, Kind, Kpi, Ranked, Result
from services.metrics.domain.kpis.shares import WILSON, share_result
from services.metrics.domain.kpis.window import Window
from services.metrics.domain.terms import BEGUN, ENDED
from shared.facts.complaints import KINDS
from shared.schemas.purchases import (
    PurchaseMade,
    PurchaseReturned,
    SubscriptionCancelled,
    SubscriptionRenewed,
    SubscriptionStarted,
)

LIFE = Counts(
    fields=(*gaps.FIRST_FIELDS, *gaps.TIED_FIELDS, COHORT, BEGUN, ENDED),
    events=(
        PurchaseMade,
        PurchaseReturned,
        SubscriptionStarted,
        SubscriptionRenewed,
        SubscriptionCancelled,
        *KINDS,
    ),
    looks_back=True,
)
"""Counted by the record itself, of what there is of a customer. A KPI that has these reads further back than
its window."""

_LEFT = (
    "a customer with a subscription left when its terms were cancelled or ran out (a late renewal within the "
    "policy's grace undoes it), any other when they bought nothing for longer than the policy's time or, "
    "before that, when P(alive) fell below the bound that it sets, if any; "
    f"{WILSON}"
)
_COULD = "those who could: customers when the window began, or come since in time"


def _retention(w: Window) -> Result:
    return share_result(w.life.phases.returning, w.life.phases.before)


def _churn(w: Window) -> Result:
    churn = w.life.churn
    return share_result(churn.voluntary + churn.involuntary, churn.could)


def _churn_voluntary(w: Window) -> Result:
    return share_result(w.life.churn.voluntary, w.life.churn.could)


def _churn_involuntary(w: Window) -> Result:
    return share_result(w.life.churn.involuntary, w.life.churn.could)


def _churn_reasons(w: Window) -> Result:
    reasons: Counter[str] = Counter()
    for name, n in w.life.churn.reasons.items():
        reasons[name if name in (UNKNOWN, RAN_OUT) else w.life.policy.told_as(name)] += n
    told = [Ranked(name=name, n=n) for name, n in most_frequent(reasons).items()]
    return Result(told, reasons.total())


RETENTION = Kpi(
    name="retention",
    title="Retention",
    description="How many of the customers of the window before bought again",
    formula="Customers with a purchase in the window and in the one before it, which is as long / customers "
    f"with one in the window before; {WILSON}",
    unit="0 to 1",
    effective=date(2026, 11, 26),
    counts=(LIFE,),
    compute=_retention,
)
CHURN = Kpi(
    name="churn",
    title="Churn",
    description="How many customers left, of those who could",
    formula=f"Customers who left in the window / {_COULD}; {_LEFT}",
    unit="0 to 1",
    effective=date(2026, 11, 26),
    counts=(LIFE,),
    compute=_churn,
)
CHURN_VOLUNTARY = Kpi(
    name="churn_voluntary",
    title="Voluntary churn",
    description="How many customers left of their own wish",
    formula=f"As `churn`, of those who cancelled or fell silent / {_COULD}",
    unit="0 to 1",
    effective=date(2026, 11, 26),
    counts=(LIFE,),
    compute=_churn_voluntary,
)
CHURN_INVOLUNTARY = Kpi(
    name="churn_involuntary",
    title="Involuntary churn",
    description="How many customers left without wishing to, such as by a payment that failed",
    formula="As `churn`, of those whose terms ran out (as the policy has it), or whose reason holds one of "
    f"the policy's words / {_COULD}",
    unit="0 to 1",
    effective=date(2026, 11, 26),
    counts=(LIFE,),
    compute=_churn_involuntary,
)
CHURN_REASONS = Kpi(
    name="churn_reasons",
    title="Why customers left",
    description="The reasons of those who left, as they or their complaints say",
    formula="Customers who left in the window by the reason stated, else the root cause of the latest "
    "complaint before that, as far back as the policy says, else `expired` or `unknown`; with those who "
    f"subscribed and left within the window. The {MOST} most frequent of the names that the policy "
    f"lists (`churn.causes`, `churn.involuntary`), and the rest, with all other words, as `{OTHER}`",
    unit="customers by reason",
    kind=Kind.RANKED,
    version=2,
    effective=date(2026, 11, 27),
    before="any text was told by its own words. Figures of older days are told by the list too",
    counts=(LIFE,),
    compute=_churn_reasons,
)
