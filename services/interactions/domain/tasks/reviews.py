"""A bad review is to be answered in public: a task of the team's, and, once it is done, a contact."""

from dataclasses import replace

from services.interactions.domain.desk.policy import Desk
from services.interactions.domain.state import Customer
from services.interactions.domain.tasks.state import Task
from services.interactions.domain.telling import Told
from shared.domain import Context, Effects, Emit
from shared.schemas.commands.reviews import ReviewAnswerRequested
from shared.schemas.commands.teams import TaskOpenRequested
from shared.schemas.feedback import ReviewPosted
from shared.schemas.interactions import InteractionLogged
from shared.schemas.times import moment

KIND = "public_answer"
"""The kind of these tasks."""
LONGEST = 2_000
"""Characters of a review that its task says."""
LONGEST_SUMMARY = 200
"""Characters of an answer that its line says; the contact has it whole."""


def with_review(desk: Desk, before: Customer, effects: Effects[Customer], told: Told) -> Effects[Customer]:
    """With a task of the default team, if the event is a bad review that counts and is not of long ago.
    The task is named by the review's event, so that a redelivery asks for the same one."""
    data, after, rules = told.event.data, effects.state, desk.reviews
    if not isinstance(data, ReviewPosted) or data.rating > rules.at_most:
        return effects
    if after.counts.get(data.topic, 0) <= before.counts.get(data.topic, 0):
        return effects  # a copy
    if told.now - told.at >= rules.not_older_than:
        return effects
    asked = TaskOpenRequested(
        task_id=told.context.new_id(KIND),
        kind=KIND,
        text=_text(data),
        customer_id=after.customer_id,
        due_at=moment(told.now + rules.answer_within),
    )
    return replace(effects, emits=(*effects.emits, Emit(asked, told.context.now, desk.default.id)))


def answered(before: Task, after: Task, context: Context, agent_id: str | None = None) -> tuple[Emit, ...]:
    """What is asked for once it is known that a task was one of these, and that it is done: whichever of the
    two is heard first, and once. An earlier end that is told later does not ask again."""
    opening, ending = after.opening, after.ending
    if opening is None or ending is None or opening.kind != KIND or opening.customer_id is None:
        return ()
    if before.opening is not None and before.ending is not None:
        return ()
    asked = ReviewAnswerRequested(text=ending.outcome, at=moment(ending.at), agent_id=agent_id)
    return (Emit(asked, context.now, opening.customer_id),)


def contact_of(asked: ReviewAnswerRequested) -> InteractionLogged:
    """The answer, as a contact with the customer."""
    return InteractionLogged(
        channel="web",
        direction="outbound",
        kind="review_answer",
        summary=_bounded(asked.text, LONGEST_SUMMARY),
        author="agent",
        agent_id=asked.agent_id,
        text=asked.text,
    )


def _text(review: ReviewPosted) -> str:
    said = (review.text or "").strip()
    about = f"{review.sku}, {review.rating}/5"
    return f"{about}: {_bounded(said, LONGEST)}" if said else about


def _bounded(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
