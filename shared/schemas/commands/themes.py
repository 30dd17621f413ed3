"""What is asked of metrics. Keyed by the theme."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.schemas.commands import Command
from shared.schemas.insights import THEME


class ThemeActRequested(Command):
    """Something was changed because customers spoke of it: tell those who did."""

    event_type: ClassVar[str] = "rapport.metrics.theme_act.requested.v1"
    entity: ClassVar[str] = THEME

    text: Annotated[str, Field(min_length=1)]
    """What is different now, in words for the customers."""

    def state_id(self, subject: str) -> str:
        return f"{THEME}/{subject}"
