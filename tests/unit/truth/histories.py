"""Random histories: what sources, shops and agents tell of two customers, and when the log has it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from hypothesis import strategies as st
from msgspec import structs

from shared.facts.consents import IMPORTED
from shared.schemas.base import Data
from shared.schemas.complaints import (
    CompensationGranted,
)
from shared.schemas.customers import ConsentChanged, CustomerRegistered, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.feedback import ReferralMade, ReviewPosted, SurveyAnswered
from shared.schemas.interactions import InteractionLogged
from shared.schemas.loyalty import MemberEnrolled
from shared.schemas.purchases import (
    PurchaseMade,
    PurchaseReturned,
    SubscriptionCancelled,
    SubscriptionRenewed,
    SubscriptionStarted,
)

from .aftersales import ASKED, CHECKS, LIFE_STEPS, OPENINGS, STEPS, TEXT

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
CUSTOMERS = ("ann", "bob")
DAYS = 20
"""Shorter than anything waits or lasts: what must come out does not depend on when somebody reads."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event and when the log has it."""

    event: Event
    produced: datetime


def _money(amount: int, currency: str = "EUR") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def _of(cls: type[Data], **fields: Any) -> Data:
    return cls.model_validate(fields)


ORDERS = st.sampled_from(["o1", "o2", "o3", "o4"])
AMOUNTS = st.sampled_from([0, 100, 179, 25_000, 60_001])


def _lines(amount: int, lines: int) -> list[dict[str, Any]]:
    return [{"sku": f"s{n}", "quantity": 1, "unit_price": _money(amount // lines)} for n in range(lines)]


def _purchases_of(names: st.SearchStrategy[str]) -> st.SearchStrategy[Data]:
    return st.builds(
        lambda order, amount, lines, channel: _of(
            PurchaseMade, order_id=order, channel=channel, total=_money(amount), items=_lines(amount, lines)
        ),
        names,
        AMOUNTS,
        st.integers(1, 3),
        st.sampled_from(["web", "store"]),
    )


_purchases = _purchases_of(ORDERS)
_returns = st.builds(
    lambda order, name, amount, over, currency, lines: _of(
        PurchaseReturned,
        order_id=order,
        return_id=name,
        refund=_money(amount + over, currency),
        items=[{"sku": f"s{n}", "quantity": 1} for n in range(lines)],
    ),
    ORDERS,
    st.sampled_from(["r1", "r2"]),
    AMOUNTS,
    st.sampled_from([0, 0, 1, 2, 3]),
    st.sampled_from(["EUR", "EUR", "EUR", "USD"]),
    st.integers(0, 3),
)
_fields = st.fixed_dictionaries(
    {},
    optional={
        "email": st.sampled_from(["a@example.com", "b@example.com", None]),
        "phone": st.sampled_from(["+49 30 1", None]),
        "timezone": st.sampled_from(["Europe/Berlin", "Asia/Tokyo", None]),
        "birthday": st.sampled_from(["--07-09", "1990-08-01", None]),
        "segment": st.sampled_from(["gold", "new", None]),
        "preferred_channel": st.sampled_from(["email", "sms", None]),
        "tags": st.sampled_from([["a"], [], None]),
    },
)
_names = st.sampled_from(["Ann", "Anne"])
_profiles = st.one_of(
    st.builds(lambda fields, name: _of(CustomerRegistered, name=name, **fields), _fields, _names),
    st.builds(lambda fields: _of(CustomerUpdated, **fields), _fields),
    st.builds(lambda fields, name: _of(CustomerUpdated, name=name, **fields), _fields, _names),
)
_consents = st.builds(
    ConsentChanged,
    purpose=st.sampled_from(["marketing", "service", "survey"]),
    channel=st.sampled_from(["email", "sms"]),
    topic=st.sampled_from([None, None, "events"]),
    granted=st.booleans(),
    evidence=st.sampled_from([None, None, "form 3"]),
)
_answers = st.builds(
    lambda survey, about: _of(SurveyAnswered, survey=survey[0], score=survey[1], about=about),
    st.one_of(
        st.tuples(st.just("nps"), st.integers(0, 10)),
        st.tuples(st.just("csat"), st.integers(1, 5)),
        st.tuples(st.just("ces"), st.integers(1, 7)),
    ),
    st.sampled_from([None, "o1", "o2", "k1"]).map(
        lambda id: id and {"kind": "complaint" if id == "k1" else "order", "id": id}
    ),
)
_terms = st.builds(
    lambda cls, name, days: _of(
        cls,
        subscription_id=name,
        plan="plus",
        price=_money(900),
        expires_at=(START + timedelta(days=days)).isoformat(),
    ),
    st.sampled_from([SubscriptionStarted, SubscriptionRenewed]),
    st.sampled_from(["s1", "s2"]),
    st.sampled_from([300, 330, 360]),
)
_others = st.one_of(
    _terms,
    st.builds(SubscriptionCancelled, subscription_id=st.sampled_from(["s1", "s2"])),
    st.builds(ReviewPosted, sku=st.just("mug"), rating=st.integers(1, 5)),
    st.builds(
        InteractionLogged,
        channel=st.just("chat"),
        direction=st.just("inbound"),
        kind=st.just("question"),
        summary=TEXT,
    ),
)
_joining = st.one_of(
    st.builds(MemberEnrolled, channel=st.just("store"), tier=st.sampled_from([None, "gold"])),
    st.builds(ReferralMade, referred_customer=st.sampled_from(CUSTOMERS)),
)
_orders = (_purchases, _purchases, _returns, _returns)
_lives = (OPENINGS, STEPS, ASKED, CHECKS)
_people = (_profiles, _consents, _answers)
_SAID = {
    name: st.sampled_from(kinds).flatmap(lambda kind: kind)
    for name, kinds in {
        "orders": (*_orders, _joining),
        "complaints": _lives,
        "people": _people,
        "all": (*_orders, *_lives, *_people, _others, _joining),
    }.items()
}
"""What a history is about, by name: with few kinds there is much that belongs together."""

_gaps = st.sampled_from([0, 1, 30, 600])
"""Minutes between two records."""
_skews = st.one_of(st.just(0), st.integers(-5 * 1440, 0), st.integers(1, 1440 - 1))
"""Minutes by which an event is late, or its clock ahead."""
_bits = st.sampled_from([0, 0, 0, 1, 400, 1_000])
"""Microseconds: two things may happen within a millisecond, which is as far as a store's dates go."""


@st.composite
def histories(draw: st.DrawFn) -> list[Told]:
    """Everything that is put into the log, in that order; copies under old and new ids too."""
    said = _SAID[draw(st.sampled_from(["all", "orders", "complaints", "people"]))]
    size = draw(st.sampled_from([4, 8, 16, 32]))
    row = st.tuples(said, st.sampled_from(CUSTOMERS), _gaps, _skews, _bits, st.booleans())
    rows = draw(st.lists(row, min_size=size // 2, max_size=size))
    produced = accumulate([gap for _, _, gap, *_ in rows], initial=0)
    history: list[Told] = []
    for n, ((data, customer, _, skew, bit, imported), minute) in enumerate(zip(rows, produced, strict=False)):
        when = START + timedelta(minutes=minute)
        # What an agent asks for happens when it is asked.
        at = when if data.topic == "commands" else when + timedelta(minutes=skew, microseconds=bit)
        # An import tells of the past.
        marks = {IMPORTED: True} if imported and at <= when and isinstance(data, ConsentChanged) else {}
        history.append(Told(Event(f"e{n}", _source(data), customer, at, data, extensions=marks), when))
    return _with_copies(draw, history)


@dataclass(frozen=True, slots=True)
class Correction:
    """What a dead letter's event should have said."""

    data: Data
    later: timedelta
    """When it happened, from what the dead letter says."""

    def fits(self, bad: Event) -> bool:
        """Whether it is about what the dead letter was about: an order or its return, a complaint's life. Of
        a grant's two meanings, for the complaint and for the points, interactions judges the first alone."""
        return self.data.topic == bad.data.topic and not isinstance(bad.data, CompensationGranted)

    def of(self, bad: Event) -> Event:
        """The event put right, under the same id."""
        return structs.replace(bad, time=bad.time + self.later, data=self.data)


corrections = st.lists(
    st.builds(
        Correction,
        st.one_of(
            _purchases_of(st.sampled_from(["o1", "o2", "o5", "o6"])),
            _returns,
            OPENINGS,
            LIFE_STEPS,
            LIFE_STEPS,
            st.builds(ReviewPosted, sku=st.sampled_from(["mug", "tea"]), rating=st.integers(1, 5)),
        ),
        st.sampled_from([0, 0, -600, -1, 1, 30]).map(lambda minutes: timedelta(minutes=minutes)),
    ),
    max_size=6,
)
"""What dead letters are put right to, in turn, as they fit."""


def _source(data: Data) -> str:
    return "/api/test/agent/route" if data.topic == "commands" else "/shop"


def _with_copies(draw: st.DrawFn, history: list[Told]) -> list[Told]:
    if not history:
        return history
    copies = draw(st.lists(st.tuples(st.integers(0, len(history) - 1), st.sampled_from("osn")), max_size=6))
    for n, (place, how) in enumerate(copies):
        told = history[place]
        if how == "s" and told.event.data.topic != "commands":  # another customer's, under the same id
            other = CUSTOMERS[told.event.subject == CUSTOMERS[0]]
            told = replace(told, event=structs.replace(told.event, subject=other))
        elif how == "n":
            told = replace(told, event=structs.replace(told.event, id=f"copy{n}"))
        history.append(replace(told, produced=history[-1].produced))
    return history
