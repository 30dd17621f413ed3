"""The compact form of a state: what comes back, other shapes than this version's, and what it saves."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec import structs

from services.loyalty.domain.state import Lot, MemberState, Order
from services.loyalty.settings import LoyaltySettings
from services.loyalty.worker import handler as loyalty
from shared.journal.documents import writes_of
from shared.journal.later import read_state, state_data, state_text
from shared.journal.plan import Plan, StoredState
from shared.journal.testing import InMemoryWorker
from shared.runtime.compact import UnknownFormError, document_of
from shared.schemas.base import Open
from tests.unit.journal.test_later import purchase, refund

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
SETTINGS = LoyaltySettings(kafka="-", mongo="mongodb://-", secret_key="0123456789abcdef")


def member(orders: int) -> InMemoryWorker[MemberState]:
    worker = InMemoryWorker(loyalty(SETTINGS), now=START)
    for number in range(orders):
        data = purchase(f"o-{number}", 1_000 + number)
        assert worker.tell("c-1", data, at=START + timedelta(hours=number)).status == "applied"
        worker.advance(timedelta(hours=1))
    worker.tell("c-1", refund("o-0", 250))
    return worker


def packed(state: MemberState) -> bytes:
    data = state_data(state, compact=True)
    assert isinstance(data, bytes)
    return data


def changed(state: MemberState, change: Any) -> bytes:
    """The state as another version writes it: ``change`` gets form, shape, rest and the packed fields."""
    form, shape, head, *fields = msgspec.msgpack.decode(packed(state))
    rest = json.loads(head)
    parts = {name: [names, value] for (name, names), value in zip(shape, fields, strict=True)}
    change(rest, parts)
    shape = [[name, names] for name, (names, _) in parts.items()]
    values = [value for _, value in parts.values()]
    return msgspec.msgpack.encode([form, shape, json.dumps(rest).encode(), *values])


def test_a_state_comes_back_from_either_form() -> None:
    state = member(5).state("c-1")
    assert [order.left for order in state.orders] == [750, 1001, 1002, 1003, 1004]
    for compact in (True, False):
        back = read_state(MemberState, state_data(state, compact=compact))
        assert back == state
        assert state_text(back) == state_text(state)
        assert {type(part) for part in (*back.lots, *back.orders)} == {Lot, Order}


def test_what_it_says_can_be_read_without_its_model() -> None:
    state = member(3).state("c-1")
    told, new = json.loads(state_text(state)), json.loads(state_text(MemberState()))
    assert document_of(state_text(state)) == told
    assert new | document_of(packed(state)) == told


def test_a_year_of_shopping_is_less_than_half_as_large() -> None:
    state = member(60).state("c-1")
    assert 2 * len(packed(state)) < len(state_text(state))


def test_fields_of_a_later_version_are_kept() -> None:
    """It has a field more in each order, in itself, and a packed field that this version does not know."""
    worker = member(3)

    def later(rest: dict[str, Any], parts: dict[str, Any]) -> None:
        rest["mood"] = {"good": True}
        names, orders = parts["orders"]
        parts["orders"] = [[*names, "till"], [[*order, n] for n, order in enumerate(orders)]]
        parts["badges"] = [["name", "day"], [["early", 7]]]

    state = read_state(MemberState, changed(worker.state("c-1"), later))
    assert state.orders == worker.state("c-1").orders
    worker.store.stored["c-1"] = StoredState(state, 4)
    assert worker.tell("c-1", refund("o-1", 100)).status == "applied"

    data = state_data(worker.state("c-1"), compact=True)
    assert isinstance(data, str), "the form that all versions read"
    told = json.loads(data)
    assert [order["till"] for order in told["orders"]] == [0, 1, 2]
    assert told["orders"][1]["left"] == 901
    assert (told["mood"], told["badges"]) == ({"good": True}, [{"name": "early", "day": 7}])


def test_a_later_field_of_what_is_not_packed_is_kept() -> None:
    """A period is checked strictly, and stands in the part of which the shape says nothing."""

    def later(rest: dict[str, Any], _: dict[str, Any]) -> None:
        rest["periods"][0]["mood"] = 7

    state = member(2).state("c-1")
    read = read_state(MemberState, changed(state, later))
    assert read.periods == state.periods
    data = state_data(read, compact=True)
    assert isinstance(data, str)
    assert json.loads(data)["periods"][0]["mood"] == 7


def test_a_number_that_cannot_be_packed_is_written_as_text() -> None:
    state = member(1).state("c-1")
    [order] = state.orders
    large = state.model_copy(update={"orders": (structs.replace(order, spend=2**70),)})
    data = state_data(large, compact=True)
    assert isinstance(data, str)
    assert read_state(MemberState, data) == large


def test_what_is_left_out_means_what_a_new_member_has() -> None:
    """Old states left out what was so: whoever changes a default needs another form."""
    state = MemberState()
    assert document_of(packed(state)) == {"lots": [], "orders": [], "names": ""}
    told = json.loads(state_text(state))
    lists = {name for name, value in told.items() if value == []}
    assert lists == {
        *("pending", "periods", "vouchers", "waiting", "bonuses", "returned", "campaigns", "referrals"),
        *("ahead", "early", "exempt", "lots", "orders", "used"),
    }
    zero = {name for name, value in told.items() if value == 0}
    assert zero == {"at", "seq", "lifetime", "debt", "told_until", "booked_at"}
    rest = {name: value for name, value in told.items() if value not in (0, [], None)}
    assert rest == {"profile": {}, "names": ""}


def test_a_shape_of_before_is_read_by_names() -> None:
    """Its orders had their fields in another order, and no lines; and names were not packed."""
    state = member(2).state("c-1")

    def before(rest: dict[str, Any], parts: dict[str, Any]) -> None:
        names, orders = parts["orders"]
        rest["names"] = document_of(packed(state))["names"]
        del parts["names"]
        assert names[-1] == "lines"
        parts["orders"] = [names[-2::-1], [order[-2::-1] for order in orders]]

    read = read_state(MemberState, changed(state, before))
    assert [order.lines for order in read.orders] == [0, 0]
    assert [(o.order_id, o.at, o.left) for o in read.orders] == [
        (o.order_id, o.at, o.left) for o in state.orders
    ]
    assert read.names == state.names


def test_a_later_form_is_not_guessed_at() -> None:
    state = member(1).state("c-1")
    data = msgspec.msgpack.encode([2, *msgspec.msgpack.decode(packed(state))[1:]])
    with pytest.raises(UnknownFormError):
        read_state(MemberState, data)


def test_it_is_written_only_when_told_to_and_only_of_models_that_pack() -> None:
    class Plain(Open):
        at: int = 0

    state = member(1).state("c-1")
    plan: Plan[Any] = Plan(states={"c-1": state, "c-2": Plain(at=7)})
    stored: dict[str, StoredState[Any]] = {id: StoredState(found, 1) for id, found in plan.states.items()}

    def kinds(**form: bool) -> list[type]:
        writes = writes_of(plan, stored, partition=0, attempt=1, watermark=None, **form)
        changes: list[Any] = [*writes.states]
        return [type(change._doc["$set"]["data"]) for change in changes]

    assert kinds() == [str, str]
    assert kinds(compact=True) == [bytes, str]
