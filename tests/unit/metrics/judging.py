"""A judge of customers' health for tests: by how long ago the last order was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.metrics.domain.fits import Parameters
from services.metrics.domain.insights import InsightsPolicy
from services.metrics.domain.state import Customer
from services.metrics.journal.looking import Looking
from shared.kafka.publisher import Record
from shared.schemas.base import Money
from shared.schemas.codec import decode, open_envelope
from shared.schemas.event import Event
from shared.schemas.insights import Driver
from shared.schemas.times import DAY, Micros

from .memory import MemoryStore
from .rig import FAR, Rig, batch
from .story import START

POLICY = InsightsPolicy(score_step=10, warn_at=0.6)


@dataclass(frozen=True)
class Recency:
    """100 on the day, a point less with each day after it; who never ordered is new."""

    score: int
    churn_probability: float
    segment: str
    drivers: tuple[Driver, ...] = ()
    clv: Money | None = None


def judge(customer: Customer, parameters: Parameters, at: Micros) -> Recency:
    made = [o.made for o in customer.orders.values() if o.made is not None and o.made < at]
    if not made:
        return Recency(50, 0.0, "new")
    days = min(100, (at - max(made)) // DAY)
    driver = Driver(driver="recency", points=float(100 - days), of=100.0, why=f"{days} days")
    segment = "champions" if days < 30 else "at_risk" if days < 60 else "lost"
    return Recency(100 - days, days / 100, segment, (driver,))


LOOKING = Looking(judge, POLICY)


def insights(records: Sequence[Record]) -> list[Event]:
    """The events among these, each once, in the order in which they were first told."""
    events = [decode(open_envelope(r.key, r.value, r.headers), wall_now=FAR) for r in records]
    return list({event.id: event for event in events}.values())


def short(event: Event) -> str:
    """Who was told what."""
    data = event.data.model_dump(by_alias=True)
    told = data.get("to") or data.get("score") or data.get("probability")
    return f"{event.subject} {event.type.split('.', 1)[1].rsplit('.', 1)[0]} {told}"


async def wall(log: Sequence[Event], looking: Looking = LOOKING, store: MemoryStore | None = None) -> Rig:
    """A worker under the wall clock, at noon of day 40, that has read this log."""
    rig = Rig(store or MemoryStore(), looking=looking)
    rig.now = START + timedelta(days=40, hours=12)
    await rig.processor.assigned(frozenset({0}), 1)
    await rig.processor.process(batch(log))
    return rig


def who(*rigs: Rig) -> set[str]:
    """Of whom something was told."""
    return {one.subject for rig in rigs for one in insights(rig.published)}


async def after(rig: Rig, times: int = 5) -> Rig:
    """The worker died; this one takes its partition over, and has time."""
    other = Rig(rig.store, looking=LOOKING)
    other.now = rig.now
    await other.processor.assigned(frozenset({0}), 1)
    for _ in range(times):
        await other.flush()
    return other
