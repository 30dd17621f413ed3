"""One thing of which several ids of one customer know something: what that comes to. None of these changes
what it is given."""

from collections.abc import Iterable, Sequence
from operator import attrgetter

from msgspec.structs import replace

from services.metrics.domain.orders import take_back
from services.metrics.domain.parts import Message, TermStep, Trial
from services.metrics.domain.state import Complaint, Order, Return, Talk
from services.metrics.domain.terms import Steps, known_as, with_step
from shared.facts.complaints import OPENED, ToldStep, with_told


def order_of(told: Sequence[Order]) -> Order:
    """An order that was told of several: the first account by time holds, with the returns of all."""
    made = sorted((one for one in told if one.made is not None), key=_account)
    base = made[0] if made else told[0]
    order = replace(base)
    order.touched = max(one.touched for one in told)
    if not made:
        order.waiting = _without_copies(one for other in told for one in other.waiting)
        return order
    for other in made[1:]:
        _with_returns_of(order, other)
    for other in told:
        for one in other.waiting:
            take_back(order, one)
    order.waiting = []
    return order


def _account(order: Order) -> tuple[int, int, str, str, str, int]:
    told = (order.amount, order.currency, order.channel, order.store, order.lines)
    return (order.made or 0, *told)


def _with_returns_of(order: Order, other: Order) -> None:
    """What was paid back of the other account of it, too; how much each return was is not kept."""
    new = {name: told for name, told in other.returns.items() if name not in order.returns}
    if not new or other.currency != order.currency:
        return
    all_new = len(new) == len(other.returns)
    back = other.amount - other.left if all_new else max(0, order.left - other.left)
    order.left = max(0, order.left - back)
    order.returns = {**order.returns, **new}


def _without_copies(waiting: Iterable[Return]) -> list[Return]:
    found: dict[Return, Return] = {}
    for one in waiting:
        found.setdefault(replace(one, id=0), one)
    return [*found.values()]


def complaint_of(told: Sequence[Complaint]) -> Complaint:
    """A complaint that was told of several: the first opening by time holds, with the steps of all."""
    opened = sorted((one for one in told if one.steps), key=lambda one: (one.steps[0].at, one.told))
    base = opened[0] if opened else told[0]
    complaint = replace(base)
    waiting = {one[:2]: one for other in told for one in other.waiting}
    causes = [cause for other in told for cause in other.causes]
    judged = {(*one[:2], one[3]): one for other in told for one in other.judged}
    complaint.causes = [*dict.fromkeys(causes)]
    complaint.judged, complaint.waiting = [*judged.values()], [] if opened else [*waiting.values()]
    if opened:
        later = [step for other in opened[1:] for step in other.steps if step.kind != OPENED]
        early = [ToldStep(at, kind, by) for at, kind, _, by in waiting.values()]
        complaint.steps = [*with_told(base.steps, [*later, *early])]
        complaint.conversation = next((one.conversation for one in opened if one.conversation), "")
    return complaint


def talk_of(told: Sequence[Talk]) -> Talk:
    """A conversation that was told of several."""
    began = [(one.began, one.channel) for one in told if one.channel]
    asked = [(one.team_at, one.team) for one in told if one.team]
    talk = Talk(latest=max(one.latest for one in told))
    talk.began, talk.channel = min(began, default=(0, ""))
    talk.team_at, talk.team = max(asked, default=(0, ""))
    talk.turns = sorted({turn for one in told for turn in one.turns})
    talk.hands = sorted({step for one in told for step in one.hands})
    return talk


def message_of(told: Sequence[Message]) -> Message:
    """A message of which several have heard something."""
    sent = [one for one in told if one.sent is not None]
    named = sorted((one.sent is None, one.sent or 0, one.rule) for one in told if one.rule)
    return Message(
        latest=max(one.latest for one in told),
        rule=named[0][2] if named else "",
        sent=min((one.sent for one in sent if one.sent is not None), default=None),
        failed=min((one.failed for one in told if one.failed is not None), default=None),
        returned=any(one.returned for one in told),
        asks=any(one.asks for one in told),
        answered=any(one.answered for one in told),
    )


def trial_of(told: Sequence[Trial]) -> Trial:
    """A rule that was for several: the first time counts, as of one customer."""
    first = min(told, key=lambda one: (one.start, not one.held))
    return replace(first)


def steps_of(told: Sequence[Steps]) -> Steps:
    """A subscription that was told of several, in the order of time."""
    found: list[TermStep] = []
    for step in sorted((step for steps in told for step in steps), key=attrgetter("at")):
        if known_as(found, step) is None:
            found = with_step(found, step)
    return found
