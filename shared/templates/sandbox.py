"""Jinja2 for templates of messages: sandboxed, without chance or clock, and metered. Pure.

Counted are each round of a loop and each test of its ``if``, each call (macros, blocks, loops that call
themselves) and each file that is taken in; and all that is written. What can be large in one step
(``"x" * 10 ** 9``) is looked at before it is made.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from types import CodeType
from typing import Any, ClassVar

from jinja2 import BaseLoader, BytecodeCache, StrictUndefined, nodes, pass_context, pass_eval_context
from jinja2.bccache import Bucket
from jinja2.filters import FILTERS as DEFAULT_FILTERS
from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import _PassArg
from markupsafe import Markup

from shared.templates.meter import (
    MAX_CHARS,
    MAX_ITEMS,
    MAX_RANGE,
    Meter,
    TooMuchError,
    at_most,
    fits,
    small,
)

MOST_COMPILED = 1_000
"""Sources; some 20 kB each."""
METER = "(meter)"
"""The meter's name among a template's variables: none that a template could write."""
ROUND, SIZED = "(round)", "(sized)"
"""Likewise, of filters."""
ALLOWED = frozenset({
    "abs", "attr", "batch", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first",
    "float", "forceescape", "groupby", "int", "items", "join", "last", "length", "list", "lower", "map",
    "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select", "selectattr",
    "slice", "sort", "string", "striptags", "title", "tojson", "trim", "truncate", "unique", "upper",
    "urlencode", "wordcount",
})  # fmt: skip
"""Those of Jinja's filters that there are: none of chance, none that writes more than it is given."""
PIECES = frozenset({"batch", "round", "slice"})
"""Those whose numbers say how much they make."""
SAID = frozenset({"gettext", "ngettext", "pgettext", "npgettext"})
"""What ``{% trans %}`` becomes: functions of the environment, and filters of the same names."""
OF_TEXT = frozenset({
    "capitalize", "casefold", "count", "endswith", "find", "isalnum", "isalpha", "isdecimal", "isdigit",
    "islower", "isnumeric", "isspace", "istitle", "isupper", "lower", "lstrip", "partition",
    "removeprefix", "removesuffix", "rfind", "rpartition", "rsplit", "rstrip", "split", "splitlines",
    "startswith", "strip", "striptags", "swapcase", "title", "upper",
})  # fmt: skip
METHODS: tuple[tuple[type, frozenset[str]], ...] = (
    (str, OF_TEXT),
    (Mapping, frozenset({"get", "items", "keys", "values"})),
    (list, frozenset({"count", "index"})),
    (tuple, frozenset({"count", "index"})),
    (int, frozenset()),
    (float, frozenset({"is_integer"})),
)
"""The methods of values."""


class _Compiled(BytecodeCache):
    """What has been compiled of a source: that takes longer than a hundred messages take to be written by it.
    All sandboxes are alike, so what one has compiled serves the others."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if len(self._known) >= MOST_COMPILED:
            self._known.clear()
        self._known[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


class Sandbox(ImmutableSandboxedEnvironment):
    """Renders with a ``Meter`` among the variables, under ``METER``."""

    # Jinja declares it an instance's own.
    intercepted_binops: ClassVar[frozenset[str]] = frozenset({"+", "*", "**", "%", "-"})  # type: ignore[misc]

    def __init__(self, loader: BaseLoader, **options: Any) -> None:
        super().__init__(
            loader=loader,
            autoescape=lambda name: bool(name and name.endswith(".html")),
            undefined=StrictUndefined,
            finalize=_written,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
            bytecode_cache=_COMPILED,
            **options,
        )
        for chance in ("lipsum", "cycler", "joiner"):
            self.globals.pop(chance)
        self.globals["range"] = _range
        jinjas = {
            name: _metered(name, filter_) for name, filter_ in DEFAULT_FILTERS.items() if name in ALLOWED
        }
        own = {"replace": _metered("replace", _replace), "join": _metered("join", _join)}
        self.filters = {**jinjas, **own, ROUND: _round, SIZED: _sized}

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        _meter(__context).rounds()
        for value in (*args, *kwargs.values()):
            fits(value)
        return fits(super().call(__context, __obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            raise TooMuchError("a text is not filled by %: use {% trans %}")
        if operator == "**":
            small(left, right)
        elif operator == "*":
            for text, times in ((left, right), (right, left)):
                if isinstance(text, str | list | tuple) and isinstance(times, int):
                    at_most(len(text) * times, MAX_CHARS if isinstance(text, str) else MAX_ITEMS)
        _meter(context).rounds()
        return fits(super().call_binop(context, operator, left, right))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        for kind, methods in METHODS:
            if isinstance(obj, kind):
                return attr in methods
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """``format`` is no method here: a width in it may be as large as one likes."""

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        _put_meters(source)
        return super()._generate(source, *args, **kwargs)


def _meter(context: Context) -> Meter:
    # Not by ``resolve``: this is asked for all that is written.
    meter: Meter = context.parent[METER]
    return meter


@pass_context
def _written(context: Context, value: Any) -> Any:
    """What becomes of each value that is written: nothing where it is None."""
    if not isinstance(value, str):
        if value is None:
            return ""
        if not hasattr(value, "__html__"):
            value = str(fits(value))
    context.parent[METER].write(len(value))
    return value


@pass_context
def _round(context: Context, chars: int) -> bool:
    context.parent[METER].round(chars)
    return True


@pass_context
def _sized(_: Context, value: Any) -> Any:
    return fits(value)


BODIES = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)
"""What may run more than once."""


def _put_meters(template: nodes.Template) -> None:
    """Into each such body a round with the characters that it writes, around what is put together a look at
    its size. What is taken in sees what the file sees, its meter too."""
    bodies: list[Any] = [*template.find_all(BODIES), template]
    sizes = [sum(map(_chars, body.body)) for body in bodies]
    _rewrite(template)
    for body, size in zip(bodies, sizes, strict=True):
        if isinstance(body, nodes.For) and body.test is not None:
            body.test = nodes.And(_filter(nodes.Const(0), ROUND, body), body.test, lineno=body.lineno)
        body.body.insert(0, nodes.ExprStmt(_filter(nodes.Const(size), ROUND, body), lineno=body.lineno))
    takes: tuple[type[Any], ...] = (nodes.Import, nodes.FromImport, nodes.Include)
    for taken in template.find_all(takes):
        taken.with_context = True


def _chars(node: nodes.Node) -> int:
    """The characters of the file itself that a body writes, without those of bodies in it."""
    if isinstance(node, nodes.TemplateData):
        return len(node.data)
    return sum(_chars(child) for child in node.iter_child_nodes() if not isinstance(child, BODIES))


def _rewrite(node: nodes.Node) -> None:
    for name, value in list(node.iter_fields()):
        if isinstance(value, list):
            for place, child in enumerate(value):
                if isinstance(child, nodes.Node):
                    _rewrite(child)
                    value[place] = _rewritten(child)
        elif isinstance(value, nodes.Node):
            _rewrite(value)
            setattr(node, name, _rewritten(value))


def _rewritten(node: nodes.Node) -> nodes.Node:
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in SAID:
        # Said directly, and not by way of all that guards a call.
        first, *rest = node.args
        return nodes.Filter(first, node.node.name, rest, node.kwargs, None, None, lineno=node.lineno)
    made = isinstance(node, nodes.Concat | nodes.List | nodes.Dict)
    if made or (isinstance(node, nodes.Tuple) and node.ctx == "load"):
        return _filter(node, SIZED, node)
    return node


def _filter(value: nodes.Node, name: str, at: nodes.Node) -> nodes.Filter:
    return nodes.Filter(value, name, [], [], None, None, lineno=at.lineno)


def _metered(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja's that counts, is asked for nothing huge and makes nothing huge."""
    passed = _PassArg.from_obj(function)

    @wraps(function)
    def metered(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        held = len(value) if isinstance(value, list | tuple | range | Mapping) else 0
        _meter(context).rounds(1 + held // 100)
        if name in PIECES:
            small(*args, *kwargs.values())
        first = {
            None: (),
            _PassArg.context: (context,),
            _PassArg.eval_context: (context.eval_ctx,),
            _PassArg.environment: (context.environment,),
        }[passed]
        return fits(function(*first, value, *args, **kwargs))

    return pass_context(metered)


@pass_eval_context
def _replace(how: EvalContext, value: Any, old: Any, new: Any, count: int | None = None) -> Any:
    text, place = str(value), str(old)
    at_most(len(text) + text.count(place) * len(Markup.escape(new)), MAX_CHARS)
    return DEFAULT_FILTERS["replace"](how, value, old, new, count)


@pass_eval_context
def _join(how: EvalContext, value: Iterable[Any], d: Any = "", attribute: Any = None) -> Any:
    things = fits(list(value))
    at_most(len(things) * len(str(d)), MAX_CHARS)
    return DEFAULT_FILTERS["join"](how, things, d, attribute)


def _range(*args: int) -> range:
    found = range(*args)
    at_most(len(found), MAX_RANGE)
    return found
