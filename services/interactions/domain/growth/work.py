"""What agents did, as follows from all that is known of a customer, by event time. A row for each
conversation and agent; it is made anew when that changes, so a late fact corrects it."""

from bisect import bisect_right
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from services.interactions.domain.conversations.conversation import Conversation
from services.interactions.domain.conversations.course import course
from services.interactions.domain.growth.remembered import Answer
from services.interactions.domain.growth.rows import WorkRow
from services.interactions.domain.owners import owner_of_complaint, owners_of_conversations
from services.interactions.domain.rows import WORK, sort_key
from services.interactions.domain.state import Complaint, Customer
from shared.domain import Put
from shared.schemas.times import Micros

PARTS = ("conversations", "answers", "complaints")
"""What of a customer decides what agents did."""


class _Every:
    """All conversations."""

    def __contains__(self, id: object) -> bool:
        return True


EVERY = _Every()


class Taking(NamedTuple):
    """An agent was given a conversation, or wrote in it."""

    at: Micros
    key: str
    agent_id: str
    wrote: bool


@dataclass(slots=True)
class Work:
    """What one agent did in one conversation; of a complaint without one, what was said of it."""

    what: str
    """``conversation`` or ``complaint``, and which, after a space."""
    agent_id: str
    taken_at: Micros | None = None
    """When it came to them first."""
    answered_at: Micros | None = None
    waited: Micros | None = None
    """Of who answered first: when, and how long a person had been waited for."""
    resolved_at: Micros | None = None
    """When it was closed, if it was theirs and still is closed."""
    scores: list[tuple[Micros, int]] = field(default_factory=list)
    """Answers to csat, 1 to 5, about it while it was theirs, by time."""
    keys: set[str] = field(default_factory=set, compare=False)
    """Of the facts by which it is theirs."""


def work_rows(before: Customer, after: Customer) -> tuple[Put, ...]:
    """The rows that an event has changed."""
    if all(getattr(after, part) is getattr(before, part) for part in PARTS):
        return ()
    only = _touched(before, after)
    old, new = works(before, only), works(after, only)
    changed = [one for key, one in new.items() if old.get(key) != one]
    gone = _gone(after, [one for key, one in old.items() if key not in new])
    owner = owners_of_conversations(after)
    return tuple(Put(WORK, _row(after, one, owner).document()) for one in (*changed, *gone))


def _gone(after: Customer, missing: list[Work]) -> list[Work]:
    """What was moved to another conversation is nothing here any more; what was forgotten is as it was."""
    if not missing:
        return []
    known = {one.key for one in after.conversations.messages}
    known |= {one.key for one in after.conversations.steps} | {one.key for one in after.answers}
    return [Work(one.what, one.agent_id) for one in missing if one.keys & known]


def _touched(before: Customer, after: Customer) -> Container[str]:
    """The conversations in which what was done may be another now."""
    if after.answers is not before.answers or (after.answers and after.complaints is not before.complaints):
        return EVERY
    old, new = course(before.conversations), course(after.conversations)
    touched = old.open.keys() - new.open.keys()
    for id, one in new.open.items():
        was = old.open.get(id)
        # Messages are the same objects in both: to compare them costs next to nothing.
        if was is None or was.messages != one.messages or _stands(was) != _stands(one):
            touched.add(id)
    if after.conversations.steps is not before.conversations.steps:
        known = {step.key for step in before.conversations.steps}
        steps = (step for step in after.conversations.steps if step.key not in known)
        touched |= {new.survivor(step.conversation_id) for step in steps}
    return touched


def _stands(one: Conversation) -> tuple[str, str | None, Micros | None]:
    return one.status, one.agent_id, one.closed_at


def works(customer: Customer, only: Container[str] = EVERY) -> dict[tuple[str, str], Work]:
    """By what it is about and agent; in these conversations."""
    found: dict[tuple[str, str], Work] = {}
    taken = takings(customer, only)
    now = course(customer.conversations).open
    for id, all_of_it in taken.items():
        what = f"conversation {id}"
        for one in all_of_it:
            mine = found.setdefault((what, one.agent_id), Work(what, one.agent_id, one.at))
            mine.keys.add(one.key)
        _answered(found, what, now[id], handed_at(customer, now[id]))
        if now[id].status == "closed" and (theirs := found.get((what, now[id].agent_id or ""))):
            theirs.resolved_at = now[id].closed_at
    for answer in sorted(customer.answers, key=lambda one: (one.at, one.key)):
        home = conversation_of(customer, answer) if answer.survey == "csat" else None
        if answer.survey != "csat" or (home or answer.id) not in only:
            continue
        agent = agent_of(customer, taken, answer)
        if agent is not None:
            what = f"conversation {home}" if home in taken else f"{answer.thing} {answer.id}"
            mine = found.setdefault((what, agent), Work(what, agent))
            mine.scores.append((answer.at, answer.score))
            mine.keys.add(answer.key)
    return found


def takings(customer: Customer, only: Container[str] = EVERY) -> dict[str, list[Taking]]:
    """Conversation -> who had it, by time; of these. Those that no agent had are left out."""
    known = customer.conversations
    given = [step for step in known.steps if step.kind == "assigned"]
    if not given and not any(m.by == "agent" for m in known.messages):
        return {}
    now = course(known)
    found: dict[str, list[Taking]] = {}
    for step in given:
        id = now.survivor(step.conversation_id)
        if id in now.open and id in only and step.to is not None:
            found.setdefault(id, []).append(Taking(step.at, step.key, step.to, wrote=False))
    for id, one in now.open.items():
        wrote = [m for m in one.messages if m.by == "agent" and m.agent_id] if id in only else []
        if wrote:
            told = (Taking(m.at, m.key, m.agent_id or "", wrote=True) for m in wrote)
            found.setdefault(id, []).extend(told)
    for taken in found.values():
        taken.sort()
    return found


def handed_at(customer: Customer, found: Conversation) -> Micros | None:
    """Since when the customer has waited for a person first: since they wrote, or since a bot that spoke with
    them handed over."""
    wrote = next((m.at for m in found.messages if m.by == "customer"), None)
    answered = next((m.at for m in found.messages if m.by == "agent"), None)
    spoke = next((m.at for m in found.messages if m.by == "bot"), None)
    if wrote is None or spoke is None or (answered is not None and answered <= spoke):
        return wrote
    now = course(customer.conversations)
    handed = (
        step.at
        for step in customer.conversations.steps
        if step.kind in ("escalated", "assigned")
        and step.at >= spoke
        and now.survivor(step.conversation_id) == found.conversation_id
    )
    return max(wrote, min(handed, default=wrote))


def agent_of(customer: Customer, taken: Mapping[str, list[Taking]], answer: Answer) -> str | None:
    """Who had at the time of an answer what it is about: of a conversation who was given it or wrote in it
    last, of a complaint without one its assignee. None: nobody, as is known by now."""
    id = conversation_of(customer, answer)
    had = taken.get(id, []) if id is not None else []
    place = bisect_right(had, answer.at, key=lambda one: one.at)
    if place:
        return had[place - 1].agent_id
    complaint = _complaint(customer, answer)
    told = () if complaint is None else complaint.steps
    return next((s.assignee for s in reversed(told) if s.assignee and s.at <= answer.at), None)


def conversation_of(customer: Customer, answer: Answer) -> str | None:
    """The conversation that an answer is about, or that of its complaint, as it goes on by now."""
    if answer.thing == "conversation":
        return course(customer.conversations).survivor(answer.id)
    complaint = _complaint(customer, answer)
    if complaint is None or complaint.conversation_id is None:
        return None
    return course(customer.conversations).survivor(complaint.conversation_id)


def _complaint(customer: Customer, answer: Answer) -> Complaint | None:
    if answer.thing != "complaint":
        return None
    return next((one for one in customer.complaints if one.complaint_id == answer.id), None)


def _answered(
    found: dict[tuple[str, str], Work],
    what: str,
    conversation: Conversation,
    since: Micros | None,
) -> None:
    """The first response, for who gave it: that of an agent who is not named is nobody's."""
    first = next((m for m in conversation.messages if m.by == "agent"), None)
    if first is None or since is None or first.at < since or first.agent_id is None:
        return
    mine = found[what, first.agent_id]
    mine.answered_at, mine.waited = first.at, first.at - since


def _row(customer: Customer, work: Work, owner: Callable[[str], str]) -> WorkRow:
    thing, _, id = work.what.partition(" ")
    whose = owner(id) if thing == "conversation" else owner_of_complaint(customer, id)
    key = f"{work.what} {whose} {work.agent_id}"
    told = (work.taken_at, work.answered_at, work.resolved_at, *(at for at, _ in work.scores))
    return WorkRow(
        key=key,
        customer_id=customer.customer_id,
        agent_id=work.agent_id,
        order=sort_key(max((at for at in told if at is not None), default=0), key),
        taken_at=work.taken_at,
        answered_at=work.answered_at,
        waited=work.waited,
        resolved_at=work.resolved_at,
        scores=work.scores,
    )
