"""What quick conditions are put together of (``quick.py``): each part gives a value of what is at hand, or
says that the engine is to be asked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from shared.expressions.functions import FUNCTIONS
from shared.expressions.kinds import FRACTION, TEXT, TIME, TRUTH, WHOLE, Kind, Many

ASK = object()
"""The engine is to be asked."""

Asked: TypeAlias = Callable[[Any, Any, Any], Any]
"""Gives a value, or ``ASK``, of the scope, the element that is looked at, and that of a list within it."""


class Quick(NamedTuple):
    """How a part of an expression is evaluated, and what it gives."""

    kind: Kind
    asked: Asked


_TYPES: Mapping[Kind, type] = {TRUTH: bool, WHOLE: int, TEXT: str, TIME: int, FRACTION: float}
"""What a value is of where it is sure: a trigger has times as text, which only the engine reads."""


def _ask(scope: Any, one: Any, two: Any) -> Any:
    return ASK


def on_scope(scope: Any, one: Any, two: Any) -> Any:
    return scope


def first_element(scope: Any, one: Any, two: Any) -> Any:
    return one


def second_element(scope: Any, one: Any, two: Any) -> Any:
    return two


def field_of(of: Asked, read: Callable[[Any], Any]) -> Asked:
    """What is not known the engine is asked about: it says what that means."""
    if of is on_scope:

        def of_scope(scope: Any, one: Any, two: Any) -> Any:
            value = read(scope)
            return ASK if value is None else value

        return of_scope

    def made(scope: Any, one: Any, two: Any) -> Any:
        table = of(scope, one, two)
        value = None if table is ASK else read(table)
        return ASK if value is None else value

    return made


def both(first: Quick | None, second: Quick | None, *, stops: bool) -> Quick | None:
    """``stops``: what the one must be for the other not to matter. So the second may be nothing that is done
    here."""
    if first is None:
        return None
    before, after = first.asked, _ask if second is None else second.asked

    def made(scope: Any, one: Any, two: Any) -> Any:
        value = before(scope, one, two)
        if value is stops:
            return stops
        other = after(scope, one, two)
        return other if other is stops or value is (not stops) else ASK

    return Quick(TRUTH, made)


def denied(of: Quick | None) -> Quick | None:
    if of is None:
        return None
    asked = of.asked

    def made(scope: Any, one: Any, two: Any) -> Any:
        value = asked(scope, one, two)
        return (not value) if type(value) is bool else ASK

    return Quick(TRUTH, made)


def compared(first: Quick | None, second: Quick | None, how: Callable[[Any, Any], bool]) -> Quick | None:
    """Of one kind on both sides."""
    if first is None or second is None or first.kind is not second.kind or first.kind not in _TYPES:
        return None
    before, after, sure = first.asked, second.asked, _TYPES[first.kind]
    if first.kind is FRACTION:
        before, after = _a_number(before), _a_number(after)

    def made(scope: Any, one: Any, two: Any) -> Any:
        value, other = before(scope, one, two), after(scope, one, two)
        return how(value, other) if type(value) is sure and type(other) is sure else ASK

    return Quick(TRUTH, made)


def _a_number(of: Asked) -> Asked:
    """What is not a number is like nothing, which the engine has its own word on."""

    def made(scope: Any, one: Any, two: Any) -> Any:
        value = of(scope, one, two)
        return value if value == value else ASK

    return made


def size(of: Quick | None) -> Quick | None:
    if of is None or not isinstance(of.kind, Many):
        return None
    asked = of.asked

    def made(scope: Any, one: Any, two: Any) -> Any:
        values = asked(scope, one, two)
        return ASK if values is ASK else len(values)

    return Quick(WHOLE, made)


def function(name: str, args: Sequence[Quick | None]) -> Quick | None:
    """One of ours: on times as numbers, as the state has them."""
    known = FUNCTIONS[name]
    make = known.counted
    if make is None or len(args) != 1 or args[0] is None or args[0].kind is not TIME:
        return None
    asked, ready = args[0].asked, make

    def made(scope: Any, one: Any, two: Any) -> Any:
        value = asked(scope, one, two)
        return ready(scope.now, scope.zone)(value) if type(value) is int else ASK

    return Quick(known.gives, made)


def is_there(of: Asked, read: Callable[[Any], Any]) -> Asked:
    """``has``: it is for the engine to say what that means where the table is not known."""

    def made(scope: Any, one: Any, two: Any) -> Any:
        table = of(scope, one, two)
        return ASK if table is ASK else read(table) is not None

    return made


def written(what: Asked, words: frozenset[str]) -> Asked:
    """Whether a text is among those that stand in the expression."""

    def made(scope: Any, one: Any, two: Any) -> Any:
        value = what(scope, one, two)
        return value in words if type(value) is str else ASK

    return made


def held(what: Asked, among: Asked) -> Asked:
    """Whether a text is in a list."""

    def made(scope: Any, one: Any, two: Any) -> Any:
        value, values = what(scope, one, two), among(scope, one, two)
        return value in values if type(value) is str and values is not ASK else ASK

    return made


def any_fits(of: Asked, fits: Asked, needed: Sequence[Asked], *, within: bool, stops: bool) -> Asked:
    """Whether one fits (``stops``), or none does not. One of which something is not known that is ``needed``
    does not fit: where it would, the engine is asked."""

    def made(scope: Any, one: Any, two: Any) -> Any:
        values = of(scope, one, two)
        if values is ASK:
            return ASK
        for value in values:
            first, second = (one, value) if within else (value, two)
            found = fits(scope, first, second)
            if found is True and any(known(scope, first, second) is ASK for known in needed):
                return ASK
            if found is not (not stops):
                return found
        return not stops

    return made


def fitting(of: Asked, fits: Asked, needed: Sequence[Asked], *, within: bool) -> Asked:
    """Those that do."""

    def made(scope: Any, one: Any, two: Any) -> Any:
        values = of(scope, one, two)
        if values is ASK:
            return ASK
        kept = []
        for value in values:
            first, second = (one, value) if within else (value, two)
            found = fits(scope, first, second)
            if found is True and not any(known(scope, first, second) is ASK for known in needed):
                kept.append(value)
            elif found is not False:
                return ASK
        return kept

    return made
