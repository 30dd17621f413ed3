"""Followup's words over the in-memory worker: one customer, time that passes, and a pretended sender that
takes ``ready`` rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from services.followup import config
from services.followup.channels.email import Email, EmailSettings
from services.followup.domain.apply import apply
from services.followup.domain.links import Links
from services.followup.domain.messages.channel import Writing
from services.followup.domain.messages.check import check
from services.followup.domain.messages.templates import Templates
from services.followup.domain.policy import Policy
from services.followup.domain.preview import preview
from services.followup.domain.rows import COLLECTION
from services.followup.domain.rules.rule import Rule
from services.followup.domain.rules.rules import Rules
from services.followup.domain.state import Customer
from services.followup.domain.tasks import TASKS
from services.followup.models.rules import PreviewAnswer, preview_answer
from services.followup.worker import handler_of
from shared.domain import Context, Effects, Outcome, RefusedError
from shared.journal.testing import InMemoryWorker
from shared.schemas.base import Data
from shared.schemas.commands.followup import DeliveryReported
from shared.schemas.complaints import ComplaintOpened, ComplaintReopened, ComplaintResolved
from shared.schemas.customers import ConsentChanged, CustomerRegistered
from shared.schemas.event import Event
from shared.schemas.loyalty import RewardAvailable, TierChanged
from shared.schemas.purchases import PurchaseMade, PurchaseReturned, SubscriptionStarted
from shared.schemas.timer import TimerFired
from shared.schemas.times import micros

D = TypeVar("D", bound=Data)

RULES = Path(config.__file__).parent / "rules"
CHANNELS: Mapping[str, Writing] = {"email": Email(EmailSettings())}
HEAD = """
name: test
sender: {name: Store, address: hello@store.example}
templates:
  thank-you: {purpose: marketing}
  win-back: {purpose: marketing}
  welcome: {purpose: marketing}
  news: {purpose: marketing, manual: true}
  note: {purpose: service, manual: true}
  complaint-check: {purpose: service}
"""
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LINKS = Links(
    unsubscribe=lambda one: f"https://rapport.example/u/{one.customer_id}-{one.purpose}-{one.channel}",
    preferences=lambda customer: f"https://rapport.example/p/{customer}",
    survey=lambda one: f"https://rapport.example/s/{one.survey}-{one.about_kind}-{one.about_id}",
    member=lambda customer, until, locale: f"https://rapport.example/m/{customer}-{until}-{locale}",
)


def rules(name: str = "retail", **changes: Any) -> Rules:
    """The shipped rules, with top-level fields changed."""
    return shipped_rules(name).model_copy(update=changes)


@cache
def shipped_rules(name: str) -> Rules:
    """Read once."""
    return config.load_rules(RULES / f"{name}.yaml")


@cache
def shipped_templates() -> Templates:
    """Read once: they do not change."""
    return config.load_templates(None)


def shipped_policy() -> Policy:
    return policy()


@cache
def written(text: str) -> Policy:
    """The policy of a rules file; ``$HEAD`` stands for a sender and some templates."""
    versions = config.parse_versions(text.replace("$HEAD", HEAD))
    for these in versions:
        check(shipped_templates(), these, {**CHANNELS, **TASKS})
    return policy(versions[-1], versions=versions if len(versions) > 1 else ())


def policy(
    these: Rules | None = None,
    *,
    versions: tuple[Rules, ...] = (),
    event_time: bool = False,
    channels: Mapping[str, Writing] = CHANNELS,
) -> Policy:
    return Policy(
        these or rules(),
        shipped_templates(),
        {**channels, **TASKS},
        LINKS,
        event_time=event_time,
        versions=versions,
    )


class Driver:
    """One customer's worker, by the kit, and a pretended sender. ``now`` only moves forward; setting it is
    an outage of the worker. ``instant``: the sender reports at once, else when asked."""

    def __init__(
        self,
        policy: Policy | None = None,
        now: datetime = NOON,
        instant: bool = True,
        customer: str = "c-1",
        loopback: bool = True,
    ) -> None:
        self.policy = policy or shipped_policy()
        self.instant, self.customer = instant, customer
        self.sent: list[dict[str, Any]] = []
        """Each message that the pretended sender took, with the time ``at`` which it did."""
        self.fired, self._taken = set[tuple[str, datetime]](), set[str]()
        self.outcome: Mapping[str, Any] | None = None
        handler = handler_of(self.policy)
        self.worker = InMemoryWorker(
            # A timer may come again, as an event that a test sends.
            replace(handler, apply=self._apply, consumes=(*handler.consumes, TimerFired)),
            now=now,
            loopback=loopback,
        )

    def event(self, data: Data, at: datetime | None = None, id: str | None = None, of: str = "") -> None:
        """A fact or command whose time is ``at`` (now if left out), about the customer, or another. Raises
        ``RefusedError``."""
        handled = self.worker.tell(of or self.customer, data, at=at, id=id).accepted()
        self.outcome = handled.outcome.body if handled.outcome else None
        self._settle()

    def send(self, event: Event) -> Outcome:
        """An event as it is: a command's answer, a refusal too."""
        handled = self.worker.send(event)
        self._settle()
        return handled.outcome or Outcome()

    def until(self, moment: datetime) -> None:
        """Let time pass, firing timers in order; each time the sender may send."""
        while (timer := next(iter(self.worker.timers()), None)) is not None and timer.due_at <= moment:
            self.worker.advance(max(self.now, timer.due_at))
            self._settle()
        self.worker.advance(max(self.now, moment))

    def after(self, time: timedelta) -> None:
        self.until(self.now + time)

    def deliver(self, status: str = "sent", error: str | None = None, code: str | None = None) -> int:
        """Take every ready row as the sender does, and report. How many there were."""
        ready = [row for id, row in self.rows.items() if row["status"] == "ready" and id not in self._taken]
        ready = [row for row in ready if "not_before" in row]  # the others go in their mails
        for row in ready:
            self._taken.add(row["_id"])
            at = row["decided_at"] if self.policy.event_time else self.now
            if status == "sent":
                self.sent.append({**row, "at": at})
            told = {"outreach_id": row["_id"], "status": status, "attempt": 1, "error": error, "code": code}
            data = DeliveryReported.model_validate(told)
            self.worker.send(Event(f"{row['_id']}-1", "/sender", row["customer"], at, data)).accepted()
        return len(ready)

    @property
    def now(self) -> datetime:
        return self.worker.now

    @now.setter
    def now(self, moment: datetime) -> None:
        self.worker.away(moment)

    @property
    def state(self) -> Customer:
        return self.worker.state(self.customer)

    @property
    def timers(self) -> list[str]:
        """The names of the timers that are set."""
        return [timer.name for timer in self.worker.timers()]

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """By id."""
        return {row["_id"]: row for row in self.worker.rows(COLLECTION)}

    @property
    def emitted(self) -> Sequence[Event]:
        return self.worker.emitted

    def facts(self, kind: type[D]) -> list[D]:
        return self.worker.facts(kind)

    def statuses(self, rule: str | None = None) -> list[str]:
        """The rows' statuses, in order of due time."""
        rows = sorted(self.rows.values(), key=lambda row: row["due_at"])
        return [row["status"] for row in rows if rule in (None, row["rule"])]

    def _apply(self, state: Customer, event: Event, context: Context) -> Effects[Customer]:
        """The policy may change while the worker lives."""
        if isinstance(event.data, TimerFired):
            self.fired.add((event.data.name, event.data.due_at))
        return apply(self.policy, state, event, context)

    def _settle(self) -> None:
        if self.instant:
            self.deliver()


def refusal(driver: Driver, data: Data) -> RefusedError:
    """The refusal that the command meets."""
    before = driver.state
    try:
        driver.event(data)
    except RefusedError as refused:
        assert driver.state == before
        return refused
    raise AssertionError("not refused")


def previewed(driver: Driver, rule: Rule, now: datetime | None = None) -> PreviewAnswer:
    """What the API would answer."""
    return preview_answer(preview(driver.state, driver.policy, rule, micros(now or driver.now)))


def profile(**changes: Any) -> CustomerRegistered:
    return CustomerRegistered(**{"name": "Ada Byron", "email": "ada@example.org", **changes})


def granted(purpose: str = "marketing", word: bool = True, channel: str = "email") -> ConsentChanged:
    return ConsentChanged.model_validate({"purpose": purpose, "channel": channel, "granted": word})


def purchase(order: str = "o-1", cents: int = 1000) -> PurchaseMade:
    money = {"amount": cents, "currency": "EUR"}
    return PurchaseMade.model_validate(
        {
            "order_id": order,
            "channel": "web",
            "total": money,
            "items": [{"sku": "x", "quantity": 1, "unit_price": money}],
        }
    )


def returned(
    order: str = "o-1", id: str = "r-1", cents: int = 1000, currency: str = "EUR"
) -> PurchaseReturned:
    money = {"amount": cents, "currency": currency}
    return PurchaseReturned.model_validate({"order_id": order, "return_id": id, "refund": money})


def started(id: str = "s-1", expires_at: datetime = NOON + 365 * DAY) -> SubscriptionStarted:
    term = {"subscription_id": id, "plan": "gold", "price": {"amount": 999, "currency": "EUR"}}
    return SubscriptionStarted.model_validate({**term, "expires_at": expires_at})


def opened(id: str = "k-1", category: str = "delivery") -> ComplaintOpened:
    return ComplaintOpened(
        complaint_id=id, channel="email", category=category, severity="normal", description="late"
    )


def resolved(id: str = "k-1") -> ComplaintResolved:
    return ComplaintResolved(complaint_id=id, resolution="sent again")


def reopened(id: str = "k-1") -> ComplaintReopened:
    return ComplaintReopened(complaint_id=id, reason="still late")


def solved(driver: Driver, id: str = "k-1", opened_at: datetime = NOON - DAY) -> None:
    """A complaint that was opened before is resolved now."""
    driver.event(opened(id), at=opened_at)
    driver.event(resolved(id))


def tier(to: str, direction: str | None = "up") -> TierChanged:
    return TierChanged.model_validate({"from": "bronze", "to": to, "direction": direction})


def reward(name: str = "Free delivery") -> RewardAvailable:
    return RewardAvailable(reward_id="free-delivery", name=name, cost=100, balance=1310)


def reachable(driver: Driver) -> Driver:
    """With a profile and marketing consent."""
    driver.event(profile())
    driver.event(granted())
    return driver
