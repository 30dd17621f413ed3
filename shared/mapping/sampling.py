"""What kinds of values a source's records hold, seen from some of them: so that an expression that names what
is not there is found before the first record is read."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from shared.expressions.kinds import ANY, FRACTION, TEXT, TRUTH, WHOLE, Field, Kind, Many, Table

ROW = "row"


def seen(records: Sequence[Any], name: str = ROW) -> Kind:
    """The kind of all these values, as JSON has them; ``name`` is for what is said of it."""
    told = [one for one in records if one is not None]
    types = {type(one) for one in told}
    if types == {dict}:
        names = dict.fromkeys(key for one in told for key in one)
        inside = {key: seen([one.get(key) for one in told], f"{name}.{key}") for key in names}
        return Table(name, {key: Field(kind, _reading(key, kind)) for key, kind in inside.items()})
    if types == {list}:
        return Many(seen([each for one in told for each in one], f"{name}[]"))
    if types == {bool}:
        return TRUTH
    if types and types <= {int, float}:
        return FRACTION if float in types else WHOLE
    return TEXT if types == {str} else ANY


def texts(names: Iterable[str]) -> Table:
    """The kind of records whose fields are all text."""
    return Table(ROW, {name: Field(TEXT, _reading(name, TEXT)) for name in names})


def _reading(name: str, kind: Kind) -> Callable[[Any], Any]:
    """Reads a field off a record that may look different from those that were seen: what has not the form is
    not known."""
    form: type | None = {Table: dict, Many: list}.get(type(kind))
    if form is not None:
        wanted = form

        def inside(of: Any) -> Any:
            value = of.get(name) if isinstance(of, dict) else None
            return value if isinstance(value, wanted) else None

        return inside
    if kind is FRACTION:

        def fraction(of: Any) -> Any:
            value = of.get(name) if isinstance(of, dict) else None
            return float(value) if type(value) is int else value

        return fraction
    return lambda of: of.get(name) if isinstance(of, dict) else None
