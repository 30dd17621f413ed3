"""The expressions of a mapping: checked against the kinds of what they see, and evaluated."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from shared.expressions.functions import FUNCTIONS
from shared.expressions.kinds import WHOLE, Kind
from shared.expressions.program import Program, Variable, programmed
from shared.expressions.syntax import ExpressionError, Literal, Name, Node, NotKnownError, parsed
from shared.mapping.quick import ASK, Quick, path, quick
from shared.schemas.times import Micros

ENTRY, NUMBER, ITEM = "entry", "number", "item"


class Here:
    """What expressions see: a record, the entry of it that an event is made of, and the item of that."""

    __slots__ = ("entry", "item", "number", "row")

    now: Micros = 0
    zone = ZoneInfo("UTC")
    """No function that asks for them is taken: the same record always gives the same events."""

    def __init__(self, row: Any, entry: Any = None, number: int = 1) -> None:
        self.row, self.entry, self.number = row, entry, number
        self.item: Any = None


Make: TypeAlias = Callable[[Here], Any]
"""Makes a value of what is at hand; None: it is not known. Raises ``ExpressionError``."""

READERS: Mapping[str, Callable[[Here], Any]] = {
    "row": lambda here: here.row,
    ENTRY: lambda here: here.entry,
    NUMBER: lambda here: here.number,
    ITEM: lambda here: here.item,
}


def variables(row: Kind, entry: Kind | None = None, item: Kind | None = None) -> dict[str, Variable]:
    """What an expression sees of these kinds."""
    kinds: dict[str, Kind | None] = {"row": row, ENTRY: entry, ITEM: item}
    if entry is not None:
        kinds[NUMBER] = WHOLE
    return {name: Variable(kind, READERS[name]) for name, kind in kinds.items() if kind is not None}


def expression(text: str, seeing: Mapping[str, Variable]) -> tuple[Kind, Make]:
    """The kind of what an expression gives, and how it is evaluated. Raises ``ExpressionError``."""
    tree = parsed(text)
    try:
        program = programmed(text, seeing)
    except ExpressionError as error:
        if isinstance(tree, Name) and tree.name not in seeing:
            error.args = (f"{error}; if the word itself is meant, write {{is: {tree.name}}}",)
        raise
    dated = sorted(name for name in program.use.functions if FUNCTIONS[name].made is not None)
    if dated:
        raise ExpressionError(f"{dated[0]} depends on when and where it is asked, and a mapping must not")
    made = path(tree, READERS) or _constant(tree) or _evaluated(program, quick(tree, READERS))
    return program.kind, made


def _evaluated(program: Program, found: Quick | None) -> Make:
    def asked(here: Here) -> Any:
        try:
            return program.value(here)
        except NotKnownError:
            return None

    if found is None:
        return asked
    sure = found

    def made(here: Here) -> Any:
        value = sure(here)
        return asked(here) if value is ASK else value

    return made


def _constant(tree: Node) -> Make | None:
    if not isinstance(tree, Literal):
        return None
    value = tree.value
    return lambda here: value
