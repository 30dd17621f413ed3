"""What stands behind retention and churn of a day: customers, by the facts that say what became of them.

Behind retention are the purchases of the day before, and those of the day by customers who had bought then.
Behind churn is of each customer who could leave on the day what they stayed by until then: the last day's
purchases, or the term (with its cancellation); behind its reasons are these of who left, and the complaint to
blame.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from services.metrics.domain import terms
from services.metrics.domain.causes import cause_of
from services.metrics.domain.churn_policy import LONGEST_GRACE, ChurnPolicy, Contractual
from services.metrics.domain.given_up import holding
from services.metrics.domain.kpis.kpi import Kpi
from services.metrics.domain.kpis.life import CHURN_REASONS, RETENTION
from services.metrics.domain.newest import days_of
from services.metrics.domain.state import Customer
from services.metrics.domain.tracked import Tracked
from services.metrics.domain.trimming import KEEP_DAYS
from services.metrics.domain.why import Choose, Span
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.purchases import (
    PurchaseMade,
    SubscriptionCancelled,
    SubscriptionRenewed,
    SubscriptionStarted,
    SubscriptionTerm,
)
from shared.schemas.times import Micros, day_of

LEFT, STAYED = "left", "stayed"
RETURNED, STAYED_AWAY = "returned", "stayed away"
SUBSCRIBED = (SubscriptionStarted, SubscriptionRenewed, SubscriptionCancelled)


@dataclass(frozen=True, slots=True)
class _Stay:
    """A customer who could leave on the day."""

    left: bool
    until: int
    """The day of the last purchase, or on which the term ends."""
    steps: frozenset[tuple[str, Micros]] = frozenset()
    """Of the term: the subscription, and when it was told; none of who is judged by purchases."""
    stated: bool = False
    """A reason was."""


@dataclass(frozen=True, slots=True)
class LifeFigure:
    """Retention or churn of a day, by the policy."""

    kpi: Kpi
    day: int
    policy: ChurnPolicy

    @property
    def spans(self) -> Sequence[Span]:
        """The newest first."""
        if self.kpi is RETENTION:
            return (Span((PurchaseMade,), self.day - 1, self.day),)
        kinds = (PurchaseMade, ComplaintOpened) if self.kpi is CHURN_REASONS else (PurchaseMade,)
        blamed = self.policy.complaint if self.kpi is CHURN_REASONS else 0
        begin = self.day - self.policy.quiet - 1 - blamed
        if self.policy.contractual is None:
            return (Span(kinds, begin, self.day - 1),)
        return (
            Span(SUBSCRIBED, self.day, self.day + LONGEST_GRACE),
            Span((*kinds, *SUBSCRIBED), begin, self.day - 1),
            Span(SUBSCRIBED, self.day - KEEP_DAYS, begin - 1),
        )

    def chooser(self, customer: Tracked) -> Choose | None:
        """Says of an event of the customer what that is in the figure; None of who is not in it."""
        data = customer.data
        if self.kpi is RETENTION:
            return self._retained(data)
        stay = self._stay(data)
        if stay is None or (self.kpi is CHURN_REASONS and not stay.left):
            return None
        role, blamed = LEFT if stay.left else STAYED, self._blamed(data, stay)

        def choose(told: Data, at: Micros) -> str | None:
            match told:
                case PurchaseMade():
                    of_it = not stay.steps and _day(data, told.order_id, at) == stay.until
                case SubscriptionTerm() | SubscriptionCancelled():
                    of_it = (told.subscription_id, at) in stay.steps
                case ComplaintOpened():
                    of_it = (told.complaint_id, at) == blamed
                case _:
                    of_it = False
            return role if of_it else None

        return choose

    def _retained(self, data: Customer) -> Choose | None:
        days = days_of(data.orders.values())
        if self.day - 1 not in days:
            return None
        role, wanted = RETURNED if self.day in days else STAYED_AWAY, (self.day - 1, self.day)

        def choose(told: Data, at: Micros) -> str | None:
            return (
                role if isinstance(told, PurchaseMade) and _day(data, told.order_id, at) in wanted else None
            )

        return choose

    def _stay(self, data: Customer) -> _Stay | None:
        if self.policy.contractual is not None and terms.any_of(data.subscriptions):
            return self._by_terms(data, self.policy.contractual)
        days, quiet = sorted(days_of(data.orders.values())), self.policy.quiet
        at = bisect_left(days, self.day)
        if not at:
            return None
        doubted = holding(days, data.given_up) if self.policy.alive_below is not None else {}
        last = days[at - 1]
        leaves = last + min(quiet + 1, doubted[last].after if last in doubted else quiet + 1)
        return _Stay(leaves == self.day, last) if leaves >= self.day else None

    def _by_terms(self, data: Customer, rules: Contractual) -> _Stay | None:
        runs, begun = terms.runs(data.subscriptions), None
        for i, run in enumerate(runs):
            start, end = day_of(run.start), day_of(run.end)
            begun = start if begun is None else begun
            leaves = end if run.cancelled else end + rules.grace + 1
            if not run.cancelled and i + 1 < len(runs) and day_of(runs[i + 1].start) < leaves:
                continue  # late, but renewed
            # Who came and left on one day is among the reasons alone.
            if begun < self.day <= leaves or (leaves == self.day and self.kpi is CHURN_REASONS):
                return _Stay(leaves == self.day, end, _steps(data, run), bool(run.reason))
            begun = None
        return None

    def _blamed(self, data: Customer, stay: _Stay) -> tuple[str, Micros] | None:
        """The complaint that gives the reason why the customer left, and when it was opened."""
        if self.kpi is not CHURN_REASONS or stay.stated:
            return None
        last = stay.until if stay.steps else self.day - 1
        known = ((one, name, cause_of(one)) for name, one in data.complaints.items() if one.causes)
        ranked = sorted((one.steps[0].at, cause[1], name) for one, name, cause in known if cause is not None)
        opened = [(name, at) for at, _, name in ranked if day_of(at) <= last]
        return opened[-1] if opened and day_of(opened[-1][1]) >= stay.until - self.policy.complaint else None


def _day(data: Customer, order_id: str, at: Micros) -> int | None:
    """The day on which the order counts that was told with this time, if that is the account that holds."""
    order = data.orders.get(order_id)
    return None if order is None or order.made != at else order.day


def _steps(data: Customer, run: terms.Run) -> frozenset[tuple[str, Micros]]:
    """Of each subscription in the run its last term, and what cancelled it."""
    found = set()
    for name, steps in data.subscriptions.items():
        of_run = [step for step in steps if run.start <= step.at <= run.end + terms.LATE]
        told = [step.at for step in of_run if not step.cancels and step.at <= run.end]
        found |= {(name, at) for at in told[-1:]}
        found |= {(name, step.at) for step in of_run if step.cancels and run.cancelled and told}
    return frozenset(found)
