"""An expression made ready once, when the rules are read, and evaluated at each decision with only what it
names. One that fails then, as where something is not known of the customer, is not met."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import cel

from services.followup.domain.conditions.checking import WHOLE_OF, Check, Use, alone
from services.followup.domain.conditions.functions import FUNCTIONS
from services.followup.domain.conditions.kinds import (
    ANY,
    TRUTH,
    Field,
    Kind,
    Many,
    Table,
    itself,
    reader,
    table_of,
)
from services.followup.domain.conditions.sample import sample, sample_trigger
from services.followup.domain.conditions.syntax import ConditionError, parsed
from services.followup.domain.conditions.views import KEPT_FOR, VARIABLES, Scope
from services.followup.domain.history.learning import Subject
from services.followup.domain.rules.events import data_class
from services.followup.domain.state import Customer
from shared.schemas.base import Data
from shared.schemas.times import moment

TRIGGER = "trigger"
MOST_LISTED = 100
"""How much of a list of a trigger is kept."""
MOST_SAID = 200
_undefined = re.compile(rf"Undefined variable or function: '{WHOLE_OF}\w*?__(\w+)'").match
"""What the engine says of a field that was handed in by itself, or not, since it is not known."""
_NOBODY, _NOWHERE = Customer(customer_id="nobody"), ZoneInfo("UTC")


class Verdict(NamedTuple):
    """Whether a condition is met; if it could not be evaluated, why, without a capital and a stop."""

    met: bool
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression."""

    text: str
    program: cel.Program
    use: Use
    trigger: Table
    parts: tuple[tuple[str, Callable[[Scope], object]], ...]
    """What the engine is given, and how it is read off: all that the expression names, and nothing else,
    since what is handed in is converted whole."""
    lists: Mapping[str, Callable[[Scope], object]]
    """Likewise, but only once the engine gets there: an entry costs as much as the rest together."""
    ours: tuple[tuple[str, Callable[[datetime, ZoneInfo], Callable[..., Any]]], ...]
    """Our functions that it calls, and how each is made."""

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

    def verdict(self, scope: Scope) -> Verdict:
        """Whether it is met."""
        try:
            found = self.program.execute(self._context(scope))
        except Exception as error:  # the engine and our functions raise of many kinds: it is not met
            return Verdict(False, _why(error))
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # how the engine fails, if it does
                raise
            return Verdict(False, "it cannot be evaluated")
        if not isinstance(found, bool):
            return Verdict(False, "it is neither true nor false")
        return Verdict(found)

    def asked_of(self, data: Data) -> bool:
        """Whether one ``of_trigger`` is met by a trigger."""
        return self.verdict(Scope(_NOBODY, 0, _NOWHERE, kept((self,), data))).met

    def _context(self, scope: Scope) -> cel.Context:
        functions = {}
        if self.ours:
            now = moment(scope.now)
            functions = {name: made(now, scope.zone) for name, made in self.ours}
        known = {}
        for name, read in self.parts:
            told = read(scope)
            if told is not None:
                known[name] = told
        context = cel.Context(known, functions)
        if self.lists:
            context.set_variable_resolver(partial(_listed, self.lists, scope))
        return context


@lru_cache(maxsize=1_000)
def compiled(text: str, events: tuple[str, ...] = ()) -> Expression:
    """The expression of a rule that starts at these events. Raises ``ConditionError``."""
    trigger = trigger_table(events)
    kinds = {TRIGGER: trigger, **{name: variable.kind for name, variable in VARIABLES.items()}}
    check = Check(text, kinds)
    tree = parsed(text)
    kind = check.kind(tree)
    if kind not in (TRUTH, ANY):
        raise ConditionError(f"it is {kind}, not true or false")
    for written in check.use.written:
        try:
            cel.evaluate(written)
        except Exception:  # of whatever kind the engine says it
            raise ConditionError(f"{written} means nothing") from None
    named = text
    for start, end, put_in in sorted(check.use.edits, reverse=True):
        named = f"{named[:start]}{put_in}{named[end:]}"
    try:
        program = cel.compile(named)
    except Exception as error:  # of whatever kind the engine says it
        raise ConditionError(str(error).splitlines()[0]) from None
    parts, lists = _parts(check.use, trigger), _lists(check.use)
    ours = ((name, FUNCTIONS[name].made) for name in sorted(check.use.functions))
    called = tuple((name, made) for name, made in ours if made is not None)
    found = Expression(text, program, check.use, trigger, tuple(parts), lists, called)
    verdict = found.verdict(sample(sample_trigger(trigger)))
    if verdict.why is not None and not check.use.anything:
        raise ConditionError(f"it fails for a customer of whom all is known: {verdict.why}")
    return found


@lru_cache(maxsize=1_000)
def of_trigger(text: str, events: tuple[str, ...]) -> Expression:
    """An expression that sees its trigger and nothing else: so it says the same whenever it is asked. Raises
    ``ConditionError``."""
    found = compiled(text, events)
    dated = {name for name in found.use.functions if FUNCTIONS[name].made is not None}
    others = sorted((found.use.variables | found.use.wholes | dated) - {TRIGGER})
    if others:
        raise ConditionError(f"it sees the trigger alone, and not {others[0]}: that is for if")
    return found


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
    """What of a trigger these expressions will ask, as JSON has it."""
    found: dict[str, Any] = {}
    for expression in expressions:
        if TRIGGER in expression.use.variables:
            found |= _json(expression.trigger, data, expression.use.fields)
    return found


def _parts(use: Use, trigger: Table) -> Iterator[tuple[str, Callable[[Scope], object]]]:
    for name in use.variables:
        if not isinstance(VARIABLES[name].kind if name != TRIGGER else trigger, Table | Many):
            yield name, reader(VARIABLES[name].read, VARIABLES[name].kind, use.fields)
    for name in use.variables | use.wholes:
        table, read = _table(name, trigger)
        if table is None:
            continue
        if name in use.tables:
            yield _whole(name) if name in use.wholes else name, reader(read, table, use.fields)
        for variable, field in sorted(use.alone):
            if variable == name:
                yield alone(name, field), _one(read, table.fields[field], use)


def _table(name: str, trigger: Table) -> tuple[Table | None, Callable[[Scope], object]]:
    """The fields of a variable, or of all of a list, and what they are read off."""
    if name == TRIGGER:
        return trigger, lambda scope: scope.trigger
    kind = VARIABLES[name].kind
    if isinstance(kind, Many):
        return kind.table, itself
    return (kind if isinstance(kind, Table) else None), VARIABLES[name].read


def _one(read: Callable[[Scope], object], field: Field, use: Use) -> Callable[[Scope], object]:
    """Reads a field, and gives it as the engine takes it; None where it is not known."""
    given = reader(field.read, field.kind, use.fields, missing=True)
    return given if read is itself else lambda scope: given(read(scope))


def _lists(use: Use) -> dict[str, Callable[[Scope], object]]:
    known = {name: VARIABLES[name] for name in use.variables if name != TRIGGER}
    return {
        name: reader(one.read, one.kind, use.fields)
        for name, one in known.items()
        if isinstance(one.kind, Many)
    }


def _listed(lists: Mapping[str, Callable[[Scope], object]], scope: Scope, name: str) -> object:
    """A list that the engine asks for; None for any other name."""
    read = lists.get(name)
    return None if read is None else read(scope)


def _json(kind: Kind, value: Any, used: Mapping[str, set[str]]) -> Any:
    match kind:
        case Table(name=name, fields=fields):
            values = {field: getattr(value, fields[field].attribute, None) for field in used.get(name, ())}
            return {
                field: _json(fields[field].kind, told, used)
                for field, told in values.items()
                if told is not None
            }
        case Many(of=of):
            return [_json(of, one, used) for one in value[:MOST_LISTED]]
    return value.isoformat() if isinstance(value, datetime) else value


def _whole(name: str) -> str:
    return f"{WHOLE_OF}{name}"


def _why(error: Exception) -> str:
    if missing := _undefined(str(error)):
        return f"{missing[1]} is not known"
    match error:
        case KeyError(args=(str(name), *_)):
            return f"{name} is not known"
        case IndexError():
            return "there are not so many"
        case ZeroDivisionError():
            return "it divides by zero"
        case TypeError():
            return "something has another kind than it needs"
    return str(error).splitlines()[0][:MOST_SAID]
