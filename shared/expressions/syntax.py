"""The syntax of an expression as a tree, which the engine does not give: so that each member path can be
checked, and only what it names is handed in. Bounded in length and depth before the engine sees it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

MOST_CHARACTERS = 1_000
MOST_DEPTH = 30
"""How deep brackets, conditions and signs may stand in each other."""


class ExpressionError(ValueError):
    """An expression that cannot be used. The text says why, without a capital and a stop."""

    at: int | None = None
    """The character of its text, from 0, at which stands what is wrong; None: it is about all of it."""


class NotKnownError(ExpressionError):
    """It cannot be evaluated here, since something that it names is not there."""


class Span(NamedTuple):
    """Where a part stands in the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal:
    span: Span
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    span: Span
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """``of.field``."""

    span: Span
    of: "Node"
    field: str


@dataclass(frozen=True, slots=True)
class Index:
    """``of[at]``."""

    span: Span
    of: "Node"
    at: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """``function(args)``, or ``of.function(args)``."""

    span: Span
    function: str
    of: "Node | None"
    args: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator and what it stands between; ``?:`` has three."""

    span: Span
    operator: str
    args: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Several:
    """A list as it is written."""

    span: Span
    items: tuple["Node", ...]


Node: TypeAlias = Literal | Name | Select | Index | Call | Operation | Several


class Token(NamedTuple):
    kind: str
    text: str
    span: Span


_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
    |(?P<int>0[xX][0-9a-fA-F]+|\d+)(?![\w.])
    |(?P<text>[rR]?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]])""",
    re.VERBOSE | re.ASCII,
)
_RESERVED = frozenset({
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
    "namespace", "return", "var", "void", "while",
})  # fmt: skip
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_NO_NAMES = frozenset({"in", *_CONSTANTS})
"""What is not even the name of a field; reserved words are."""
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"),
)  # fmt: skip
"""Binary operators, those that bind least first; each to the left."""
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[abfnrtv\\'\"`?])")
_SHORT = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def parsed(text: str) -> Node:
    """The tree of an expression. Raises ``ExpressionError``."""
    if len(text) > MOST_CHARACTERS:
        raise ExpressionError(f"it is longer than {MOST_CHARACTERS} characters")
    return _Parser([*_tokens(text)], len(text)).whole()


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise ExpressionError(f"character {at + 1}, {text[at]!r}, is out of place")
        if found.lastgroup != "space":
            yield Token(found.lastgroup, found.group(), Span(at, found.end()))
        at = found.end()


class _Parser:
    """Recursive descent over the tokens, one look ahead."""

    def __init__(self, tokens: list[Token], length: int) -> None:
        self._tokens = [*tokens, Token("end", "", Span(length, length))]
        self._place = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._expression()
        if self._next.kind != "end":
            raise self._wrong("an operator, or the end")
        return node

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._next
        self._place += 1
        return token

    def _is(self, *texts: str) -> bool:
        return self._next.kind in ("sign", "name") and self._next.text in texts

    def _must(self, text: str) -> Token:
        if not self._is(text):
            raise self._wrong(repr(text))
        return self._take()

    def _wrong(self, wanted: str) -> ExpressionError:
        token = self._next
        found = "the end" if token.kind == "end" else repr(token.text)
        return ExpressionError(f"at character {token.span.start + 1} there is {found} instead of {wanted}")

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise ExpressionError(f"it is nested deeper than {MOST_DEPTH}")
        node = self._binary(0)
        if self._is("?"):
            self._take()
            first = self._binary(0)
            self._must(":")
            second = self._expression()
            node = Operation(Span(node.span.start, second.span.end), "?:", (node, first, second))
        self._depth -= 1
        return node

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        node = self._binary(level + 1)
        while self._is(*_LEVELS[level]):
            operator = self._take().text
            right = self._binary(level + 1)
            node = Operation(Span(node.span.start, right.span.end), operator, (node, right))
        return node

    def _unary(self) -> Node:
        if not self._is("!", "-"):
            return self._member()
        sign = self._take()
        if self._is("!", "-"):
            raise ExpressionError(f"write {sign.text} once, or with brackets")
        if sign.text == "-" and self._next.kind in ("int", "float"):
            number = self._literal(self._take(), negative=True)
            return self._after(Literal(Span(sign.span.start, number.span.end), number.value))
        of = self._member()
        return Operation(Span(sign.span.start, of.span.end), sign.text, (of,))

    def _member(self) -> Node:
        return self._after(self._primary())

    def _after(self, node: Node) -> Node:
        """What follows a value: ``.field``, ``.function(...)``, ``[...]``."""
        while self._is(".", "["):
            start = node.span.start
            if self._take().text == "[":
                at = self._expression()
                node = Index(Span(start, self._must("]").span.end), node, at)
                continue
            if self._next.kind != "name" or self._next.text in _NO_NAMES:
                raise self._wrong("a name")
            name = self._take()
            if self._is("("):
                args, end = self._listed("(", ")")
                node = Call(Span(start, end), name.text, node, args)
            else:
                node = Select(Span(start, name.span.end), node, name.text)
        return node

    def _primary(self) -> Node:
        token = self._next
        if self._is("("):
            self._take()
            inner = self._expression()
            return replace(inner, span=Span(token.span.start, self._must(")").span.end))
        if self._is("["):
            items, end = self._listed("[", "]")
            return Several(Span(token.span.start, end), items)
        if token.kind in ("int", "float", "text"):
            return self._literal(self._take())
        if token.kind != "name" or token.text == "in":
            raise self._wrong("a value")
        self._take()
        if token.text in _CONSTANTS:
            return Literal(token.span, _CONSTANTS[token.text])
        if token.text in _RESERVED:
            raise ExpressionError(f"{token.text} is a reserved word")
        if self._is("("):
            args, end = self._listed("(", ")")
            return Call(Span(token.span.start, end), token.text, None, args)
        return Name(token.span, token.text)

    def _listed(self, opening: str, closing: str) -> tuple[tuple[Node, ...], int]:
        """What stands between brackets, and where they end."""
        self._must(opening)
        items: list[Node] = []
        while not self._is(closing):
            items.append(self._expression())
            if not self._is(closing):
                self._must(",")
        return tuple(items), self._take().span.end

    def _literal(self, token: Token, negative: bool = False) -> Literal:
        if token.kind == "text":
            return Literal(token.span, _unescaped(token.text))
        sign = -1 if negative else 1
        if token.kind == "float":
            return Literal(token.span, sign * float(token.text))
        number = sign * int(token.text, 16 if token.text[:2] in ("0x", "0X") else 10)
        if not -(2**63) <= number < 2**63:
            raise ExpressionError(f"{token.text} is too large")
        return Literal(token.span, number)


def _unescaped(text: str) -> str:
    raw = text[0] in "rR"
    inner = text[2:-1] if raw else text[1:-1]
    return inner if raw else _ESCAPE.sub(_character, inner)


def _character(found: re.Match[str]) -> str:
    what = found.group(1)
    if len(what) > 1:
        return chr(int(what[1:], 16))
    return _SHORT.get(what, what)


def path_of(node: Node) -> tuple[str, str] | None:
    """The name that a chain of fields begins with, and the chain."""
    if isinstance(node, Name):
        return node.name, node.name
    of = path_of(node.of) if isinstance(node, Select) else None
    return None if of is None or not isinstance(node, Select) else (of[0], f"{of[1]}.{node.field}")
