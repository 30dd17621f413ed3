"""What was so at a time: the timeline's rows folded anew give what a worker would know that had heard nothing
that happened later."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.interactions.domain.past import PAST_TYPES, Past
from services.interactions.domain.rows import TimelineRow
from services.interactions.domain.state import Customer
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.customers import ConsentChanged, CustomerRegistered, CustomerUpdated
from shared.schemas.event import Event
from shared.schemas.interactions import InteractionLogged
from shared.schemas.loyalty import MemberEnrolled, PointsEarned, PointsRedeemed, TierChanged
from shared.schemas.times import micros

from .told import CUSTOMER, HANDLER, START, at, event

LOYALTY = "/rapport/loyalty"


def said(worker: InMemoryWorker[Customer], minutes: float) -> dict[str, Any]:
    """The past at that time, of the rows that the store would give, the last first."""
    past, until = Past(CUSTOMER), micros(at(minutes))
    for row in TimelineRow.read(list(reversed(worker.rows("timeline")))):
        if row.type in PAST_TYPES and row.at <= until:
            past.add(row)
    return shown(past.customer())


def shown(customer: Customer) -> dict[str, Any]:
    loyalty = customer.loyalty
    return {
        "profile": {name: known.value for name, known in customer.profile.items()},
        "consents": {(c.purpose, c.channel): (c.granted, c.at) for c in customer.consents},
        "loyalty": loyalty and (loyalty.tier, loyalty.balance, loyalty.enrolled_at),
    }


def played(events: Sequence[tuple[float, Event]]) -> InMemoryWorker[Customer]:
    """Each heard at its minute."""
    worker = InMemoryWorker(HANDLER, now=START)
    for minute, told in events:
        worker.advance(at(minute))
        worker.send(told)
    return worker


def consent(granted: bool) -> ConsentChanged:
    return ConsentChanged(purpose="marketing", channel="email", granted=granted)


def points(kind: type[Data], change: int, balance: int, n: int) -> Data:
    cause = {"source": "/till", "id": f"r-{n}"}
    return kind.model_validate(
        {"entry_id": f"x-{n}", "points": change, "balance": balance, "reason": "r", "cause": cause}
    )


def test_what_was_told_later_of_an_earlier_time_counts() -> None:
    told = [
        event(CustomerRegistered(name="Ann", segment="new"), "e-1", 0),
        event(CustomerUpdated(segment="gold"), "e-2", 100),
        event(CustomerUpdated(segment="silver", email="a@example.com"), "e-3", 50),
    ]
    worker = played([(200, one) for one in told])
    assert said(worker, -1) == {"profile": {}, "consents": {}, "loyalty": None}
    assert said(worker, 49)["profile"] == {"name": "Ann", "segment": "new"}
    assert said(worker, 50)["profile"] == {"name": "Ann", "segment": "silver", "email": "a@example.com"}
    assert said(worker, 100)["profile"] == {"name": "Ann", "segment": "gold", "email": "a@example.com"}


def test_of_one_instant_the_later_in_the_log_holds() -> None:
    first, second = (event(CustomerUpdated(segment=s), id, 5) for s, id in (("a", "z"), ("b", "a")))
    worker = played([(9, first), (9, second)])
    assert said(worker, 5)["profile"] == {"segment": "b"} == shown(worker.state(CUSTOMER))["profile"]


def test_a_grant_of_the_future_does_not_outlast_a_withdrawal_heard_later() -> None:
    ahead = event(consent(True), "e-1", 100)
    no = event(consent(False), "e-2", 60)
    worker = played([(50, ahead), (65, no)])
    about = ("marketing", "email")
    assert said(worker, 55)["consents"] == {}
    assert said(worker, 70)["consents"][about] == (False, micros(at(60)))
    assert said(worker, 110)["consents"][about] == (False, micros(at(60)))
    assert shown(worker.state(CUSTOMER))["consents"][about][0] is False


def test_loyalty_is_told_in_the_order_of_its_log_and_a_balance_is_its_entries_sum() -> None:
    told = [
        event(MemberEnrolled(), "e-1", 1),
        event(MemberEnrolled(tier="bronze"), "e-2", 2, LOYALTY),
        event(points(PointsEarned, 100, 100, 1), "e-3", 10, LOYALTY),
        event(TierChanged.model_validate({"from": "bronze", "to": "silver"}), "e-4", 10, LOYALTY),
        event(points(PointsEarned, 50, 150, 2), "e-5", 5, LOYALTY),  # of a purchase that was told late
        event(TierChanged.model_validate({"from": "silver", "to": "gold"}), "e-6", 5, LOYALTY),
        event(points(PointsRedeemed, -30, 120, 3), "e-7", 20, LOYALTY),
    ]
    worker = played([(30, one) for one in told])
    enrolled, own = micros(at(1)), micros(at(2))
    assert said(worker, 0)["loyalty"] is None
    assert said(worker, 1)["loyalty"] == (None, 0, enrolled)
    assert said(worker, 4)["loyalty"] == ("bronze", 0, own)
    assert said(worker, 7)["loyalty"] == ("gold", 50, own)
    assert said(worker, 10)["loyalty"] == ("gold", 150, own)
    assert said(worker, 20)["loyalty"] == ("gold", 120, own) == shown(worker.state(CUSTOMER))["loyalty"]


_minutes = st.sampled_from([0, 1, 1, 2, 3, 5, 8, 600])
_fields = st.fixed_dictionaries(
    {}, optional={"segment": st.sampled_from(["a", "b", None]), "email": st.sampled_from(["a@b.cd", None])}
)
_data = st.one_of(
    st.builds(lambda fields: CustomerUpdated.model_validate(fields), _fields),
    st.builds(consent, st.booleans()),
    st.builds(
        ConsentChanged,
        purpose=st.sampled_from(["service", "survey"]),
        channel=st.just("sms"),
        granted=st.booleans(),
    ),
    st.builds(lambda to: TierChanged.model_validate({"from": "x", "to": to}), st.sampled_from("pqr")),
    st.integers(-50, 200),
    st.just(
        InteractionLogged.model_validate(
            {"channel": "chat", "direction": "inbound", "kind": "question", "summary": "?"}
        )
    ),
)


@st.composite
def _histories(draw: st.DrawFn) -> list[tuple[float, Event]]:
    """Facts about one customer and when each is heard: late, in time, or before its own time."""
    history: list[tuple[float, Event]] = []
    balance, minute = 0, 0.0
    for n, (data, later, skew) in enumerate(
        draw(st.lists(st.tuples(_data, _minutes, st.integers(-30, 30)), max_size=12))
    ):
        minute += later
        if isinstance(data, int):
            balance += data
            data = points(PointsEarned, data, balance, n)
        source = LOYALTY if data.topic == "loyalty" else "/test"
        history.append((minute, event(data, f"e-{n}", minute + skew, source)))
    return history


@given(_histories(), st.integers(-30, 700))
def test_the_past_is_what_would_be_known_had_nothing_later_been_told(
    history: list[tuple[float, Event]], minute: int
) -> None:
    by_then = [(heard, told) for heard, told in history if told.time <= at(minute)]
    expected = shown(played(by_then).state(CUSTOMER))
    if expected["loyalty"] is not None:  # which holds what loyalty told last, also of what came later
        entries = [t.data for _, t in by_then if isinstance(t.data, PointsEarned)]
        tier, _, enrolled = expected["loyalty"]
        expected["loyalty"] = (tier, sum(e.points for e in entries), enrolled)
    assert said(played(history), minute) == expected


@given(_histories())
def test_the_past_up_to_the_end_is_the_present(history: list[tuple[float, Event]]) -> None:
    worker = played(history)
    end = timedelta(days=300) / timedelta(minutes=1)
    assert said(worker, end) == shown(worker.state(CUSTOMER))
