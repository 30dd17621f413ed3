"""A state with fields of a later version, in each service: read, changed and written with them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel, ValidationError

from services.followup.domain.state import Customer as Reached
from services.interactions.domain.state import Customer
from services.interactions.settings import InteractionsSettings
from services.interactions.worker import handler as interactions
from services.loyalty.domain.state import MemberState
from services.loyalty.settings import LoyaltySettings
from services.loyalty.worker import handler as loyalty
from services.metrics.domain import state as metrics
from services.metrics.domain.apply import apply as count
from services.metrics.domain.cells import Delta
from services.metrics.domain.tracked import Tracked
from shared.domain import Handler
from shared.journal.later import read_state, state_text
from shared.journal.plan import StoredState
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.complaints import ComplaintOpened
from shared.schemas.customers import CustomerRegistered
from shared.schemas.event import Event
from shared.schemas.feedback import ReviewPosted
from shared.schemas.purchases import PurchaseMade, PurchaseReturned
from tests.unit.followup.driver import Driver, granted, profile
from tests.unit.followup.driver import purchase as bought

NOWHERE: Any = {"kafka": "nowhere:1", "mongo": "mongodb://nowhere", "secret_key": "0123456789abcdef"}
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
MAPS = {"profile", "counts", "variables"}
"""Fields that map names to something."""
LATER = {"kind": "new", "n": [1, {"deep": None}], "text": "Grüße"}


def purchase(order: str, cents: int = 10_000) -> PurchaseMade:
    total = {"amount": cents, "currency": "EUR"}
    items = [{"sku": "tea", "quantity": 1, "unit_price": total}]
    return PurchaseMade.model_validate({"order_id": order, "channel": "web", "total": total, "items": items})


def refund(order: str, cents: int) -> PurchaseReturned:
    back = {"amount": cents, "currency": "EUR"}
    data = {"order_id": order, "return_id": f"{order}-r", "items": [], "refund": back}
    return PurchaseReturned.model_validate(data)


def by_a_later_version(document: Any) -> Any:
    """The document with a field more in each object, itself too."""
    if isinstance(document, list):
        return [by_a_later_version(one) for one in document]
    if not isinstance(document, dict):
        return document
    fields = {name: value if name in MAPS else by_a_later_version(value) for name, value in document.items()}
    return {**fields, "later": LATER}


def objects(document: Any, path: str = "") -> Mapping[str, Any]:
    """Every object with a ``later``, by where it is."""
    found: dict[str, Any] = {}
    if isinstance(document, dict):
        if "later" in document:
            found[path] = document["later"]
        for name, value in document.items():
            if name != "later":
                found |= objects(value, f"{path}.{name}")
    if isinstance(document, list):
        for number, value in enumerate(document):
            found |= objects(value, f"{path}.{number}")
    return found


def rolled_back(worker: InMemoryWorker[Any], model: type[BaseModel]) -> Mapping[str, Any]:
    """Have the worker's state as a later version wrote it; where it has more than this one knows."""
    stored = worker.store.stored["c-1"]
    document = by_a_later_version(json.loads(state_text(stored.state)))
    text = json.dumps(document)
    state = read_state(model, text)
    assert json.loads(state_text(state)) == document
    worker.store.stored["c-1"] = StoredState(state, stored.version)
    return objects(document)


def written(worker: InMemoryWorker[Any]) -> Mapping[str, Any]:
    return objects(json.loads(state_text(worker.store.stored["c-1"].state)))


def worker_of(handler: Handler[Any], *told: Data) -> InMemoryWorker[Any]:
    worker = InMemoryWorker(handler, now=START)
    for data in told:
        assert worker.tell("c-1", data).status == "applied"
    return worker


REGISTERED = CustomerRegistered.model_validate({"name": "Ada", "email": "ada@example.org"})
REVIEW = ReviewPosted(sku="tea", rating=5)
OPENED = ComplaintOpened(
    complaint_id="k-1", channel="email", category="delivery", severity="normal", description="late"
)


def test_interactions() -> None:
    settings = InteractionsSettings(**NOWHERE)
    worker = worker_of(interactions(settings), REGISTERED, purchase("o-1"), OPENED)
    before = rolled_back(worker, Customer)
    assert {"", ".purchases", ".purchases.spend.0", ".complaints.0", ".channels.0"} <= before.keys()
    for data in (purchase("o-2"), refund("o-2", 500), granted()):
        assert worker.tell("c-1", data).status == "applied"
    assert worker.state("c-1").purchases.count == 2
    assert before.items() <= written(worker).items()


def test_loyalty() -> None:
    settings = LoyaltySettings(**NOWHERE)
    worker = worker_of(loyalty(settings), purchase("o-1"), purchase("o-2", 5_000))
    before = rolled_back(worker, MemberState)
    assert {"", ".lots.0", ".orders.0", ".orders.1", ".periods.0"} <= before.keys()
    for data in (purchase("o-3", 7_000), refund("o-1", 2_500)):
        assert worker.tell("c-1", data).status == "applied"
    changed = worker.state("c-1").orders[0]
    assert (changed.order_id, changed.left) == ("o-1", 7_500)
    assert before.items() <= written(worker).items()


def test_loyalty_forgets_the_fields_of_what_is_gone() -> None:
    settings = LoyaltySettings(**NOWHERE)
    worker = InMemoryWorker(loyalty(settings), now=START, strict=False)
    worker.tell("c-1", purchase("o-1"))
    assert ".lots.0" in rolled_back(worker, MemberState)
    worker.advance(timedelta(days=366))
    assert not [where for where in written(worker) if where.startswith(".lots")]
    assert "" in written(worker)


def test_followup() -> None:
    driver = Driver()
    for data in (profile(), granted(), bought()):
        driver.event(data)
    before = rolled_back(driver.worker, Reached)
    assert {"", ".consents.0", ".planned.0"} <= before.keys()
    driver.event(granted("survey"))
    driver.event(profile(name="Ada Lovelace"))
    assert driver.state.name == "Ada Lovelace"
    assert before.items() <= written(driver.worker).items()


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (MemberState, '{"seq": "many"}'),
        (MemberState, '{"seq": "many", "lots": [{"colour": "red"}]}'),
        (MemberState, "not json"),
        (Reached, "{}"),
    ],
)
def test_what_is_wrong_is_still_refused(model: type[BaseModel], text: str) -> None:
    with pytest.raises(ValidationError):
        read_state(model, text)


def test_metrics() -> None:
    tracked = Tracked(metrics.Customer())

    def tell(data: Data, number: int, to: Tracked) -> None:
        count(to, Event(f"e-{number}", "/test", "c-1", START, data), number, Delta())

    for number, data in enumerate((purchase("o-1"), OPENED)):
        tell(data, number, tracked)
    record: list[Any] = msgspec.msgpack.decode(metrics.encode(tracked.data))
    known = len(record)
    orders, complaints = record[2], record[3]
    orders["o-1"] += ["gift", {"a": 1}]
    complaints["k-1"] += ["phone"]
    for whole in (record, [*record, LATER, 7]):
        packed = msgspec.msgpack.encode(whole)
        read = Tracked(metrics.decode(packed))
        assert metrics.encode(read.data) == packed
        for number, data in enumerate((refund("o-1", 500), purchase("o-2"), REVIEW), 10):
            tell(data, number, read)
        read.trim()
        again: list[Any] = msgspec.msgpack.decode(metrics.encode(read.data))
        assert again[2]["o-1"][-2:] == ["gift", {"a": 1}]
        assert again[2]["o-1"][5] == 9_500, "what is left of it"
        assert len(again[2]["o-2"]) == len(metrics.Order.__struct_fields__)
        assert again[3] == whole[3]
        assert again[known:] == whole[known:]
    with pytest.raises(msgspec.ValidationError):
        metrics.decode(msgspec.msgpack.encode(["segment", None, {}, {}, {}, "no day", 0, {}, b"", "later"]))
