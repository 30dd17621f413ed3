"""In whatever order a shop's webhooks come, and how often, the books are those of its list of orders."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from starlette.datastructures import Headers

from services.interactions.domain.state import Customer
from services.interactions.hooks import shopify, woocommerce
from services.interactions.worker import handler as interactions
from services.loyalty.domain.state import MemberState
from services.loyalty.worker import handler as loyalty
from shared.journal.testing import InMemoryWorker
from shared.runtime.settings import Settings
from shared.schemas.commands.orders import OrderTellRequested
from shared.schemas.event import Event
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from tests.examples import examples
from tests.shop_webhooks import Webhook
from tests.shops import PEOPLE, Shop

SETTINGS = Settings(kafka="nowhere:1", mongo="mongodb://nowhere", secret_key="0123456789abcdef")
NOW = datetime(2026, 11, 1, tzinfo=UTC)
DELETES: st.SearchStrategy[Literal["never", "days"]] = st.sampled_from(("never", "days"))
KINDS, CURRENCIES = st.sampled_from(("shopify", "woocommerce")), st.sampled_from(("EUR", "JPY", "KWD"))
SEEDS = st.integers(0, 2**32)


def events_of(hooks: Iterable[Webhook]) -> Iterator[Event]:
    """What the adapters make of them, with the e-mail address's name for the customer."""
    for hook in hooks:
        adapter = shopify if hook.path.endswith("shopify") else woocommerce
        heard = adapter.heard(Headers(hook.headers), hook.body, hook.at)
        for event in heard.events:
            data = event.data
            if isinstance(data, OrderTellRequested):
                assert heard.who is not None
                assert heard.who.email is not None
                order = data.order.model_copy(update={"customer_id": heard.who.email.partition("@")[0]})
                event = structs.replace(event, data=data.model_copy(update={"order": order}))
            yield event


def told(hooks: Iterable[Webhook]) -> InMemoryWorker[Customer]:
    worker = InMemoryWorker(interactions(SETTINGS), now=NOW)
    for event in events_of(hooks):
        worker.send(event).accepted()
    assert worker.dead_letters == []
    return worker


def spent(worker: InMemoryWorker[Customer], email: str) -> tuple[int, int]:
    """Bought and given back, in minor units."""
    spend = worker.state(email.partition("@")[0]).purchases.spend
    return sum(one.purchased for one in spend), sum(one.refunded for one in spend)


def agree(worker: InMemoryWorker[Customer], shop: Shop) -> None:
    """The books of everybody are those of the plain list."""
    for email in PEOPLE:
        purchased, refunded = spent(worker, email)
        assert purchased - refunded == shop.net(email)


@settings(deadline=None, max_examples=examples(60))
@given(KINDS, CURRENCIES, SEEDS, st.integers(1, 14), DELETES)
def test_any_order_of_arrival_gives_the_books_of_the_plain_list(
    kind: str, currency: str, seed: int, steps: int, deletes: Literal["never", "days"]
) -> None:
    shop = Shop(kind, currency, seed, deletes=deletes)
    shop.play(steps)
    worker = told(shop.disturbed())
    agree(worker, shop)


@settings(deadline=None, max_examples=examples(60))
@given(SEEDS, st.integers(4, 20))
def test_what_was_deleted_and_restored_within_seconds_may_come_late(seed: int, steps: int) -> None:
    shop = Shop("woocommerce", "EUR", seed, deletes="seconds")
    shop.play(steps)
    worker = told(shop.late())
    agree(worker, shop)


@settings(deadline=None, max_examples=examples(60))
@given(KINDS, CURRENCIES, SEEDS, st.integers(1, 14), DELETES)
def test_each_fact_is_whole_and_named_once(
    kind: str, currency: str, seed: int, steps: int, deletes: Literal["never", "days"]
) -> None:
    shop = Shop(kind, currency, seed, deletes=deletes)
    shop.play(steps)
    worker = told(shop.disturbed())
    left: dict[str, int] = {}
    for order in worker.facts(PurchaseMade):
        lines = sum(item.unit_price.amount * item.quantity for item in order.items)
        assert lines == order.total.amount
        assert order.order_id not in left
        left[order.order_id] = order.total.amount
    names = set()
    for back in worker.facts(PurchaseReturned):
        left[back.order_id] -= back.refund.amount
        assert left[back.order_id] >= 0
        assert (back.order_id, back.return_id) not in names
        names.add((back.order_id, back.return_id))


@settings(deadline=None, max_examples=examples(60))
@given(KINDS, SEEDS, st.integers(1, 14))
def test_in_order_each_thing_is_told_as_it_happened(kind: str, seed: int, steps: int) -> None:
    shop = Shop(kind, "EUR", seed)
    shop.play(steps)
    worker = told(shop.sent)
    facts = worker.facts(PurchaseMade)
    names = [fact.order_id for fact in facts]
    assert {name for name in names if ":" not in name} == {str(one.id) for one in shop.orders if one.paid}
    assert len(names) <= sum(len(one.lines) for one in shop.orders)


@settings(deadline=None, max_examples=examples(60))
@given(KINDS, SEEDS, st.integers(1, 14), DELETES)
def test_points_are_those_of_what_was_told_and_nothing_is_refused(
    kind: str, seed: int, steps: int, deletes: Literal["never", "days"]
) -> None:
    shop = Shop(kind, "EUR", seed, deletes=deletes)
    shop.play(steps)
    worker = told(shop.disturbed())
    members: InMemoryWorker[MemberState] = InMemoryWorker(loyalty(SETTINGS), now=NOW)
    for event in worker.emitted:
        if isinstance(event.data, PurchaseMade | PurchaseReturned):
            members.send(event)
    assert members.dead_letters == []
    for email in PEOPLE:
        orders = members.state(email.partition("@")[0]).orders
        assert sum(order.left for order in orders) == shop.net(email)
