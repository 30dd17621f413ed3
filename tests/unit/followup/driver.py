"""A worker in memory: applies one customer's events in time order, fires timers, keeps rows, and hands
``ready`` rows to a pretended sender."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.followup import config
from services.followup.channels.email import Email, EmailSettings
from services.followup.domain.apply import apply
from services.followup.domain.messages.channel import Writing
from services.followup.domain.policy import Policy
from services.followup.domain.preview import preview
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules
from services.followup.domain.state import Customer, initial
from services.followup.models.rules import PreviewAnswer, preview_answer
from shared.domain import CancelTimer, Context, Effects, Emit, Put, Refused
from shared.schemas.base import Data
from shared.schemas.commands import DeliveryReported
from shared.schemas.complaints import ComplaintOpened, ComplaintReopened, ComplaintResolved
from shared.schemas.customers import ConsentChanged, CustomerRegistered
from shared.schemas.event import Event
from shared.schemas.loyalty import RewardAvailable, TierChanged
from shared.schemas.purchases import PurchaseMade
from shared.schemas.timer import TimerFired
from shared.schemas.times import micros

RULES = Path(config.__file__).parent / "rules"
CHANNELS: Mapping[str, Writing] = {"email": Email(EmailSettings())}
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def rules(name: str = "retail", **changes: Any) -> Rules:
    """The shipped rules, with top-level fields changed."""
    shipped = config.load_rules(RULES / f"{name}.yaml")
    return shipped.model_copy(update=changes)


def policy(
    these: Rules | None = None,
    *,
    event_time: bool = False,
    channels: Mapping[str, Writing] = CHANNELS,
) -> Policy:
    return Policy(
        these or rules(),
        config.load_templates(None),
        channels,
        lambda customer, purpose, channel: f"https://rapport.example/u/{customer}-{purpose}-{channel}",
        event_time=event_time,
    )


@dataclass
class Driver:
    """``now`` only moves forward. ``instant``: the pretended sender reports at once, else when asked."""

    policy: Policy = field(default_factory=policy)
    now: datetime = NOON
    instant: bool = True
    customer: str = "c-1"
    state: Customer = field(init=False)
    timers: dict[str, datetime] = field(default_factory=dict)
    rows: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    emitted: list[Emit] = field(default_factory=list)
    sent: list[Mapping[str, Any]] = field(default_factory=list)
    """(row, time) of each message that the pretended server got."""
    fired: set[tuple[str, datetime]] = field(default_factory=set)
    count: int = 0
    outcome: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        self.state = initial(self.customer)

    def event(self, data: Data, at: datetime | None = None, id: str | None = None) -> Effects[Customer]:
        """Apply a fact or command whose time is ``at`` (now if left out). Raises ``Refused``."""
        self.count += 1
        event = Event(id or f"e-{self.count}", "/test", self.customer, at or self.now, data)
        effects = self._apply(event)
        self.outcome = effects.outcome.body
        return effects

    def until(self, moment: datetime) -> None:
        """Let time pass, firing timers in order."""
        while True:
            due = min(((at, name) for name, at in self.timers.items() if at <= moment), default=None)
            if due is None:
                break
            at, name = due
            del self.timers[name]
            self.now = max(self.now, at)
            # As the runtime does it: the same timer at the same instant is the same event.
            if (name, at) not in self.fired:
                self.fired.add((name, at))
                data = TimerFired(name=name, due_at=at)
                self._apply(Event(f"{name}|{at.isoformat()}", "/timers", self.customer, at, data))
        self.now = max(self.now, moment)

    def after(self, time: timedelta) -> None:
        self.until(self.now + time)

    def deliver(self, status: str = "sent", error: str | None = None) -> int:
        """Take every ready row as the sender does, and report. How many there were."""
        ready = [row for row in self.rows.values() if row["status"] == "ready"]
        for row in ready:
            self.rows[row["_id"]] = {**row, "status": "sending"}
            at = row["decided_at"] if self.policy.event_time else self.now
            if status == "sent":
                self.sent.append({**row, "at": at})
            data = DeliveryReported.model_validate(
                {"outreach_id": row["_id"], "status": status, "attempt": 1, "error": error}
            )
            self._apply(Event(f"{row['_id']}-1", "/sender", self.customer, at, data))
        return len(ready)

    def facts(self, kind: type[Data]) -> list[Any]:
        return [emit.data for emit in self.emitted if isinstance(emit.data, kind)]

    def _apply(self, event: Event) -> Effects[Customer]:
        effects = apply(self.policy, self.state, event, context(event, self.now))
        # What the store does to state: it must survive it unchanged.
        assert Customer.model_validate_json(effects.state.model_dump_json()) == effects.state
        self.state = effects.state
        self.emitted += effects.emits
        for timer in effects.timers:
            if isinstance(timer, CancelTimer):
                self.timers.pop(timer.name, None)
            else:
                self.timers[timer.name] = timer.due_at
        for row in effects.rows:
            assert isinstance(row, Put)
            self.rows[row.document["_id"]] = row.document
        if self.instant:
            self.deliver()
        return effects

    def statuses(self, rule: str | None = None) -> list[str]:
        """The rows' statuses, in order of due time."""
        rows = sorted(self.rows.values(), key=lambda row: row["due_at"])
        return [row["status"] for row in rows if rule in (None, row["rule"])]


def context(event: Event, now: datetime) -> Context:
    def derived(tag: str) -> str:
        return hashlib.sha256(f"{event.uid} {tag}".encode()).hexdigest()[:24]

    return Context(now, derived, derived)


def refusal(driver: Driver, data: Data) -> Refused:
    """The refusal that the command meets."""
    before = driver.state
    try:
        driver.event(data)
    except Refused as refused:
        assert driver.state is before
        return refused
    raise AssertionError("not refused")


def previewed(driver: Driver, rule: Rule, now: datetime | None = None) -> PreviewAnswer:
    """What the API would answer."""
    return preview_answer(preview(driver.state, driver.policy, rule, micros(now or driver.now)))


def profile(**changes: Any) -> CustomerRegistered:
    return CustomerRegistered(**{"name": "Ada Byron", "email": "ada@example.org", **changes})


def granted(purpose: str = "marketing", word: bool = True, channel: str = "email") -> ConsentChanged:
    return ConsentChanged.model_validate({"purpose": purpose, "channel": channel, "granted": word})


def purchase(order: str = "o-1") -> PurchaseMade:
    money = {"amount": 1000, "currency": "EUR"}
    return PurchaseMade.model_validate(
        {
            "order_id": order,
            "channel": "web",
            "total": money,
            "items": [{"sku": "x", "quantity": 1, "unit_price": money}],
        }
    )


def opened(id: str = "k-1") -> ComplaintOpened:
    return ComplaintOpened(
        complaint_id=id, channel="email", category="delivery", severity="normal", description="late"
    )


def resolved(id: str = "k-1") -> ComplaintResolved:
    return ComplaintResolved(complaint_id=id, resolution="sent again")


def reopened(id: str = "k-1") -> ComplaintReopened:
    return ComplaintReopened(complaint_id=id, reason="still late")


def tier(to: str, direction: str | None = "up") -> TierChanged:
    return TierChanged.model_validate({"from": "bronze", "to": to, "direction": direction})


def reward(name: str = "Free delivery") -> RewardAvailable:
    return RewardAvailable(reward_id="free-delivery", name=name, cost=100, balance=1310)


def reachable(driver: Driver) -> Driver:
    """With a profile and marketing consent."""
    driver.event(profile())
    driver.event(granted())
    return driver
