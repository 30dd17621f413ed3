"""What was known of an id that is merged is the survivor's, and what is told of it later too."""

from typing import Any

from services.interactions.domain.state import Customer
from services.interactions.models.customers import customer_view
from shared.facts.profile import value_of
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.commands.complaints import ComplaintAcknowledgeRequested
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintEscalated,
    ComplaintSlaBreached,
    ComplaintSlaMet,
    ComplaintSlaWarned,
)
from shared.schemas.customers import ConsentChanged, CustomerRegistered, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.loyalty import PointsAdjusted, TierChanged
from shared.schemas.purchases import PurchaseReturned

from ..told import at
from .pair import HERE, OLD, complaint, hours, merge, order, told_of, unmerge, worker, wrote


def consent(granted: bool, channel: str = "email") -> ConsentChanged:
    return ConsentChanged(purpose="marketing", channel=channel, granted=granted)


def returned(order_id: str, return_id: str, cents: int) -> PurchaseReturned:
    return PurchaseReturned.model_validate(
        {
            "order_id": order_id,
            "return_id": return_id,
            "items": [],
            "refund": {"amount": cents, "currency": "EUR"},
        }
    )


def known() -> InMemoryWorker[Customer]:
    """Two ids of one person, each with something of everything."""
    told = worker(now=at(60))
    told.tell(OLD, CustomerRegistered(name="Ann Lee", phone="+44 20 7946 0958"), at=at(0))
    told.tell(HERE, CustomerRegistered(name="A. Lee", email="ann@example.com"), at=at(1))
    told.tell(OLD, CustomerUpdated(name="Ann M. Lee"), at=at(2))
    told.tell(OLD, consent(True), at=at(3))
    told.tell(HERE, consent(False), at=at(3))
    told.tell(HERE, consent(False, "sms"), at=at(4))
    told.tell(OLD, consent(True, "sms"), at=at(5))
    told.tell(OLD, order("o-1"), at=at(6))
    told.tell(OLD, order("o-2", 500), at=at(7))
    told.tell(HERE, order("o-2", 500), at=at(8))
    told.tell(HERE, order("o-3", 200), at=at(9))
    told.tell(OLD, complaint("c-1"), at=at(10))
    told.tell(OLD, wrote("talk-1"), at=at(11))
    told.tell(HERE, wrote("talk-2"), at=at(12))
    return told


def test_the_survivor_has_all_of_both() -> None:
    told = known()
    merge(told)
    here, old = told.state(HERE), told.state(OLD)
    assert value_of(here.profile, "name") == "Ann M. Lee"
    assert value_of(here.profile, "phone") == "+44 20 7946 0958"
    assert value_of(here.profile, "email") == "ann@example.com"
    assert {(c.channel, c.granted) for c in here.consents} == {("email", False), ("sms", True)}
    assert (here.purchases.count, here.purchases.spend[0].purchased) == (3, 1_700)
    assert here.counts == {"customers": 7, "purchases": 3, "complaints": 1, "interactions": 2}
    assert [c.complaint_id for c in here.complaints] == ["c-1"]
    view = customer_view(here, told.now)
    assert view.merged_from == [OLD]
    assert {one.conversation_id for one in view.open_conversations} == {"talk-1", "talk-2"}
    assert (old.profile, old.complaints, old.conversations.messages, old.counts) == ({}, (), (), {})
    assert told.timers(OLD) == []
    assert told.dead_letters == []


def test_rows_follow() -> None:
    told = known()
    merge(told)
    (row,) = told.rows("complaints")
    assert (row["_id"], row["customer"]) == (f"c-1 {OLD}", HERE)
    talks = {row["_id"]: row["customer"] for row in told.rows("conversations")}
    assert talks == {f"talk-1 {OLD}": HERE, f"talk-2 {HERE}": HERE}
    people = {row["_id"]: row for row in told.rows("customers")}
    assert people[HERE]["name"] == "Ann M. Lee"
    assert people[OLD]["into"] == HERE
    keys = {row["key"]: row["customer"] for row in told.rows("search") if row.get("key") is not None}
    assert keys["+442079460958"] == keys["@ann@example.com"] == keys[f"={OLD}"] == HERE
    assert not [key for key, owner in keys.items() if owner == OLD and not key.startswith("=")]


def test_what_is_told_of_the_old_id_is_the_survivors() -> None:
    told = known()
    merge(told)
    told.tell(OLD, CustomerUpdated(name="Ann Lee-Smith"))
    told.tell(OLD, order("o-3", 200), at=at(9))
    told.tell(OLD, order("o-4", 50))
    told.tell(OLD, returned("o-3", "r-1", 100))
    here = told.state(HERE)
    assert value_of(here.profile, "name") == "Ann Lee-Smith"
    assert (here.purchases.count, here.purchases.returns) == (4, 1)
    rows = {row["id"]: row for row in told.rows("timeline")}
    assert {row["customer"] for row in rows.values() if row["summary"].startswith("Bought")} == {OLD, HERE}
    assert [row["note"] for row in rows.values() if "note" in row] == [
        "It was told before under another event id, and counts once."
    ]


def test_a_fact_told_of_the_survivor_too_is_a_copy() -> None:
    told = known()
    merge(told)
    first = told.tell(OLD, order("o-9"), id="same")
    assert first.status == "applied"
    assert told.tell(HERE, order("o-9"), id="same").status == "repeated"
    assert told.state(HERE).purchases.count == 4


def test_loyalty_tells_of_the_survivor_itself() -> None:
    told = known()
    source = "/rapport/loyalty"
    told.send(_fact(HERE, TierChanged(from_="bronze", to="silver"), source, "t-1"))
    merge(told)
    told.send(_fact(OLD, TierChanged(from_="bronze", to="gold"), source, "t-2"))
    told.send(_fact(OLD, _adjusted("x", -5, 0), source, "t-3"))
    loyalty = told.state(HERE).loyalty
    assert loyalty is not None
    assert (loyalty.tier, loyalty.balance) == ("silver", 0)
    told.send(_fact(HERE, _adjusted("y", 5, 5), source, "t-4"))
    loyalty = told.state(HERE).loyalty
    assert loyalty is not None
    assert loyalty.balance == 5


def _adjusted(entry_id: str, points: int, balance: int) -> PointsAdjusted:
    cause = {"source": "/test", "id": "e", "type": "x"}
    told = {"entry_id": entry_id, "points": points, "balance": balance, "reason": "merged", "cause": cause}
    return PointsAdjusted.model_validate(told)


def _fact(subject: str, data: Data, source: str, id: str) -> Event:
    return Event(id, source, subject, at(20), data)


def test_clocks_go_on() -> None:
    """Due at the same instants, told once, whoever it is now."""
    alone, told = worker(), worker()
    for one in (alone, told):
        one.advance(at(31))
        one.send(_fact(OLD, TierChanged(from_="bronze", to="gold"), "/rapport/loyalty", "t-1"))
        one.tell(OLD, complaint("c-1"), at=at(30))
        one.tell(HERE, complaint("c-2"), at=at(31))
        one.advance(at(80))  # warned by then: 45 minutes after
    merge(told)
    for one in (alone, told):
        one.advance(at(30) + hours(2))
        one.tell(OLD, ComplaintAcknowledged(complaint_id="c-1"))
        one.advance(at(30) + hours(60))
    for kind in (ComplaintSlaWarned, ComplaintSlaBreached, ComplaintEscalated, ComplaintSlaMet):
        assert [when for _, when in told_of(told, kind)] == [when for _, when in told_of(alone, kind)], kind
    assert told_of(told, ComplaintSlaWarned)[0] == (OLD, at(75))
    assert {whose for whose, _ in told_of(told, ComplaintSlaBreached)} == {HERE}
    assert len(told_of(told, ComplaintSlaBreached)) == 4


def test_a_command_for_the_old_id_is_the_survivors() -> None:
    told = known()
    merge(told)
    command = ComplaintAcknowledgeRequested(complaint_id="c-1", message="we have it")
    event = _fact(OLD, command, "/api/interactions/me/complaints.acknowledge", "k-1")
    moved = told.send(event)
    assert moved.outcome.status == 308
    assert told.state(HERE).complaints[0].life.status == "acknowledged"


def test_unmerged_is_as_before() -> None:
    told = known()
    before = {id: told.state(id) for id in (OLD, HERE)}
    timers = {id: told.timers(id) for id in (OLD, HERE)}
    merge(told)
    unmerge(told)
    for id, was in before.items():
        now = told.state(id)
        assert _plain(now) == _plain(was)
        assert told.timers(id) == timers[id]
    assert {row["_id"]: row["customer"] for row in told.rows("complaints")} == {f"c-1 {OLD}": OLD}
    people = {row["_id"]: row for row in told.rows("customers")}
    assert people[OLD].get("into") is None
    assert (people[OLD]["name"], people[HERE]["name"]) == ("Ann M. Lee", "A. Lee")
    keys = {row["key"]: row["customer"] for row in told.rows("search") if row.get("key") is not None}
    assert (keys["+442079460958"], keys["@ann@example.com"]) == (OLD, HERE)
    assert f"={OLD}" not in keys


def test_what_was_told_of_it_meanwhile_goes_with_it() -> None:
    told, alone = known(), known()
    merge(told)
    for one in (told, alone):
        one.tell(OLD, order("o-7", 70), at=at(40))
        one.tell(OLD, wrote("talk-1", "again"), at=at(41))
        one.tell(OLD, wrote("talk-7", "new"), at=at(42))
        one.tell(OLD, ComplaintAcknowledged(complaint_id="c-1"), at=at(43))
        one.tell(HERE, order("o-8", 80), at=at(44))
        one.tell(HERE, CustomerUpdated(name="Somebody"), at=at(45))
        one.tell(OLD, consent(False, "chat"), at=at(46))
    unmerge(told)
    for id in (OLD, HERE):
        assert _shown(told.state(id), told) == _shown(alone.state(id), alone)


def _plain(customer: Customer) -> dict[str, Any]:
    said = customer.model_dump(exclude={"merging", "routing"})
    for name in said["called"]["names"]:  # whose they are was asked once more
        del name["revision"], name["left_out"]
    return said | {"routed": [one.standing for one in customer.routing.routed]}


def _shown(customer: Customer, told: InMemoryWorker[Customer]) -> dict[str, Any]:
    view = customer_view(customer, told.now).model_dump()
    view["channels"].sort(key=lambda one: one["channel"])
    return view
