"""How one value of an event is made of a record: checked against the event's field, and put together once."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from shared.expressions.kinds import (
    ANY,
    FRACTION,
    NOTHING,
    TEXT,
    TIME,
    TRUTH,
    WHOLE,
    Kind,
    Many,
    Plain,
    Table,
)
from shared.expressions.program import Variable
from shared.expressions.syntax import ExpressionError
from shared.mapping import values
from shared.mapping.expressions import ITEM, Here, Make, expression
from shared.mapping.fields import Target
from shared.mapping.form import Kinds, Path, Value
from shared.mapping.values import BadValueError, Making

MADE: Mapping[Kind, Kinds] = {TEXT: "text", WHOLE: "whole", FRACTION: "number", TRUTH: "truth", TIME: "time"}
"""What a value is made for a field of a kind."""


class UnmappedError(ValueError):
    """A record that does not become what the mapping says. ``field`` is the path in the event, and the text
    says why, without the value."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


class Defaults(NamedTuple):
    """What the file says for all of its values."""

    zone: ZoneInfo | None
    currency: str | None
    decimal: str


Flaw = Callable[[Path, str, int | None], None]
"""Is told what is wrong with the file: where, why, and at which character of the text."""


class Builder:
    """Makes values of one event. ``seeing``: what its expressions see."""

    def __init__(self, seeing: Mapping[str, Variable], defaults: Defaults, flaw: Flaw) -> None:
        self._seeing, self._defaults, self._flaw = seeing, defaults, flaw

    def asked(self, text: str, path: Path) -> tuple[Kind, Make]:
        """An expression at a path of the file."""
        try:
            return expression(text, self._seeing)
        except ExpressionError as error:
            self._flaw(path, str(error), error.at)
            return ANY, lambda here: None

    def condition(self, text: str, path: Path) -> Make:
        """An expression that is true or false."""
        kind, made = self.asked(text, path)
        if kind not in (TRUTH, ANY):
            self._flaw(path, f"it is {kind}, not true or false", None)
        return made

    def value(self, form: Value, target: Target, path: Path, field: str) -> Make:
        """How the value of ``field`` is made. Making raises ``UnmappedError``; None: nothing is known."""
        if form.when is not None:
            met = self.condition(form.when, (*path, "when"))
            made = self.value(form.model_copy(update={"when": None}), target, path, field)
            return lambda here: made(here) if is_met(met, here, field) else None
        if form.each is not None:
            return self._each(form, target, path, field)
        if form.fields is not None:
            return self.fields(form.fields, target, (*path, "fields"), field)
        make = self._making(form, target, path)
        if form.is_ is not None:
            return self._constant(form, make, path, field)
        return _reported(field, self._read(form, target, path), make, form)

    def fields(self, forms: Mapping[str, Value], target: Target, path: Path, field: str) -> Make:
        """A value with fields: those that the event knows, and all that it needs."""
        for name in target.missing(forms):
            self._flaw(path, f"{target.name} needs {name}", None)
        made: list[tuple[str, Make]] = []
        for name, form in forms.items():
            inside = target.inside(name)
            if inside is None:
                self._flaw((*path, name), f"{target.name} has no field {name}, only {target.names}", None)
                continue
            made.append((name, self.value(form, inside, (*path, name), f"{field}.{name}")))

        def together(here: Here) -> dict[str, Any]:
            found = {}
            for name, make in made:
                value = make(here)
                if value is not None:
                    found[name] = value
            return found

        return together

    def _each(self, form: Value, target: Target, path: Path, field: str) -> Make:
        assert form.each is not None
        kind, listed = self.asked(form.each, (*path, "each"))
        if not isinstance(kind, Many) and kind is not ANY:
            self._flaw((*path, "each"), f"{form.each} is {kind} and no list", None)
        if not target.may_be_list:
            self._flaw(path, f"{field} is no list: write it without each", None)
        of = kind.of if isinstance(kind, Many) else ANY
        seeing = {**self._seeing, ITEM: Variable(of, lambda here: here.item)}
        inside = Builder(seeing, self._defaults, self._flaw)
        one = inside.value(form.model_copy(update={"each": None}), target.of, path, f"{field}[]")

        def made(here: Here) -> list[Any] | None:
            items = evaluated(listed, here, field)
            if items is None:
                return form.default if isinstance(form.default, list) else None
            if not isinstance(items, list):
                raise UnmappedError(field, "is no list")
            found = []
            for here.item in items:
                value = one(here)
                if value is not None:
                    found.append(value)
            return found

        return made

    def _read(self, form: Value, target: Target, path: Path) -> Make:
        """The first that is known of the expressions."""
        wanted = form.as_ or MADE.get(target.kind)
        reads = []
        for number, text in enumerate(form.from_):
            at = (*path, "from", number)
            kind, read = self.asked(text, at)
            if (why := _unfit(kind, target, wanted if form.table is None else None)) is not None:
                self._flaw(at, f"{text} is {kind}, {why}", None)
            reads.append(read)
        if len(reads) == 1:
            return reads[0]

        def first(here: Here) -> Any:
            return next((value for read in reads if (value := read(here)) is not None), None)

        return first

    def _making(self, form: Value, target: Target, path: Path) -> Callable[[Any, Here], Any]:
        """How what was read becomes what is wanted."""
        wanted, point = form.as_ or MADE.get(target.kind), form.decimal or self._defaults.decimal
        if wanted is None and target.is_money:
            wanted = "money"
        table = form.table
        if wanted == "money":
            return self._money(form, path, point)
        make: Making | None
        match wanted:
            case "time":
                zone = ZoneInfo(form.zone) if form.zone is not None else self._defaults.zone
                moment = values.moment(form.format, zone)
                make = moment if target.aware else lambda value: values.written(moment(value))
            case "whole":
                make = values.whole(point)
            case "number":
                make = values.number(point)
            case "date":
                make = values.day(form.format)
            case "text":
                make = values.text
            case "truth":
                make = values.truth
            case "id":
                make = values.identifier
            case _:
                make = None

        def looked_up(value: Any, here: Here) -> Any:
            assert table is not None
            value = _looked_up(table, value, form.default)
            return value if make is None else make(value)

        if table is not None:
            return looked_up
        if make is None:
            return lambda value, here: value
        sure = make
        return lambda value, here: sure(value)

    def _money(self, form: Value, path: Path, point: str) -> Callable[[Any, Here], Any]:
        minor, currency, known = form.units == "minor", form.currency, self._defaults.currency
        if currency is None:
            if known is None:
                self._flaw(path, "its currency is said nowhere: say currency", None)
            return lambda amount, here: values.money(amount, known, point, minor=minor)
        code = self.value(currency, Target(TEXT), (*path, "currency"), "currency")
        return lambda amount, here: values.money(amount, code(here) or known, point, minor=minor)

    def _constant(self, form: Value, make: Callable[[Any, Here], Any], path: Path, field: str) -> Make:
        value = plain(form.is_)
        if form.currency is not None and form.currency.from_:
            return _reported(field, lambda here: value, make, form)
        try:
            told = make(value, Here(None))
        except BadValueError as error:
            self._flaw(path, f"{field} {error}", None)
            return lambda here: None
        return lambda here: told


def _reported(field: str, read: Make, make: Callable[[Any, Here], Any], form: Value) -> Make:
    default = plain(form.default)

    def made(here: Here) -> Any:
        try:
            value = read(here)
            if value is None:
                return default if default is None else make(default, here)
            return make(value, here)
        except (BadValueError, ExpressionError) as error:
            raise UnmappedError(field, str(error)) from None

    return made


def is_met(condition: Make, here: Here, field: str) -> bool:
    """Where something that it asks is not known, it is not."""
    found = evaluated(condition, here, field)
    if found is not None and not isinstance(found, bool):
        raise UnmappedError(field, "when is neither true nor false")
    return bool(found)


def evaluated(read: Make, here: Here, field: str) -> Any:
    """What an expression gives. Raises ``UnmappedError``."""
    try:
        return read(here)
    except ExpressionError as error:
        raise UnmappedError(field, str(error)) from None


def _looked_up(table: Mapping[str, Any], value: Any, default: Any) -> Any:
    found = table.get(values.text(value), default)
    if found is None:
        raise BadValueError("stands in no line of its table")
    return plain(found)


def plain(value: Any) -> Any:
    """A constant of YAML as JSON has it."""
    match value:
        case date():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() and abs(value) < 2**53 else float(value)
        case list():
            return [plain(one) for one in value]
        case dict():
            return {str(name): plain(one) for name, one in value.items()}
    return value


def _unfit(kind: Kind, target: Target, wanted: Kinds | None) -> str | None:
    """Why a value of this kind can never be what is wanted; None where it may."""
    if kind is ANY:
        return None
    if kind is NOTHING:
        return "which is never told"
    if wanted is not None or target.is_money:
        if not isinstance(kind, Plain):
            return f"and must be {'money' if wanted is None else wanted}"
        if kind is TRUTH and wanted not in ("truth", "text"):
            return f"and must be {wanted or 'money'}"
        return None
    if isinstance(target.kind, Many):
        return None if isinstance(kind, Many) else "and must be a list"
    if isinstance(target.kind, Table):
        return None if isinstance(kind, Table) else "and must have fields: write fields"
    return None
