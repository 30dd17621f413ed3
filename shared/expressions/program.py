"""An expression made ready once, when what holds it is read, and evaluated with only what it names. What is
evaluated where something is not known fails, and says what was missing."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import cel

from shared.expressions.checking import WHOLE_OF, Check, alone
from shared.expressions.closures import Asked
from shared.expressions.functions import FUNCTIONS
from shared.expressions.kinds import TRUTH, Field, Kind, Many, Table, Use, itself, reader
from shared.expressions.quick import quick
from shared.expressions.syntax import ExpressionError, NotKnownError, parsed
from shared.schemas.times import Micros

MOST_SAID = 200
_undefined = re.compile(rf"Undefined variable or function: '{WHOLE_OF}\w*?__(\w+)'").match
"""What the engine says of a field that was handed in by itself, or not, since it is not known."""


class Variable(NamedTuple):
    """What a name stands for: its kind, and how its value, its list, or what its fields are read off, is read
    off the scope."""

    kind: Kind
    read: Callable[[Any], Any]


class Scope(Protocol):
    """What an expression is evaluated on: whatever its variables are read off, at an instant in a place."""

    @property
    def now(self) -> Micros: ...

    @property
    def zone(self) -> ZoneInfo: ...


class Verdict(NamedTuple):
    """Whether a condition is met; if it could not be evaluated, why, without a capital and a stop."""

    met: bool
    why: str | None = None


MET, UNMET = Verdict(True), Verdict(False)


@dataclass(frozen=True, slots=True)
class Program:
    """A checked expression."""

    text: str
    kind: Kind
    """What it gives."""
    program: cel.Program
    use: Use
    parts: tuple[tuple[str, Callable[[Any], object]], ...]
    """What the engine is given, and how it is read off: all that the expression names, and nothing else,
    since what is handed in is converted whole."""
    lists: Mapping[str, Callable[[Any], object]]
    """Likewise, but only once the engine gets there: an entry costs as much as the rest together."""
    ours: tuple[tuple[str, Callable[[Micros, ZoneInfo], Callable[..., Any]]], ...]
    """Our functions that it calls, and how each is made."""
    quick: Asked | None
    """How it is evaluated without the engine, where all is known; None where only the engine can."""

    def value(self, scope: Scope) -> Any:
        """What it gives. Raises ``ExpressionError``, which says why it cannot be evaluated; a
        ``NotKnownError`` where something is not there."""
        try:
            return self.program.execute(self.context(scope))
        except Exception as error:  # the engine and our functions raise of many kinds
            raise _explained(error) from None
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # how the engine fails, if it does
                raise
            raise ExpressionError("it cannot be evaluated") from None

    def verdict(self, scope: Scope) -> Verdict:
        """Whether it is met: one that cannot be evaluated is not."""
        try:
            sure = None if self.quick is None else self.quick(scope, None, None)
        except Exception:  # such as a day after the last one of the calendar: the engine says what that means
            sure = None
        if isinstance(sure, bool):
            return MET if sure else UNMET
        try:
            found = self.value(scope)
        except ExpressionError as error:
            return Verdict(False, str(error))
        if not isinstance(found, bool):
            return Verdict(False, "it is neither true nor false")
        return MET if found else UNMET

    def context(self, scope: Scope) -> cel.Context:
        """What the engine is given of a scope."""
        functions = {name: made(scope.now, scope.zone) for name, made in self.ours}
        known = {}
        for name, read in self.parts:
            told = read(scope)
            if told is not None:
                known[name] = told
        context = cel.Context(known, functions)
        if self.lists:
            context.set_variable_resolver(partial(_listed, self.lists, scope))
        return context


def programmed(text: str, variables: Mapping[str, Variable]) -> Program:
    """An expression over these variables, checked. Raises ``ExpressionError``."""
    check, tree = Check(text, {name: variable.kind for name, variable in variables.items()}), parsed(text)
    kind = check.kind(tree)
    for written in check.use.written:
        try:
            cel.evaluate(written)
        except Exception:  # of whatever kind the engine says it
            raise ExpressionError(f"{written} means nothing") from None
    named = text
    for start, end, put_in in sorted(check.use.edits, reverse=True):
        named = f"{named[:start]}{put_in}{named[end:]}"
    try:
        program = cel.compile(named)
    except Exception as error:  # of whatever kind the engine says it
        raise ExpressionError(str(error).splitlines()[0]) from None
    # What it gives may be a time, or a list of such; what nobody knows beforehand may stand beside times.
    check.use.clock |= kind is not TRUTH or check.use.anything
    parts, lists = tuple(_parts(check.use, variables)), _lists(check.use, variables)
    found = quick(tree, variables) if kind is TRUTH else None
    return Program(text, kind, program, check.use, parts, lists, tuple(_ours(check.use)), found)


def _ours(use: Use) -> Iterator[tuple[str, Callable[[Micros, ZoneInfo], Callable[..., Any]]]]:
    for name in sorted(use.functions):
        known = FUNCTIONS[name]
        made = known.made if use.clock or known.counted is None else known.counted
        if made is not None:
            yield name, made


def _parts(use: Use, variables: Mapping[str, Variable]) -> Iterator[tuple[str, Callable[[Any], object]]]:
    for name in use.variables:
        if not isinstance(variables[name].kind, Table | Many):
            yield name, reader(variables[name].read, variables[name].kind, use)
    for name in use.variables | use.wholes:
        table, read = _table(variables[name])
        if table is None:
            continue
        if name in use.tables:
            yield _whole(name) if name in use.wholes else name, reader(read, table, use)
        for variable, field in sorted(use.alone):
            if variable == name:
                yield alone(name, field), _one(read, table.fields[field], use)


def _table(variable: Variable) -> tuple[Table | None, Callable[[Any], object]]:
    """The fields of a variable, or of all of a list, and what they are read off."""
    if isinstance(variable.kind, Many):
        return variable.kind.table, itself
    return (variable.kind if isinstance(variable.kind, Table) else None), variable.read


def _one(read: Callable[[Any], object], field: Field, use: Use) -> Callable[[Any], object]:
    """Reads a field, and gives it as the engine takes it; None where it is not known."""
    given = reader(field.read, field.kind, use, missing=True)
    return given if read is itself else lambda scope: given(read(scope))


def _lists(use: Use, variables: Mapping[str, Variable]) -> dict[str, Callable[[Any], object]]:
    known = {name: variables[name] for name in use.variables}
    return {
        name: reader(one.read, one.kind, use) for name, one in known.items() if isinstance(one.kind, Many)
    }


def _listed(lists: Mapping[str, Callable[[Any], object]], scope: Scope, name: str) -> object:
    """A list that the engine asks for; None for any other name."""
    read = lists.get(name)
    return None if read is None else read(scope)


def _whole(name: str) -> str:
    return f"{WHOLE_OF}{name}"


def _explained(error: Exception) -> ExpressionError:
    if missing := _undefined(str(error)):
        return NotKnownError(f"{missing[1]} is not known")
    match error:
        case KeyError(args=(str(name), *_)):
            return NotKnownError(f"{name} is not known")
        case IndexError():
            return NotKnownError("there are not so many")
        case ZeroDivisionError():
            return ExpressionError("it divides by zero")
        case TypeError():
            return ExpressionError("something has another kind than it needs")
    return ExpressionError(str(error).splitlines()[0][:MOST_SAID])
