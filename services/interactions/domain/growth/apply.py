"""What is told of an agent's learning, one by one: state in, effects out. Pure."""

from dataclasses import replace

from services.interactions.domain.growth.policy import Learning
from services.interactions.domain.growth.record import Record, learnt_of, learnt_of_kept, with_learnt
from services.interactions.domain.growth.reminders import TIMER, next_reminder, opened, reminded
from services.interactions.domain.growth.rows import feedback_row, record_row, story_row
from services.interactions.domain.rows import FEEDBACK, RECORDS, STORIES
from shared.domain import Append, CancelTimer, Context, Effects, Emit, Outcome, Put, SetTimer
from shared.schemas.commands.growth import (
    RefresherRequested,
    StoryTellRequested,
    TrainingCommand,
    TrainingPassRequested,
)
from shared.schemas.event import Event
from shared.schemas.teams import StoryTold, TrainingBooked, TrainingData, TrainingPassed
from shared.schemas.timer import TimerFired
from shared.schemas.times import Micros, micros, moment, timer_instant


def apply(learning: Learning, record: Record, event: Event, context: Context) -> Effects[Record]:
    """Refuses nothing: an agent need not be known to learn."""
    data, at = event.data, micros(event.time)
    match data:
        case TimerFired():
            return _looked_at(learning, record, Effects(record), max(at, micros(context.now)))
        case TrainingData():
            return _learnt(learning, record, data, at, context)
        case TrainingCommand():
            return _asked(learning, record, event, data, at, context)
        case RefresherRequested():
            return _refresh(learning, record, data, context)
        case StoryTold():
            return _thanked(record, event, data, at)
        case StoryTellRequested():
            said = data.model_dump(include=set(StoryTold.model_fields), exclude_none=True)
            told, when = StoryTold.model_validate(said), data.at or event.time
            effects = _thanked(record, event, told, micros(when))
            answer = Outcome(201, {"agent_id": record.agent_id, "team": record.team})
            return replace(effects, emits=(Emit(told, when),), outcome=answer)
    raise AssertionError(f"no such event: {event.type}")


def _asked(
    learning: Learning, record: Record, event: Event, data: TrainingCommand, at: Micros, context: Context
) -> Effects[Record]:
    passed = isinstance(data, TrainingPassRequested)
    kind: type[TrainingData] = TrainingPassed if passed else TrainingBooked
    fact = kind.model_validate(data.model_dump(include=set(kind.model_fields), exclude_none=True))
    effects = _learnt(learning, record, fact, at, context)
    rows = effects.rows
    if isinstance(data, TrainingPassRequested) and data.feedback is not None:
        row = feedback_row(event.uid, record, data.training, at, data.feedback)
        rows = (*rows, Append(FEEDBACK, row.document()))
    answer = {
        "agent_id": record.agent_id,
        "team": record.team,
        "training": data.training,
        "status": "passed" if passed else "booked",
    }
    emits = (Emit(fact, event.time), *effects.emits)
    return replace(effects, emits=emits, rows=rows, outcome=Outcome(201, answer))


def _learnt(
    learning: Learning, record: Record, told: TrainingData, at: Micros, context: Context
) -> Effects[Record]:
    new = with_learnt(record, learnt_of(told, at))
    if new is record:
        return Effects(record)
    return _looked_at(learning, record, Effects(new), micros(context.now))


def _refresh(
    learning: Learning, record: Record, data: RefresherRequested, context: Context
) -> Effects[Record]:
    """Learnt here, or in a team in which the agent was before."""
    now = micros(context.now)
    joined = with_learnt(record, learnt_of_kept(data.kept))
    new, emits = opened(learning, joined, data.kept.training, context, now)
    if new is record:
        return Effects(record)
    effects = _looked_at(learning, record, Effects(new), now)
    return replace(effects, emits=(*emits, *effects.emits))


def _looked_at(learning: Learning, before: Record, effects: Effects[Record], now: Micros) -> Effects[Record]:
    """With the tasks that what is known by now calls for, and those it ends."""
    record, emits = reminded(learning, effects.state, now)
    due = next_reminder(learning, record, now)
    timer = CancelTimer(TIMER) if due is None else SetTimer(TIMER, moment(timer_instant(due)))
    rows = () if record is before else (Put(RECORDS, record_row(record).document()),)
    return replace(effects, state=record, emits=emits, timers=(timer,), rows=rows)


def _thanked(record: Record, event: Event, told: StoryTold, at: Micros) -> Effects[Record]:
    row = story_row(event.uid, record.team, told, at)
    return Effects(record, rows=(Append(STORIES, row.document()),))
