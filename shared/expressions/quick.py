"""What conditions mostly are, without the engine: comparisons of fields, ``has``, ``in``, days that have
passed, lists that are gone through. Where something is not known, or is not what it should be, the engine is
asked all the same: nothing is different but the time (ADR 113)."""

from collections.abc import Callable, Iterator, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Protocol

from shared.expressions.closures import (
    Asked,
    Quick,
    any_fits,
    both,
    compared,
    denied,
    field_of,
    first_element,
    fitting,
    function,
    held,
    is_there,
    on_scope,
    second_element,
    size,
    written,
)
from shared.expressions.functions import FUNCTIONS
from shared.expressions.kinds import FRACTION, TEXT, TRUTH, WHOLE, Kind, Many, Table, itself
from shared.expressions.syntax import (
    Call,
    Index,
    Literal,
    Name,
    Node,
    Operation,
    Select,
    Several,
    path_of,
)


class Known(Protocol):
    """What a variable is, and how it is read off the scope."""

    @property
    def kind(self) -> Kind: ...

    @property
    def read(self) -> Callable[[Any], Any]: ...


_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge,
}  # fmt: skip


def quick(tree: Node, variables: Mapping[str, Known]) -> Asked | None:
    """How a checked condition is evaluated; None where only the engine can."""
    found = _Making(variables).of(tree)
    return found.asked if found is not None and found.kind is TRUTH else None


class _Making:
    """One walk over a tree; None where a part is nothing that is done here."""

    def __init__(self, variables: Mapping[str, Known]) -> None:
        self._variables = variables
        self._bound: list[tuple[str, Kind]] = []
        """The elements of the lists that are gone through, the outer one first."""

    def of(self, node: Node) -> Quick | None:
        match node:
            case Literal(value=bool() | int() | float() | str() as value):
                kind = {bool: TRUTH, int: WHOLE, float: FRACTION, str: TEXT}[type(value)]
                return Quick(kind, lambda scope, one, two: value)
            case Name() | Select():
                return self._path(node)
            case Operation(operator="&&" | "||", args=(first, second)):
                return both(self.of(first), self.of(second), stops=node.operator == "||")
            case Operation(operator="!", args=(first,)):
                return denied(self.of(first))
            case Operation(operator="in", args=(first, second)):
                return self._in(self.of(first), second)
            case Operation(args=(first, second)) if node.operator in _COMPARED:
                return compared(self.of(first), self.of(second), _COMPARED[node.operator])
            case Call(function="has", of=None, args=(Select(of=table, field=field),)):
                return self._has(table, field)
            case Call(function="exists" | "all" | "filter", of=of, args=(Name(name=name), what)) if of:
                return self._loop(node.function, self.of(of), name, what)
            case Call(function="size"):
                return size(self.of(node.of or node.args[0]))
            case Call(of=None) if node.function in FUNCTIONS:
                return function(node.function, [self.of(arg) for arg in node.args])
        return None

    def _path(self, node: Name | Select) -> Quick | None:
        if isinstance(node, Select):
            of = self._table(node.of)
            field = None if of is None else of[1].fields.get(node.field)
            return None if of is None or field is None else Quick(field.kind, field_of(of[0], field.read))
        for place, (name, kind) in enumerate(self._bound):
            if name == node.name:
                return Quick(kind, second_element if place else first_element)
        known = self._variables.get(node.name)
        return None if known is None else Quick(known.kind, field_of(on_scope, known.read))

    def _table(self, node: Node) -> tuple[Asked, Table] | None:
        """What fields are read off, and which there are: of a list, those of all of it."""
        if isinstance(node, Name) and all(node.name != name for name, _ in self._bound):
            known = self._variables.get(node.name)
            if known is not None and isinstance(known.kind, Many):
                return None if known.kind.table is None else (on_scope, known.kind.table)
            if known is not None and isinstance(known.kind, Table) and known.read is itself:
                return on_scope, known.kind
        found = self.of(node)
        return None if found is None or not isinstance(found.kind, Table) else (found.asked, found.kind)

    def _has(self, of: Node, name: str) -> Quick | None:
        table = self._table(of)
        field = None if table is None else table[1].fields.get(name)
        if table is None or field is None:
            return None
        return Quick(TRUTH, is_there(table[0], field.read))

    def _in(self, what: Quick | None, among: Node) -> Quick | None:
        if what is None or what.kind is not TEXT:
            return None
        if isinstance(among, Several):
            texts = [item.value for item in among.items if isinstance(item, Literal)]
            words = frozenset(text for text in texts if isinstance(text, str))
            return Quick(TRUTH, written(what.asked, words)) if len(texts) == len(among.items) else None
        found = self.of(among)
        return Quick(TRUTH, held(what.asked, found.asked)) if found and found.kind == Many(TEXT) else None

    def _loop(self, how: str, of: Quick | None, name: str, what: Node) -> Quick | None:
        if of is None or not isinstance(of.kind, Many):
            return None
        within = bool(self._bound)
        self._bound.append((name, of.kind.of))
        fits, known = self.of(what), [self.of(path) for path in _needed(what, name)]
        self._bound.pop()
        needed = [path.asked for path in known if path is not None]
        if fits is None or fits.kind is not TRUTH or len(needed) < len(known):
            return None
        if how == "filter":
            return Quick(of.kind, fitting(of.asked, fits.asked, needed, within=within))
        stops = how == "exists"
        return Quick(TRUTH, any_fits(of.asked, fits.asked, needed, within=within, stops=stops))


def _needed(what: Node, name: str) -> list[Select]:
    """The fields that must be known of an element for it to fit, as the check guards them."""
    asked: dict[str, Select] = {}
    tested: set[str] = set()
    for node in _parts(what):
        if isinstance(node, Select) and (path := path_of(node)) and path[0] == name:
            asked[path[1]] = node
        if isinstance(node, Call) and node.function == "has" and (path := path_of(node.args[0])):
            tested.add(path[1])
    return [node for path, node in asked.items() if path not in tested]


def _parts(node: Node) -> Iterator[Node]:
    """All of a tree."""
    yield node
    inner: tuple[Node, ...] = ()
    match node:
        case Select(of=of):
            inner = (of,)
        case Index(of=of, at=at):
            inner = (of, at)
        case Call(of=of, args=args):
            inner = args if of is None else (of, *args)
        case Operation(args=args):
            inner = args
        case Several(items=items):
            inner = items
    for part in inner:
        yield from _parts(part)
