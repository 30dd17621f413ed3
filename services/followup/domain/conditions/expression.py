"""What a rule asks: an expression over what is known of a customer and of what started the rule, made ready
once, when the rules are read. One that fails at a decision, as where something is not known, is not met."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.followup.domain.conditions.sample import sample, sample_trigger
from services.followup.domain.conditions.views import KEPT_FOR, VARIABLES, Scope
from services.followup.domain.history.learning import Subject
from services.followup.domain.rules.events import data_class
from services.followup.domain.state import Customer
from shared.expressions.functions import FUNCTIONS
from shared.expressions.kinds import ANY, TRUTH, Kind, Many, Table, table_of
from shared.expressions.program import Program, Variable, programmed
from shared.expressions.syntax import ExpressionError
from shared.schemas.base import Data
from shared.schemas.times import Micros

TRIGGER, GOAL = "trigger", "goal"
MOST_LISTED = 100
"""How much of a list of a trigger is kept."""
_NOBODY, _NOWHERE = Customer(customer_id="nobody"), ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Expression(Program):
    """A condition of a rule."""

    trigger: Table

    @property
    def subjects(self) -> frozenset[Subject]:
        """What of a customer's past it asks about."""
        named = [*self.use.variables]
        named += [f"{table}.{field}" for table, fields in self.use.fields.items() for field in fields]
        return frozenset(KEPT_FOR[name] for name in named if name in KEPT_FOR)

    @property
    def profile(self) -> frozenset[str]:
        """The fields of the profile that it asks about."""
        return frozenset(self.use.fields.get("profile", ()))

    def asked_of(self, data: Data) -> bool:
        """Whether one ``of_trigger`` is met by a trigger."""
        return self.verdict(Scope(_NOBODY, 0, _NOWHERE, kept((self,), data))).met


@lru_cache(maxsize=1_000)
def compiled(text: str, events: tuple[str, ...] = ()) -> Expression:
    """The expression of a rule that starts at these events. Raises ``ExpressionError``."""
    trigger = trigger_table(events)
    variables = {TRIGGER: Variable(trigger, lambda scope: scope.trigger), **VARIABLES}
    made = programmed(text, variables)
    if made.kind not in (TRUTH, ANY):
        raise ExpressionError(f"it is {made.kind}, not true or false")
    found = _of_rule(made, trigger)
    verdict = found.verdict(sample(sample_trigger(trigger)))
    if verdict.why is not None and not found.use.anything:
        raise ExpressionError(f"it fails for a customer of whom all is known: {verdict.why}")
    return found


@lru_cache(maxsize=1_000)
def of_trigger(text: str, events: tuple[str, ...]) -> Expression:
    """An expression that sees its trigger and nothing else: so it says the same whenever it is asked. Raises
    ``ExpressionError``."""
    found = compiled(text, events)
    others = sorted((found.use.variables | found.use.wholes | _by_the_clock(found)) - {TRIGGER})
    if others:
        raise ExpressionError(f"it sees the trigger alone, and not {others[0]}: that is for if")
    return found


class Reached(NamedTuple):
    """An event that may be a goal, and the trigger of what it may be that of, as JSON has them."""

    goal: Mapping[str, Any]
    trigger: Mapping[str, Any]
    now: Micros = 0
    zone: ZoneInfo = _NOWHERE


@lru_cache(maxsize=1_000)
def of_goal(text: str, events: tuple[str, ...], goal: str) -> Expression:
    """What a rule that starts at these events asks of its goal's: it sees the two and nothing else, so it
    says the same in whatever order things are heard. Raises ``ExpressionError``."""
    trigger, table = trigger_table(events), goal_table(goal)
    variables = {
        TRIGGER: Variable(trigger, lambda scope: scope.trigger),
        GOAL: Variable(table, lambda scope: scope.goal),
    }
    made = programmed(text, variables)
    if made.kind not in (TRUTH, ANY):
        raise ExpressionError(f"it is {made.kind}, not true or false")
    for name in sorted(_by_the_clock(made)):
        raise ExpressionError(f"it sees goal and trigger alone, and not {name}")
    verdict = made.verdict(Reached(sample_trigger(table), sample_trigger(trigger)))
    if verdict.why is not None and not made.use.anything:
        raise ExpressionError(f"it fails for events of which all is known: {verdict.why}")
    return _of_rule(made, trigger)


def _of_rule(made: Program, trigger: Table) -> Expression:
    return Expression(**{one.name: getattr(made, one.name) for one in fields(made)}, trigger=trigger)


def _by_the_clock(made: Program) -> set[str]:
    """The functions of ours that it calls whose answer changes with time."""
    return {name for name in made.use.functions if FUNCTIONS[name].made is not None}


@lru_cache(maxsize=1_000)
def goal_table(event: str) -> Table:
    """The fields of a goal's event."""
    return Table(GOAL, table_of(data_class(event)).fields)


@lru_cache(maxsize=1_000)
def trigger_table(events: tuple[str, ...]) -> Table:
    """The fields that every one of these events has."""
    tables = [table_of(data_class(event)) for event in events]
    first = tables[0].fields if tables else {}
    shared = {
        name: field
        for name, field in first.items()
        if all(name in table.fields and table.fields[name].kind == field.kind for table in tables)
    }
    return Table(TRIGGER, shared)


def kept(expressions: Iterable[Expression], data: Data) -> dict[str, Any]:
    """What of a trigger these expressions of one rule will ask, as JSON has it: of each table in it what any
    of them asks."""
    asking = [one for one in expressions if TRIGGER in one.use.variables]
    used: dict[str, set[str]] = {}
    for one in asking:
        for table, names in one.use.fields.items():
            used.setdefault(table, set()).update(names)
    found: dict[str, Any] = _json(asking[0].trigger, data, used) if asking else {}
    return found


def kept_of_goal(expression: Expression, event: str, data: Data) -> dict[str, Any]:
    """What of a goal's event its condition will ask, as JSON has it."""
    found: dict[str, Any] = _json(goal_table(event), data, expression.use.fields)
    return found


def _json(kind: Kind, value: Any, used: Mapping[str, set[str]]) -> Any:
    match kind:
        case Table(name=name, fields=known):
            values = {field: getattr(value, known[field].attribute, None) for field in used.get(name, ())}
            return {
                field: _json(known[field].kind, told, used)
                for field, told in values.items()
                if told is not None
            }
        case Many(of=of):
            return [_json(of, one, used) for one in value[:MOST_LISTED]]
    return value.isoformat() if isinstance(value, datetime) else value
