"""What an agent may give a template to show."""

import re
from collections.abc import Mapping

from services.followup.domain.state import Variable

MAX_VARIABLES = 50
MAX_VARIABLE_CHARS = 5_000
RESERVED = frozenset(
    {"customer", "points_link", "preferences_url", "sender", "survey_link", "unsubscribe_url"}
)


class VariableFaultError(ValueError):
    """A variable that a template cannot be given. The text says why, without a stop; ``field`` which."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


def checked(variables: Mapping[str, object]) -> dict[str, Variable]:
    """The variables, if all are good. Raises ``VariableFaultError`` about the first that is not."""
    if len(variables) > MAX_VARIABLES:
        raise VariableFaultError("variables", f"there are more than {MAX_VARIABLES}")
    good: dict[str, Variable] = {}
    for name, value in variables.items():
        shown = name[:64]
        field = f"variables.{shown}"
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name) or name in RESERVED:
            raise VariableFaultError(field, f"{shown!r} is no name for a variable")
        if value is not None and not isinstance(value, str | int | float | bool):
            raise VariableFaultError(field, f"{shown} is no text, number or truth value")
        if len(str(value)) > MAX_VARIABLE_CHARS or (isinstance(value, int) and abs(value) >= 2**63):
            raise VariableFaultError(field, f"{shown} is too long")
        good[name] = value
    return good
