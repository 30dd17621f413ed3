"""What a condition can see is written down as it is."""

import re
from pathlib import Path

from services.followup.domain.conditions.views import KEPT_FOR, VARIABLES
from shared.expressions.functions import FUNCTIONS
from shared.expressions.kinds import Kind, Many, Table

PAGE = (Path(__file__).parents[2] / "docs/how-to/conditions.md").read_text(encoding="utf-8")


def tables_of(kind: Kind) -> list[Table]:
    """All tables in it, at every depth."""
    if isinstance(kind, Many):
        return tables_of(kind.of) + (tables_of(kind.table) if kind.table is not None else [])
    if isinstance(kind, Table):
        return [kind, *(table for field in kind.fields.values() for table in tables_of(field.kind))]
    return []


def fields(kind: Kind) -> set[str]:
    return {name for table in tables_of(kind) for name in table.fields}


def test_every_variable_and_field_is_told() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, flags=re.MULTILINE))
    assert rows.keys() >= {*VARIABLES, "trigger"}
    for name, variable in VARIABLES.items():
        missing = fields(variable.kind) - set(re.findall(r"`(\w+)`", rows[name]))
        assert missing == set(), name


def test_every_function_is_told() -> None:
    assert {name for name in FUNCTIONS if f"{name}(" not in PAGE} == set()


def test_what_is_kept_is_said_of_each_field() -> None:
    """A name in ``KEPT_FOR`` that no expression can use would keep nothing."""
    tables = {table.name: table for variable in VARIABLES.values() for table in tables_of(variable.kind)}
    for name in KEPT_FOR:
        table, _, field = name.partition(".")
        assert field in tables[table].fields if field else table in VARIABLES, name
    whole = {"loyalty", "feedback", "all purchases", "all subscriptions", "all products", "all interactions"}
    assert {f"{name}.{field}" for name in whole for field in tables[name].fields} - KEPT_FOR.keys() == set()
