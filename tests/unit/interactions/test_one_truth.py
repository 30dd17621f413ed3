"""Whatever order a history is heard in, and however often: the customer is what a plain model makes of it.

The model knows nothing of states. It looks at all that was told, sorted by event time; orders and returns,
which all services hear in one order, it takes in the order of the log.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from services.interactions.domain.state import Customer
from services.interactions.models.customers import CustomerView, customer_view
from services.interactions.worker import handler
from shared.facts.complaints import KINDS
from shared.journal.testing import InMemoryWorker
from shared.runtime.settings import Settings
from shared.schemas.base import Data
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintChanged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintResumed,
    ComplaintUpdated,
    ComplaintWaiting,
)
from shared.schemas.customers import ConsentChanged, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.purchases import (
    PurchaseMade,
    PurchaseReturned,
    SubscriptionCancelled,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from tests.examples import examples

from .told import CUSTOMER, START, at, event

HANDLER = handler(Settings(kafka="nowhere:1", mongo="mongodb://nowhere", secret_key="0123456789abcdef"))


class Told(NamedTuple):
    """A fact and the minute at which it happened."""

    data: Data
    minute: int


def money(cents: int, currency: str = "EUR") -> dict[str, Any]:
    return {"amount": cents, "currency": currency}


def order(id: int, cents: int, lines: int = 2) -> PurchaseMade:
    items = [{"sku": f"s-{n}", "quantity": 1, "unit_price": money(cents)} for n in range(lines)]
    return PurchaseMade.model_validate(
        {"order_id": f"o-{id}", "channel": "web", "total": money(cents), "items": items}
    )


def back(id: int, number: int, cents: int, currency: str = "EUR") -> PurchaseReturned:
    told = {"order_id": f"o-{id}", "return_id": f"r-{number}", "refund": money(cents, currency)}
    return PurchaseReturned.model_validate(told)


def opened(id: int) -> ComplaintOpened:
    return ComplaintOpened(
        complaint_id=f"c-{id}", channel="web", category="x", severity="low", description="d"
    )


STEPS: list[tuple[type[Data], dict[str, str]]] = [
    (ComplaintAcknowledged, {"message": "m"}),
    (ComplaintUpdated, {"message": "m"}),
    (ComplaintResolved, {"resolution": "r"}),
    (ComplaintClosed, {}),
    (ComplaintReopened, {"reason": "r"}),
    (ComplaintWaiting, {"reason": "r"}),
    (ComplaintResumed, {}),
    (ComplaintChanged, {"severity": "high"}),
]
few, cents = st.integers(1, 2), st.sampled_from([999, 1000, 1001, 1002, 1003])
steps = st.builds(
    lambda which, id: which[0].model_validate({"complaint_id": f"c-{id}", **which[1]}),
    st.sampled_from(STEPS),
    few,
)
currencies = st.sampled_from(["EUR", "EUR", "EUR", "USD"])
profiles = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Ann", "Bo"]),
        "email": st.sampled_from(["a@x.org", None]),
        "segment": st.sampled_from(["gold", None]),
    },
).map(CustomerUpdated.model_validate)
terms = st.builds(
    lambda kind, id, end: kind.model_validate(
        {"subscription_id": f"s-{id}", "plan": f"p-{end}", "price": money(end), "expires_at": at(end)}
    ),
    st.sampled_from([SubscriptionStarted, SubscriptionRenewed]),
    few,
    st.integers(1, 3),
)
bought = st.one_of(
    st.builds(order, few, cents),
    *[st.builds(back, few, st.integers(1, 3), st.sampled_from([1, 400, 999, 1001, 1003]), currencies)] * 2,
)
complained = st.one_of(st.builds(opened, few), *[steps] * 4)
said = st.one_of(
    profiles,
    st.builds(
        ConsentChanged, purpose=st.just("marketing"), channel=st.sampled_from(["email", "sms"]),
        granted=st.booleans(),
    ),
    terms,
    st.builds(SubscriptionCancelled, subscription_id=st.sampled_from(["s-1", "s-2"])),
    st.builds(
        lambda score, id: SurveyAnswered.model_validate(
            {"survey": "nps", "score": score, "about": {"kind": "order", "id": f"o-{id}"}}
        ),
        st.integers(0, 10),
        few,
    ),
)  # fmt: skip
# Few minutes, so that many facts are of one instant; and some that a clock that runs ahead tells.
facts = [bought, complained, said, st.one_of(bought, complained, said)]
histories = st.one_of(
    *(st.lists(st.builds(Told, one, st.integers(-3, 4)), min_size=1, max_size=14) for one in facts)
)


@settings(max_examples=examples(300), deadline=None)
@given(histories, st.data())
def test_the_customer_is_what_the_plain_model_says(history: list[Told], data: st.DataObject) -> None:
    copies = data.draw(st.lists(st.sampled_from(history), max_size=4))
    heard = data.draw(st.permutations(history + copies))
    worker = InMemoryWorker(HANDLER, now=START)
    log = [event(told.data, f"e-{n}", told.minute) for n, told in enumerate(heard)]
    for one in log:
        worker.send(one)
    state = worker.state(CUSTOMER)
    view = customer_view(state, at(5))
    assert_purchases(view, log)
    assert_complaints(worker, state, view, log)
    assert_said(view, log)
    assert_subscriptions(view, log)
    assert view.counts.get("feedback", 0) == len(
        {e.data.about.id for e in log if isinstance(e.data, SurveyAnswered) and e.data.about}
    )
    told = (row for row in worker.rows("timeline") if row["source"] != "/rapport/interactions")
    shown = {row["_id"] for row in told}  # of its own are the notices of clocks
    assert shown | {f"{d.event.source} {d.event.id} {CUSTOMER}" for d in worker.dead_letters} == {
        e.uid for e in log
    }, "each is a row, or a dead letter"


def assert_purchases(view: CustomerView, log: Sequence[Event]) -> None:
    """The first order of a name; its returns, heard before it or after, of each name the first that can
    be, as far as it was paid and one cent a line above."""
    orders: dict[str, PurchaseMade] = {}
    for one in log:
        if isinstance(one.data, PurchaseMade):
            orders.setdefault(one.data.order_id, one.data)
    refunded, returns = 0, 0
    for id, made in orders.items():
        left, known = made.total.amount, set[str]()
        told = [e.data for e in log if isinstance(e.data, PurchaseReturned) and e.data.order_id == id]
        for one in told:
            if one.return_id in known or one.refund.currency != "EUR":
                continue
            if one.refund.amount > left + len(made.items):
                continue
            known.add(one.return_id)
            counted = min(one.refund.amount, left)
            left, refunded, returns = left - counted, refunded + counted, returns + 1
    assert (view.purchases.count, view.purchases.returns) == (len(orders), returns)
    assert sum(t.purchased for t in view.purchases.totals) == sum(o.total.amount for o in orders.values())
    assert sum(t.refunded for t in view.purchases.totals) == refunded


AFTER = {
    ComplaintAcknowledged: ({"opened", "reopened"}, "acknowledged"),
    ComplaintUpdated: ({"opened", "reopened", "acknowledged", "resolved"}, None),
    ComplaintResolved: ({"opened", "acknowledged", "reopened"}, "resolved"),
    ComplaintClosed: ({"resolved"}, "closed"),
    ComplaintReopened: ({"resolved", "closed"}, "reopened"),
    ComplaintWaiting: ({"opened", "reopened", "acknowledged"}, None),
    ComplaintResumed: ({"opened", "reopened", "acknowledged"}, None),
    ComplaintChanged: ({"opened", "reopened", "acknowledged", "resolved"}, None),
}
RANK: list[type[Data]] = list(AFTER)


def status_of(id: str, log: Sequence[Event]) -> tuple[str, int] | None:
    """The status by the facts' own times, and how many of them hold; None for one never opened."""
    about = [e for e in log if getattr(e.data, "complaint_id", None) == id]
    if not any(isinstance(e.data, ComplaintOpened) for e in about):
        return None
    later = {(e.time, RANK.index(type(e.data))) for e in about if type(e.data) in AFTER}
    status, held = "opened", 1
    for _, rank in sorted(later):
        follows, to = AFTER[RANK[rank]]
        if status in follows:
            status, held = to or status, held + 1
    return status, held


def assert_complaints(
    worker: InMemoryWorker[Customer], state: Customer, view: CustomerView, log: Sequence[Event]
) -> None:
    wanted = {id: found for id in ("c-1", "c-2") if (found := status_of(id, log)) is not None}
    assert {c.complaint_id: c.life.status for c in state.complaints} == {i: s for i, (s, _) in wanted.items()}
    rows = {row["complaint_id"]: row["status"] for row in worker.rows("complaints")}
    assert rows == {i: s for i, (s, _) in wanted.items()}
    still = {i for i, (status, _) in wanted.items() if status not in ("resolved", "closed")}
    assert {c.complaint_id for c in view.open_complaints} == still
    assert view.counts.get("complaints", 0) == sum(held for _, held in wanted.values())
    plain = {
        (row["complaint_id"], row["type"], row["at"])
        for row in worker.rows("timeline")
        if row.get("complaint_id") and not row["summary"].startswith(("Waiting", "Refused", "Copy"))
    }
    for complaint in state.complaints:
        id = complaint.complaint_id
        for step in complaint.life.taken:
            assert (id, KINDS[step.kind].event_type, step.at) in plain, "its row says what happened"
    timers = {timer.name for timer in worker.timers() if not timer.name.startswith("sla:")}
    waiting = any(type(e.data) in AFTER and e.data.complaint_id not in wanted for e in log)  # type: ignore[attr-defined]
    assert timers == ({"waiting"} if waiting else set())


def _age(time: datetime, *, said: bool) -> datetime:
    """All was heard at START: what is dated later was of the future, and is as old as that; a no just before,
    as nobody knows which of two was heard first."""
    return min(time, START if said else START - timedelta(microseconds=1)) if time >= START else time


def assert_said(view: CustomerView, log: Sequence[Event]) -> None:
    profile: dict[str, Any] = {}
    for one in sorted(log, key=lambda e: e.time):  # of one time, the later in the log
        if isinstance(one.data, CustomerUpdated):
            profile |= one.data.model_dump(include=one.data.model_fields_set)
    consents: dict[str, bool] = {}
    words = [(one.time, one.data) for one in log if isinstance(one.data, ConsentChanged)]
    for channel in {said.channel for _, said in words}:
        told = [(time, said.granted) for time, said in words if said.channel == channel]
        noes = [time for time, granted in told if not granted]
        consents[channel] = any(
            granted and not any(no >= time or _age(no, said=False) >= _age(time, said=True) for no in noes)
            for time, granted in told
        )
    assert view.profile == profile
    assert {c.channel: c.granted for c in view.consents} == consents


def assert_subscriptions(view: CustomerView, log: Sequence[Event]) -> None:
    """The latest term, and whether it was cancelled after it began; a term told again changes nothing."""
    plans: dict[str, str | None] = {}
    cancelled = defaultdict[str, bool](bool)
    terms = set[tuple[str, Any]]()
    kept = []
    for one in log:
        if isinstance(one.data, SubscriptionStarted | SubscriptionRenewed):
            name = (one.data.subscription_id, one.data.expires_at)
            if name in terms:
                continue
            terms.add(name)
        kept.append(one)
    for one in sorted(kept, key=lambda e: e.time):
        if isinstance(one.data, SubscriptionStarted | SubscriptionRenewed):
            plans[one.data.subscription_id], cancelled[one.data.subscription_id] = one.data.plan, False
        if isinstance(one.data, SubscriptionCancelled):
            plans.setdefault(one.data.subscription_id, None)
            cancelled[one.data.subscription_id] = True
    assert {s.subscription_id: s.plan for s in view.subscriptions} == plans
    ended = {s.subscription_id: s.status in ("ending", "cancelled") for s in view.subscriptions}
    assert ended == {id: cancelled[id] for id in plans}
