"""What a condition can see is written down as it is."""

import re
from pathlib import Path

from services.followup.domain.conditions.functions import FUNCTIONS
from services.followup.domain.conditions.kinds import Kind, Many, Table
from services.followup.domain.conditions.views import VARIABLES

PAGE = (Path(__file__).parents[2] / "docs/how-to/conditions.md").read_text(encoding="utf-8")


def fields(kind: Kind) -> set[str]:
    """The names of all fields, at every depth."""
    if isinstance(kind, Many):
        return fields(kind.of) | (fields(kind.table) if kind.table is not None else set())
    if isinstance(kind, Table):
        return set(kind.fields).union(*(fields(field.kind) for field in kind.fields.values()))
    return set()


def test_every_variable_and_field_is_told() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, flags=re.MULTILINE))
    assert rows.keys() >= {*VARIABLES, "trigger"}
    for name, variable in VARIABLES.items():
        missing = fields(variable.kind) - set(re.findall(r"`(\w+)`", rows[name]))
        assert missing == set(), name


def test_every_function_is_told() -> None:
    assert {name for name in FUNCTIONS if f"{name}(" not in PAGE} == set()
