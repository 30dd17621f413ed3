"""Whether an expression means something: each variable and member path against what there is, each operator
against the kinds on its sides; and what of all that it uses, so that only this is handed in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.expressions.functions import FUNCTIONS
from shared.expressions.kinds import (
    ANY,
    FRACTION,
    NOTHING,
    TEXT,
    TIME,
    TRUTH,
    WHOLE,
    ByName,
    Kind,
    Many,
    Plain,
    Table,
    Use,
)
from shared.expressions.operators import COMPARISONS, NUMBERS, result_of
from shared.expressions.syntax import (
    Call,
    ExpressionError,
    Index,
    Literal,
    Name,
    Node,
    Operation,
    Select,
    Several,
    Span,
    path_of,
)

MOST_LOOPS = 2
"""How deep ``exists``, ``filter`` and the like may stand in each other."""
LOOPS: Mapping[str, Kind | None] = {
    "all": TRUTH, "exists": TRUTH, "exists_one": TRUTH, "filter": None, "map": None,
}  # fmt: skip
WHOLE_OF = "all_of_"
"""Before a variable's name in the text that the engine is given: what is known of all of a list."""


def alone(variable: str, field: str) -> str:
    """As the engine knows a field that is handed in by itself."""
    return f"{WHOLE_OF}{variable}__{field}"


@dataclass(slots=True)
class Each:
    """The elements of a list that is gone through."""

    kind: Kind
    asked: dict[str, None] = field(default_factory=dict)
    """Paths that are taken of them, those before the longer ones."""
    tested: set[str] = field(default_factory=set)
    """Those of which ``has`` asks whether they are there."""


class Check:
    """One walk over a tree. Raises ``ExpressionError``."""

    def __init__(self, text: str, variables: Mapping[str, Kind]) -> None:
        self._text, self._variables = text, variables
        self._bound: dict[str, Each] = {}
        self._loops = 0
        self._tested: Node | None = None
        """What ``has`` asks about: it takes no name, only a field of something."""
        self._handed: Node | None = None
        """A time that a function of ours takes."""
        self.use = Use()

    def kind(self, node: Node) -> Kind:
        """The kind of a value."""
        try:
            kind = self._kind(node)
        except ExpressionError as error:
            error.at = node.span.start if error.at is None else error.at
            raise
        self.use.anything |= kind is ANY
        self.use.clock |= kind is TIME and node is not self._handed and node is not self._tested
        return kind

    def _kind(self, node: Node) -> Kind:
        match node:
            case Literal(value=value):
                return {bool: TRUTH, int: WHOLE, float: FRACTION, str: TEXT}.get(type(value), NOTHING)
            case Name(name=name):
                return self._name(name)
            case Select():
                return self._select(node)
            case Index():
                return self._index(node)
            case Several(items=items):
                return Many(self._same([self.kind(item) for item in items], node))
            case Operation(operator="?:", args=(question, first, second)):
                self._truth(question)
                return self._same([self.kind(first), self.kind(second)], node)
            case Operation():
                return self._operation(node)
            case Call():
                return self._loop(node) if node.function in LOOPS and node.of else self._call(node)

    def _name(self, name: str) -> Kind:
        if name in self._bound:
            return self._bound[name].kind
        if name not in self._variables:
            raise ExpressionError(f"there is no {name}, only {_listed(self._variables)}")
        self.use.variables.add(name)
        if isinstance(self._variables[name], Table):
            self.use.tables.add(name)
        return self._variables[name]

    def _select(self, node: Select) -> Kind:
        if isinstance(node.of, Name) and node.of.name not in self._bound:
            known = self._variables.get(node.of.name)
            whole = known.table if isinstance(known, Many) else None
            if (table := known if isinstance(known, Table) else whole) is not None:
                return self._of_variable(node, node.of, table, whole=whole is not None)
        kind = self._field(self.kind(node.of), node.of, node.field)
        if (path := path_of(node)) is not None and path[0] in self._bound:
            self._bound[path[0]].asked[path[1]] = None
        return kind

    def _of_variable(self, node: Select, of: Name, table: Table, *, whole: bool) -> Kind:
        """A field of a variable, or of what is known of all of a list (``whole``)."""
        kind = self._field(table, of, node.field)
        (self.use.wholes if whole else self.use.variables).add(of.name)
        if isinstance(kind, Plain) and node is not self._tested:
            self.use.alone.add((of.name, node.field))
            self.use.edits.append((*node.span, alone(of.name, node.field)))
            return kind
        self.use.tables.add(of.name)
        if whole:
            self.use.edits.append((*of.span, f"{WHOLE_OF}{of.name}"))
        return kind

    def _field(self, kind: Kind, of: Node, name: str) -> Kind:
        match kind:
            case Table():
                found = kind.fields.get(name)
                if found is None:
                    raise ExpressionError(f"{self._said(of)} has no field {name}")
                self.use.fields.setdefault(kind.name, set()).add(name)
                return found.kind
            case ByName():
                self.use.anything = True
                return kind.of
            case Plain() if kind is ANY:
                return ANY
        raise ExpressionError(f"{self._said(of)} is {kind} and has no field {name}")

    def _index(self, node: Index) -> Kind:
        kind = self.kind(node.of)
        if isinstance(kind, Table | ByName) and isinstance(node.at, Literal):
            return self._field(kind, node.of, str(node.at.value))
        at = self.kind(node.at)
        if isinstance(kind, Many) and at in (WHOLE, ANY):
            return kind.of
        if kind is ANY or (isinstance(kind, ByName) and at in (TEXT, ANY)):
            return ANY if kind is ANY else self._field(kind, node.of, "")
        raise ExpressionError(f"{self._said(node.of)} is {kind} and has nothing at {self._said(node.at)}")

    def _operation(self, node: Operation) -> Kind:
        if node.operator in ("&&", "||", "!"):
            for arg in node.args:
                self._truth(arg)
            return TRUTH
        kinds = [self.kind(arg) for arg in node.args]
        found = ANY if ANY in kinds and node.operator != "in" else result_of(node.operator, *kinds)
        if node.operator in COMPARISONS and found is ANY:
            return TRUTH
        if found is None:
            raise ExpressionError(self._unfit(node, kinds))
        return found

    def _unfit(self, node: Operation, kinds: list[Kind]) -> str:
        if len(kinds) == 1:
            return f"{self._said(node.args[0])} is {kinds[0]} and cannot be negative"
        if NOTHING in kinds and node.operator in ("==", "!="):
            known = node.args[0] if kinds[1] is NOTHING else node.args[1]
            return f"nothing is ever null: write has({self._said(known)})"
        if set(kinds) == NUMBERS:
            return f"{self._said(node)} mixes whole numbers and fractions: write double(...)"
        first, second = (self._said(arg) for arg in node.args)
        return f"{first} is {kinds[0]}, {second} is {kinds[1]}: {node.operator} does not fit"

    def _loop(self, node: Call) -> Kind:
        assert node.of is not None
        kind = self.kind(node.of)
        of = kind.of if isinstance(kind, Many) else ANY if kind is ANY else None
        if of is None:
            raise ExpressionError(f"{self._said(node.of)} is {kind} and no list")
        variable, *rest = node.args or (None,)
        if not isinstance(variable, Name) or len(rest) not in ((1, 2) if node.function == "map" else (1,)):
            raise ExpressionError(f"write {node.function}(x, ...) with what is to be of each x")
        taken = variable.name in self._variables or variable.name in self._bound
        if taken or variable.name.startswith(WHOLE_OF):
            raise ExpressionError(
                f"{variable.name} has a meaning already: take another name in {node.function}"
            )
        if self._loops == MOST_LOOPS:
            raise ExpressionError(f"more than {MOST_LOOPS} of {', '.join(LOOPS)} stand in each other")
        each = self._bound[variable.name] = Each(of)
        self._loops += 1
        for asked in rest if node.function != "map" else rest[:-1]:
            self._truth(asked)
        found = self.kind(rest[-1]) if node.function == "map" else of
        del self._bound[variable.name]
        self._loops -= 1
        self._guard(each, rest[0].span, bare=node.function == "map" and len(rest) == 1)
        return LOOPS[node.function] or Many(found)

    def _guard(self, each: Each, asked: Span, *, bare: bool) -> None:
        """An element of which something is not known does not fit; the engine would stop at it. ``bare``:
        what is made of each is asked for without a condition."""
        guards = " && ".join(f"has({path})" for path in each.asked if path not in each.tested)
        if guards and bare:
            self.use.edits.append((asked.start, asked.start, f"{guards}, "))
        elif guards:
            opening = (asked.start, asked.start, f"{guards} && (")
            self.use.edits += [opening, (asked.end, asked.end, ")")]

    def _call(self, node: Call) -> Kind:
        if node.function == "has" and node.of is None:
            if len(node.args) != 1 or not isinstance(node.args[0], Select):
                raise ExpressionError("write has(...) with a field in it, as has(profile.email)")
            self._tested = node.args[0]
            self.kind(node.args[0])
            if (path := path_of(node.args[0])) is not None and path[0] in self._bound:
                self._bound[path[0]].tested.add(path[1])
            return TRUTH
        function = FUNCTIONS.get(node.function)
        if function is None:
            raise ExpressionError(f"there is no function {node.function}, only {_listed(FUNCTIONS)}")
        if function.method is not None and (node.of is not None) != function.method:
            raise ExpressionError(f"write {function.usage}")
        args = (*((node.of,) if node.of is not None else ()), *node.args)
        if function.counted is not None and args and isinstance(args[0], Name | Select | Index):
            self._handed = args[0]
        kinds = [self.kind(arg) for arg in args]
        if not function.takes(kinds):
            raise ExpressionError(f"write {function.usage}")
        self.use.clock |= function.counted is not None and kinds[0] is ANY
        if function.literal and not isinstance(args[-1], Literal):
            raise ExpressionError(f"{node.function} needs its text written out")
        if function.literal:
            pattern = f"''.matches({self._source(args[-1])})"
            self.use.written.append(pattern if function.method else self._source(node))
        self.use.functions.add(node.function)
        return function.gives

    def _truth(self, node: Node) -> None:
        kind = self.kind(node)
        if kind not in (TRUTH, ANY):
            raise ExpressionError(f"{self._said(node)} is {kind}, not true or false")

    def _same(self, kinds: list[Kind], node: Node) -> Kind:
        known = [kind for kind in kinds if kind is not ANY]
        if any(kind != known[0] for kind in known):
            raise ExpressionError(f"{self._said(node)} mixes kinds of values")
        return known[0] if known else ANY

    def _source(self, node: Node) -> str:
        return self._text[node.span.start : node.span.end]

    def _said(self, node: Node) -> str:
        text = self._source(node)
        return text if len(text) <= 60 else f"{text[:57]}..."


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names))
