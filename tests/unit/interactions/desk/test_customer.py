"""A customer's page: what somebody sees who is about to talk to them."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.interactions.desk.views.customer import CustomerPage, customer_page, initials
from services.interactions.desk.views.orders import TYPES as ORDER_TYPES
from services.interactions.desk.views.unsent import TYPES as DROPPED_TYPES
from services.interactions.domain.rows import TimelineRow
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.complaints import (
    ComplaintAcknowledged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintResolved,
)
from shared.schemas.customers import ConsentChanged, CustomerRegistered
from shared.schemas.feedback import SurveyAnswered
from shared.schemas.interactions import InteractionLogged
from shared.schemas.outreach import OutreachCancelled, OutreachSuppressed
from shared.schemas.purchases import PurchaseMade, PurchaseReturned

from ..told import CUSTOMER, SLA, START, event, heard


def page_of(*told: Data, minutes: int = 60) -> CustomerPage:
    """An hour after these events, which were a minute apart."""
    worker = heard([event(data, f"e-{n}", n) for n, data in enumerate(told)])
    return shown(worker, minutes)


def shown(worker: InMemoryWorker[Any], minutes: int) -> CustomerPage:
    now = START + timedelta(minutes=minutes)

    def read(*types: str) -> list[TimelineRow]:
        rows = TimelineRow.read(worker.rows("timeline"))
        return [row for row in sorted(rows, key=lambda r: r.place, reverse=True) if row.type in types]

    return customer_page(
        worker.state(CUSTOMER),
        SLA,
        now,
        bought=read(*ORDER_TYPES),
        dropped=read(*DROPPED_TYPES),
        answered=read(SurveyAnswered.event_type),
    )


def opened(id: str, severity: str = "high", **more: Any) -> ComplaintOpened:
    told = {"complaint_id": id, "channel": "email", "category": "delivery", "severity": severity}
    return ComplaintOpened.model_validate(told | {"description": f"about {id}"} | more)


def consent(purpose: str, channel: str, granted: bool, topic: str | None = None) -> ConsentChanged:
    told = {"purpose": purpose, "channel": channel, "granted": granted, "topic": topic}
    return ConsentChanged.model_validate(told)


def test_who_they_are() -> None:
    person = page_of(
        CustomerRegistered.model_validate(
            {
                "name": "Ann-Maria van Lee",
                "email": "ann@example.org",
                "timezone": "Asia/Tokyo",
                "birthday": "--02-29",
                "tags": ["press"],
                "preferences": {"diet": "vegan"},
            }
        )
    ).person
    assert (person.name, person.initials, person.email, person.tags) == (
        "Ann-Maria van Lee",
        "AL",
        "ann@example.org",
        ("press",),
    )
    assert person.local_time is not None
    assert person.local_time.strftime("%H:%M") == "20:00", "eleven in London is eight in the evening there"
    assert person.born == date(4, 2, 29)


def test_one_of_whom_nothing_but_an_id_is_known() -> None:
    page = page_of(opened("c-1"))
    assert (page.person.name, page.person.initials, page.person.local_time) == (None, "C1", None)
    assert (page.preferences, page.allowed, page.orders, page.unsent, page.talks) == ((), (), (), (), ())


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ann", "A"),
        ("ann lee", "AL"),
        ("Øyvind Ås", "ØÅ"),
        ("李 小龙", "李小"),
        ("", "?"),
        ("(?) -", "?"),
        ("- x", "X"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_consents_stand_together_by_purpose() -> None:
    allowed = page_of(
        consent("service", "email", True),
        consent("marketing", "sms", False),
        consent("marketing", "email", True, "events"),
        consent("marketing", "email", True),
    ).allowed
    assert [(a.purpose, [(w.channel, w.topic, w.granted) for w in a.words]) for a in allowed] == [
        ("marketing", [("email", None, True), ("sms", None, False), ("email", "events", True)]),
        ("service", [("email", None, True)]),
    ]


def test_complaints_with_clocks_first_due_first_and_those_that_are_over() -> None:
    page = page_of(
        opened("c-slow", "low"),
        opened("c-fast", "critical"),
        opened("c-done"),
        ComplaintAcknowledged(complaint_id="c-done"),
        ComplaintResolved(complaint_id="c-done", resolution="sent again"),
        ComplaintClosed(complaint_id="c-done"),
        minutes=31,
    )
    assert [box.card.complaint_id for box in page.open] == ["c-fast", "c-slow"]
    first = page.open[0].clocks[0]
    assert (first.clock, first.state, first.due.stage, first.due.left) == (
        "first_response",
        "running",
        "soon",
        timedelta(minutes=30),
    )
    assert first.used == 0.5
    assert ([c.complaint_id for c in page.over], page.over_count) == (["c-done"], 1)
    assert page.over[0].due.stage == "none"


def test_conversations_by_what_was_said_last() -> None:
    said = {"direction": "inbound", "kind": "question", "summary": "hello"}
    page = page_of(
        InteractionLogged.model_validate(
            said | {"channel": "email", "conversation_id": "k-1", "subject": "Cups", "text": "broken"}
        ),
        InteractionLogged.model_validate(said | {"channel": "chat", "conversation_id": "k-2"}),
    )
    assert [(t.conversation_id, t.subject, t.status, t.messages) for t in page.talks] == [
        ("k-2", None, "queued", 1),
        ("k-1", "Cups", "queued", 1),
    ]


def test_orders_with_what_came_back_of_them() -> None:
    price = {"amount": 500, "currency": "EUR"}
    lines = [{"sku": f"sku-{n}", "quantity": 1, "unit_price": price} for n in range(6)]
    made = {"channel": "web", "total": {"amount": 3000, "currency": "EUR"}, "items": lines}
    returned = {"order_id": "o-1", "items": [{"sku": "sku-1", "quantity": 1}], "refund": price}
    page = page_of(
        PurchaseMade.model_validate(made | {"order_id": "o-1"}),
        PurchaseMade.model_validate(made | {"order_id": "o-2"}),
        PurchaseReturned.model_validate(returned | {"return_id": "r-1"}),
        PurchaseReturned.model_validate(returned | {"return_id": "r-2"}),
    )
    assert [(o.order_id, o.refund) for o in page.orders] == [
        ("o-2", None),
        ("o-1", {"amount": 1000, "currency": "EUR"}),
    ]
    assert ([i.sku for i in page.orders[0].items], page.orders[0].more) == ([f"sku-{n}" for n in range(4)], 2)


def test_why_messages_were_not_sent() -> None:
    page = page_of(
        OutreachSuppressed.model_validate(
            {
                "outreach_id": "m-1",
                "rule": "news",
                "reason": "open_complaint",
                "blocked_by": ["open_complaint", "quiet_hours"],
                "next_at": "2026-11-02T08:00:00+01:00",
            }
        ),
        OutreachCancelled.model_validate({"outreach_id": "m-2", "rule": "birthday", "reason": "stale"}),
    )
    stale, held = page.unsent
    assert (held.rule, held.reason, held.others, held.wanted) == (
        "news",
        "open_complaint",
        ("quiet_hours",),
        True,
    )
    assert held.next_at is not None
    assert held.next_at.isoformat() == "2026-11-02T07:00:00+00:00"
    assert (stale.rule, stale.reason, stale.others, stale.wanted) == ("birthday", "stale", (), False)


def test_what_they_answered() -> None:
    page = page_of(SurveyAnswered(survey="nps", score=9, comment="<b>good</b>"))
    (answer,) = page.answers
    assert (answer.survey, answer.score, answer.text) == ("nps", 9, "<b>good</b>")
