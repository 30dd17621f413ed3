"""What is too large for one command goes in several, each of which stands alone; and what the bounds
leave."""

from typing import Any

import pytest

from services.interactions.domain.merging import handing
from services.interactions.domain.merging.absorbing import absorbed
from services.interactions.domain.merging.giving import left
from services.interactions.domain.merging.joining import joined
from services.interactions.domain.state import (
    MAX_COMPLAINTS,
    MAX_CONSENTS,
    Consent,
    Customer,
    Matched,
    altered,
    initial,
)
from services.interactions.domain.telling import Told
from shared.domain import Context
from shared.facts.profile import value_of
from shared.schemas.commands.merging import InteractionsHandOverRequested
from shared.schemas.complaints import ComplaintClosed, ComplaintResolved, ComplaintSlaBreached
from shared.schemas.customers import CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.loyalty import TierChanged
from shared.schemas.purchases import PurchaseReturned
from shared.schemas.times import micros

from ..told import START, at
from .pair import HERE, OLD, complaint, hours, merge, order, told_of, unmerge, worker, wrote


def full() -> Any:
    """An old id of whom very much is known, and the survivor."""
    told = worker(now=at(60))
    for n in range(150):
        told.tell(OLD, complaint(f"c-{n}", conversation_id=f"t-{n % 50}"), at=at(n / 10))
        told.tell(OLD, order(f"o-{n}"), at=at(n / 10))
    for n in range(400):
        told.tell(
            OLD, wrote(f"t-{n % 50}", subject="s" * 250 + str(n), message_id=f"m-{n}"), at=at(20 + n / 20)
        )
    # The last: with each event a state is written anew.
    told.tell(OLD, CustomerUpdated(name="Ann", preferences={"notes": "x" * 700_000}))
    told.tell(HERE, CustomerUpdated(name="Bea"), at=at(1))
    return told


def test_what_is_large_goes_in_parts() -> None:
    told = full()
    before = told.state(OLD)
    merge(told)
    parts = [e.data for e in told.emitted if isinstance(e.data, InteractionsHandOverRequested)]
    assert [one.parts for one in parts] == [len(parts)] * len(parts)
    assert len(parts) > 1
    assert max(len(one.model_dump_json()) for one in parts) < 1_000_000
    here = told.state(HERE)
    assert {c.complaint_id for c in here.complaints} == {c.complaint_id for c in before.complaints}
    assert len(here.conversations.messages) == len(before.conversations.messages)
    assert here.purchases.count == 150
    assert value_of(here.profile, "preferences") == {"notes": "x" * 700_000}
    assert told.dead_letters == []
    unmerge(told)
    home = told.state(OLD)
    assert home.complaints == before.complaints
    assert (home.names, home.purchases, home.counts) == (before.names, before.purchases, before.counts)
    assert {*home.conversations.messages} == {*before.conversations.messages}


@pytest.mark.parametrize("backwards", [False, True])
def test_pieces_are_joined_in_any_order(monkeypatch: pytest.MonkeyPatch, backwards: bool) -> None:
    told = worker(now=at(60))
    for n in range(20):
        told.tell(OLD, complaint(f"c-{n}"), at=at(n))
        told.tell(OLD, order(f"o-{n}"), at=at(n))
        told.tell(OLD, wrote(f"t-{n}"), at=at(n))
    monkeypatch.setattr(handing, "LARGE", 2_000)
    pieces = left(told.state(OLD)).handed.pieces
    assert len(pieces) > 5
    whole = initial(HERE)
    context = Context(at(60), lambda tag: f"id-{tag}", lambda tag: tag)
    event = Event("e", "/rapport/interactions", HERE, at(60), InteractionsHandOverRequested(customer=OLD))
    for piece in reversed(pieces) if backwards else pieces:
        whole = absorbed(whole, handing.Handed(pieces=(piece,)), Told(event, micros(at(60)), context)).state
    was = told.state(OLD)
    assert whole.counts == was.counts
    assert {c.complaint_id for c in whole.complaints} == {c.complaint_id for c in was.complaints}
    assert {m.key for m in whole.conversations.messages} == {m.key for m in was.conversations.messages}
    assert whole.purchases.count == 20
    assert sorted(whole.names) == sorted(was.names)
    (own, part) = whole.parts
    assert (own.complaints, part.counts) == ((), was.counts)


def test_a_return_waits_for_an_order_of_the_other_id() -> None:
    told = worker(now=at(60))
    refund = {"amount": 300, "currency": "EUR"}
    told.tell(
        HERE,
        PurchaseReturned.model_validate(
            {"order_id": "o-1", "return_id": "r-1", "items": [], "refund": refund}
        ),
    )
    told.tell(OLD, order("o-1"))
    merge(told)
    here = told.state(HERE)
    assert (here.purchases.returns, here.purchases.spend[0].refunded, here.held) == (1, 300, ())
    (row,) = [row for row in told.rows("timeline") if row["type"].endswith("returned.v1")]
    assert (row["customer"], row.get("note")) == (HERE, None)


def test_a_steps_complaint_may_be_the_other_ids() -> None:
    told = worker(now=at(60))
    told.tell(HERE, ComplaintResolved(complaint_id="c-1", resolution="sent"), at=at(50))
    told.tell(OLD, complaint("c-1"), at=at(40))
    merge(told)
    (one,) = told.state(HERE).complaints
    assert (one.life.status, told.state(HERE).held) == ("resolved", ())


def test_clocks_go_by_whose_they_were_until_the_merge() -> None:
    """Gold is answered within an hour; the survivor is not gold until after the merge."""
    told, loyalty = worker(), "/rapport/loyalty"
    told.send(Event("t-1", loyalty, OLD, START, TierChanged(from_="none", to="gold")))
    told.tell(OLD, complaint("c-old"), at=START)
    told.tell(HERE, complaint("c-here"), at=START)
    told.advance(at(30))
    merge(told)
    told.advance(at(61))
    assert told_of(told, ComplaintSlaBreached) == [(HERE, at(60))]
    told.send(Event("t-2", loyalty, HERE, at(120), TierChanged(from_="none", to="gold")))
    told.advance(at(121))
    breached = [e.data for e in told.emitted if isinstance(e.data, ComplaintSlaBreached)]
    assert [one.complaint_id for one in breached] == ["c-old", "c-here"], "policies are for both by now"
    told.advance(START + hours(9))
    assert len(told_of(told, ComplaintSlaBreached)) == 4
    assert told.state(OLD).matched == ()
    assert [mark.value for mark in told.state(HERE).matched if isinstance(mark, Matched)] == ["gold"]


def consents(granted: bool, start: int) -> tuple[Consent, ...]:
    return tuple(
        Consent(purpose="marketing", channel=f"c-{n}", granted=granted, at=n)
        for n in range(start, start + MAX_CONSENTS)
    )


def test_a_refusal_is_forgotten_last() -> None:
    one = altered(initial(HERE), consents=consents(True, 0))
    other = altered(initial(OLD), consents=consents(False, MAX_CONSENTS // 2))
    kept = joined(one, other).consents
    assert len(kept) == MAX_CONSENTS
    assert not any(c.granted for c in kept)


def test_no_open_complaint_is_forgotten() -> None:
    told = worker(now=at(900))
    for n in range(MAX_COMPLAINTS):
        told.tell(OLD, complaint(f"a-{n}"), at=at(n))
        told.tell(HERE, complaint(f"b-{n}"), at=at(n))
        if n % 2:
            told.tell(HERE, ComplaintResolved(complaint_id=f"b-{n}", resolution="x"), at=at(n + 1))
            told.tell(HERE, ComplaintClosed(complaint_id=f"b-{n}"), at=at(n + 2))
    here: Customer = joined(told.state(HERE), told.state(OLD))
    assert all(c.life.is_open for c in here.complaints)
    assert len(here.complaints) == MAX_COMPLAINTS + MAX_COMPLAINTS // 2
