"""Two rules files over one recording: who would get what, who no longer, and why."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from rapport.replay.feed import Progress
from rapport.rules.draft import Draft
from rapport.rules.messages import Count, Message, Messages
from rapport.rules.publish import Between, Empties, Watched, between
from rapport.rules.run import Run
from rapport.rules.stream import Heard

NOTHING = "nothing"
"""What became of a trigger that planned no message."""
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Result:
    """What a rules file came to."""

    draft: Draft
    messages: Messages
    rules: dict[str, Count]
    per_customer: Counter[str]
    """Messages sent."""
    empties: Empties
    fault: str | None

    @property
    def sent(self) -> int:
        return self.per_customer.total()

    @property
    def refused(self) -> Counter[str]:
        """Messages that were suppressed, by reason."""
        return sum((count.suppressed for count in self.rules.values()), Counter())

    @property
    def cancelled(self) -> Counter[str]:
        return sum((count.cancelled for count in self.rules.values()), Counter())

    def of(self, rule: str) -> Count:
        return self.rules.get(rule, Count())


@dataclass(slots=True)
class Move:
    """What comes to something else under the draft, from one kind of outcome to another."""

    times: int = 0
    customers: set[str] = field(default_factory=set)
    examples: list[tuple[Message | None, Message | None]] = field(default_factory=list)
    """(baseline, draft), the first few."""


@dataclass(frozen=True, slots=True)
class Change:
    """The same trigger's outcomes, in words."""

    rule: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Customers:
    """Who gets more, who fewer messages."""

    gain: frozenset[str]
    lose: frozenset[str]


@dataclass(frozen=True, slots=True)
class Compared:
    """A recording under two rules files."""

    baseline: Result
    draft: Result
    moves: dict[Change, Move]
    """The most frequent first."""
    by_rule: dict[str, Customers]
    overall: Customers
    between: list[Between]
    """Who is in the middle of a rule that the draft changes."""

    @property
    def rules(self) -> list[str]:
        """The draft's in their order, then those that only the baseline has, then what no file names."""
        names: dict[str, None] = {}
        for result in (self.draft, self.baseline):
            for rules in reversed(result.draft.versions):
                names |= dict.fromkeys(rule.name for rule in rules.rules)
        for result in (self.draft, self.baseline):
            names |= dict.fromkeys(result.rules)
        return list(names)


class _Side:
    """One file while it runs."""

    def __init__(self, draft: Draft) -> None:
        self.draft, self.messages = draft, Messages()
        self.watched = Watched(draft.policy.templates)
        policy = self.watched.policy(draft.policy)
        self.consumed = draft.consumes
        self.run = Run(policy, self.messages.watch)

    def result(self) -> Result:
        messages = self.messages
        return Result(
            self.draft,
            messages,
            messages.by_rule(),
            messages.sent_by_customer(),
            self.watched.empties,
            self.run.fault,
        )


def compare(
    heard: Heard, baseline: Draft, draft: Draft, report: Callable[[Progress], None] = lambda _: None
) -> Compared | None:
    """One pass over what was heard, to its end; None where there was nothing."""
    sides = [_Side(baseline), _Side(draft)]
    for at, event in heard:
        for side in sides:
            if isinstance(event.data, side.consumed):
                side.run.take(at, event)
    if heard.end is None:
        return None
    for side in sides:
        side.run.fire(heard.end)
    before, after = (side.result() for side in sides)
    moves, gains = _moves(before, after), _customers(before, after)
    overall = _gaining(before.per_customer, after.per_customer)
    unfinished = between(sides[0].run.states, baseline, draft)
    return Compared(before, after, moves, gains, overall, unfinished)


def _moves(before: Result, after: Result) -> dict[Change, Move]:
    found: dict[Change, Move] = {}
    places, others = before.messages.places(), after.messages.places()
    for place in sorted({*places, *others}, key=lambda one: (one.trigger, one.customer, one.rule)):
        one, other = places.get(place), others.get(place)
        told, telling = (NOTHING if m is None else m.told for m in (one, other))
        if told == telling:
            continue
        move = found.setdefault(Change(place.rule, told, telling), Move())
        move.times += 1
        move.customers.add(place.customer)
        if len(move.examples) < EXAMPLES:
            move.examples.append((one, other))
    return dict(sorted(found.items(), key=lambda item: -item[1].times))


def _customers(before: Result, after: Result) -> dict[str, Customers]:
    sent: list[dict[str, Counter[str]]] = [{}, {}]
    for counts, result in zip(sent, (before, after), strict=True):
        for one in result.messages:
            if one.outcome == "sent":
                counts.setdefault(one.rule, Counter())[one.customer] += 1
    old, new = sent
    return {
        rule: _gaining(old.get(rule, Counter()), new.get(rule, Counter())) for rule in sorted({*old, *new})
    }


def _gaining(before: Counter[str], after: Counter[str]) -> Customers:
    everyone = {*before, *after}
    return Customers(
        frozenset(one for one in everyone if after[one] > before[one]),
        frozenset(one for one in everyone if after[one] < before[one]),
    )
