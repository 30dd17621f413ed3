"""What each service says of a customer, beside what is true: (what, said, true)."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

from services.followup.domain.history.state import History, Purchases
from services.interactions.models.customers import customer_view
from services.loyalty.config import load
from services.loyalty.domain.account.tiers import tier_at
from services.loyalty.domain.program.program import Programs
from services.metrics.domain.cells import OPEN, Delta
from services.metrics.domain.places import ALL
from shared.facts.complaints import life_of
from shared.facts.profile import value_of
from shared.schemas.times import micros

from .model import Truth, consents
from .world import PROGRAM, World

Said: TypeAlias = Iterator[tuple[str, Any, Any]]


def of_interactions(world: World, customer: str, true: Truth) -> Said:
    view = customer_view(world.workers["interactions"].state(customer), world.now)
    allowed = consents(world.facts(customer), world.heard["interactions"])
    yield "profile", view.profile, true.profile
    yield "consents", {(c.purpose, c.channel, c.topic): c.granted for c in view.consents}, allowed
    money = {t.currency: (t.purchased, t.refunded) for t in view.purchases.totals}
    yield "orders", view.purchases.count, len(true.orders)
    yield "spend", money.get("EUR", (0, 0)), (true.spent, true.refunded)
    yield "other currencies", {c for c, sums in money.items() if c != "EUR" and any(sums)}, set()
    complaints = world.workers["interactions"].state(customer).complaints
    yield "complaints", {c.complaint_id: c.life.status for c in complaints}, true.complaints
    yield "open", {c.complaint_id for c in view.open_complaints}, true.open
    if true.orders:
        assert view.loyalty is not None
        yield "balance", view.loyalty.balance, true.points
        yield "tier", view.loyalty.tier, tier_of(world, customer)


def of_loyalty(world: World, customer: str, true: Truth) -> Said:
    state = world.workers["loyalty"].state(customer)
    yield "orders", {o.order_id: (o.total, o.left) for o in state.orders}, true.orders
    yield "balance", sum(lot.remaining for lot in state.lots) - state.debt, true.points
    yield "gifts", sum(voucher.cost == 0 for voucher in state.vouchers), true.gifts
    for name in ("birthday", "timezone", "segment"):
        yield name, value_of(state.profile, name), true.profile.get(name)
    if true.orders and not true.returned:
        yield "tier", tier_of(world, customer), true.tier


def of_followup(world: World, customer: str, true: Truth) -> Said:
    state = world.workers["followup"].state(customer)
    allowed = consents(world.facts(customer), world.heard["followup"])
    for name in ("name", "email", "phone", "timezone", "preferred_channel"):
        yield name, value_of(state.profile, name), true.profile.get(name)
    yield "consents", {(c.purpose, c.channel, c.topic): c.granted for c in state.consents}, allowed
    lives = {c.complaint_id: life_of(c.steps) for c in state.complaints if c.opened}
    yield "complaints", {name: life.status for name, life in lives.items()}, true.complaints
    past = state.history or History()
    bought = past.purchases or Purchases()
    money = {one.currency: (one.paid, one.refunded) for one in bought.spend}
    yield "orders", bought.count, len(true.orders)
    yield "spend", money.get("EUR", (0, 0)), (true.spent, true.refunded)
    yield "other currencies", {c for c, sums in money.items() if c != "EUR" and any(sums)}, set()
    latest = {one.order_id: (one.amount, one.amount - one.refunded) for one in bought.latest}
    yield "latest orders", latest, {name: true.orders[name] for name in latest if name in true.orders}
    if true.orders:
        assert past.loyalty is not None
        yield "tier", past.loyalty.tier, tier_of(world, customer)


def of_metrics(world: World, customer: str, true: Truth) -> Said:
    record = world.metrics.records.get(customer)
    if record is None:
        return
    orders = {name: (o.amount, o.left) for name, o in record.data.orders.items() if o.made is not None}
    yield "orders", orders, true.orders
    yield "segment", record.data.segment, true.profile.get("segment") or ""
    lives = {name: c.life for name, c in record.data.complaints.items()}
    yield "complaints", {name: life.status for name, life in lives.items() if life.status}, true.complaints


def of_all(world: World, true: Mapping[str, Truth]) -> Said:
    """What metrics says of everybody."""
    cells: Delta = world.metrics.cells
    sums: dict[str, int] = {}
    for (_, place, field), n in cells.items():
        if not ALL.chooses()(place):
            continue
        sums[field] = sums.get(field, 0) + n
    yield "open complaints", sums.get(OPEN, 0), sum(len(one.open) for one in true.values())
    answers: dict[str, int] = {}
    for one in true.values():
        for name, n in one.answers.items():
            answers[name] = answers.get(name, 0) + n
    said = {
        "nps": sum(sums.get(name, 0) for name in ("promoters", "passives", "detractors")),
        "csat": sums.get("csat_top", 0) + sums.get("csat_rest", 0),
        "ces": sums.get("ces_answers", 0),
        "ces:sum": sums.get("ces_sum", 0),
    }
    yield "answers", said, {name: answers.get(name, 0) for name in said}


def tier_of(world: World, customer: str) -> str:
    """The tier that loyalty says the customer holds now."""
    state = world.workers["loyalty"].state(customer)
    at = micros(world.now)
    return tier_at(state.periods, at, _programs().at(at))


@cache
def _programs() -> Programs:
    return load(PROGRAM)
