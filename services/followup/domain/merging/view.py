"""What has been told of several ids as if it had been told of one. Pure.

It is the same in whatever order the ids came together: of two words the later by event time holds; at a draw
the one that comes first among the ids, the survivor's own before all, and of consents the refusal.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

from services.followup.domain.answers import MOST_ANSWERS
from services.followup.domain.complaints import Complaint, Waiting
from services.followup.domain.journeys.goals import MOST_KEPT
from services.followup.domain.journeys.kept import Word
from services.followup.domain.journeys.segments import MOST_WORDS
from services.followup.domain.journeys.silence import MOST_DAYS
from services.followup.domain.merging.pasts import past_of
from services.followup.domain.preferences.consents import joined as joined_consents
from services.followup.domain.preferences.wishes import FREQUENCIES, Wishes
from services.followup.domain.told import Anchor, Answer, Told, Undone
from services.followup.domain.triggers import MOST_UNDONE
from shared.facts.complaints import OPENED, ToldStep, with_told
from shared.facts.names import NAME_BYTES, joined
from shared.facts.profile import Known

Fields: TypeAlias = dict[str, Any]


def view_of(shares: Sequence[Told], own: str) -> Fields:
    """The fields of ``Told`` of the customer ``own``, of whom, and of ids that are merged into them,
    ``shares`` tell. There may be several of one id, each a part of what was told of it."""
    if not shares:
        return {name: value for name, value in Told(customer_id=own) if name != "customer_id"}
    order = sorted(shares, key=lambda one: (one.customer_id != own, one.customer_id))
    names = joined([one.names for one in order], NAME_BYTES)
    return {
        "profile": _profile([one.profile for one in order]),
        "names": names,
        "consents": joined_consents(chain.from_iterable(one.consents for one in order)),
        "complaints": _complaints([one.complaints for one in order]),
        "answers": _answers(chain.from_iterable(one.answers for one in order)),
        "anchors": _anchors(chain.from_iterable(one.anchors for one in order)),
        "undone": _undone(chain.from_iterable(one.undone for one in order)),
        "segments": _segments(order, own),
        "wishes": _wishes([one.wishes for one in order]),
        "history": past_of(order, own),
        "signals": tuple(dict.fromkeys(chain.from_iterable(one.signals for one in reversed(order))))[
            -MOST_KEPT:
        ],
    }


def _profile(told: Iterable[Mapping[str, Known]]) -> Mapping[str, Known]:
    found: dict[str, Known] = {}
    for fields in told:
        found |= {name: one for name, one in fields.items() if name not in found or one.at > found[name].at}
    return found


def _complaints(told: Sequence[Iterable[Complaint]]) -> tuple[Complaint, ...]:
    found: dict[str, Complaint] = {}
    for one in chain.from_iterable(told):
        known = found.get(one.complaint_id)
        found[one.complaint_id] = one if known is None else _complaint(known, one)
    return tuple(found.values())


def _complaint(one: Complaint, other: Complaint) -> Complaint:
    """Of which steps were told of both: its life is made of all."""
    heard, message = max(one.heard, other.heard), one.message or other.message
    if not (one.opened or other.opened):
        waiting = {(step.at, step.kind): step for step in (*other.waiting, *one.waiting)}
        early = sorted(waiting.values(), key=lambda step: step.heard)
        return one.model_copy(update={"waiting": tuple(early), "heard": heard})
    first, second = (one, other) if one.opened else (other, one)
    more = [*second.steps, *map(_waited, (*first.waiting, *second.waiting))]
    steps = with_told(first.steps, [step for step in more if step.kind != OPENED or not first.opened])
    return one.model_copy(update={"steps": steps, "waiting": (), "heard": heard, "message": message})


def _waited(step: Waiting) -> ToldStep:
    return ToldStep(step.at, step.kind, step.by)


def _answers(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    found: dict[str, Answer] = {}
    for answer in answers:
        known = found.get(answer.place)
        if known is None or answer.at > known.at:
            found[answer.place] = answer
    return tuple(sorted(found.values(), key=lambda one: one.at))[-MOST_ANSWERS:]


def _anchors(anchors: Iterable[Anchor]) -> tuple[Anchor, ...]:
    found: dict[str, Anchor] = {}
    for anchor in anchors:
        known = found.get(anchor.rule)
        if known is None:
            found[anchor.rule] = anchor
            continue
        latest = anchor if anchor.order > known.order else known
        days = tuple(sorted({*known.days, *anchor.days})[-MOST_DAYS:])
        over = any(a.over for a in (known, anchor) if a.order == latest.order)
        found[anchor.rule] = latest.model_copy(update={"days": days, "over": over})
    return tuple(found.values())


def _undone(events: Iterable[Undone]) -> tuple[Undone, ...]:
    """Of a key's the latest is enough, but of steps and returns each is kept (``triggers.with_undone``)."""
    found: dict[Hashable, Undone] = {}
    for one in events:
        about = (one.key, one.of, one.refund, one.version)
        known = found.get(about)
        if known is None or one.order > known.order:
            found[about] = one
    return tuple(sorted(found.values(), key=lambda one: one.heard))[-MOST_UNDONE:]


def _segments(shares: Sequence[Told], own: str) -> tuple[Word, ...]:
    """What the metrics say is of one id: only of the survivor's it counts."""
    words = [word for one in shares for word in one.segments if word.profile or one.customer_id == own]
    return tuple(sorted(dict.fromkeys(words), key=lambda word: word.at))[-MOST_WORDS:]


def _wishes(told: Sequence[Wishes]) -> Wishes:
    """The later word on each; at a draw the one that lets less come."""
    often = max(told, key=lambda one: (one.frequency_at, FREQUENCIES.index(one.frequency)))
    pause = max(told, key=lambda one: (one.paused_at, one.paused_until or 0))
    return Wishes(
        frequency=often.frequency,
        frequency_at=often.frequency_at,
        paused_until=pause.paused_until,
        paused_at=pause.paused_at,
    )
