"""Which kinds an operator takes, and which it gives."""

from shared.expressions.kinds import (
    ANY,
    FRACTION,
    LENGTH,
    NOTHING,
    TEXT,
    TIME,
    TRUTH,
    WHOLE,
    ByName,
    Kind,
    Many,
    Plain,
)

NUMBERS = frozenset({WHOLE, FRACTION})
ORDERED = frozenset({WHOLE, FRACTION, TEXT, TIME, LENGTH})
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})


def result_of(operator: str, first: Kind, second: Kind | None = None) -> Kind | None:
    """The kind of a result; None where the operator does not fit."""
    if second is None:
        return first if first in NUMBERS else None
    both = {first, second}
    numbers = both <= NUMBERS
    match operator:
        case "==" | "!=":
            plain = isinstance(first, Plain) and first is not NOTHING
            return TRUTH if plain and (first == second or numbers) else None
        case "<" | "<=" | ">" | ">=":
            return TRUTH if numbers or (first == second and first in ORDERED) else None
        case "in":
            of = second.of if isinstance(second, Many) else TEXT if isinstance(second, ByName) else second
            fits = isinstance(first, Plain) and (first == of or ANY in (first, of))
            return TRUTH if fits and (second is ANY or not isinstance(second, Plain)) else None
        case "+" if first == second and first in (TEXT, LENGTH):
            return first
        case "+" if both == {TIME, LENGTH}:
            return TIME
        case "-" if first is TIME and second in (TIME, LENGTH):
            return LENGTH if second is TIME else TIME
    fits = first == second and first in (NUMBERS if operator != "%" else {WHOLE})
    return first if fits else None
