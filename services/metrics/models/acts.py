"""What the API takes and answers where a theme was acted upon."""

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from services.metrics.domain.acts import Act
from shared.schemas.base import Frozen, Strict
from shared.schemas.times import moment

LONGEST = 1_000


class ActBody(Strict):
    """What was done."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST)]
    """What is different now, in words for the customers who had spoken of it."""


class ActPlaced(Frozen):
    """It is taken: those who had spoken of the theme are told from now on."""

    act_id: str
    theme: str
    text: str
    at: datetime
    """Who had spoken of it before this is told."""


class ActShown(ActPlaced):
    """How far it is told."""

    told: int
    """Customers to whom ``feedback.acted`` was told. Whether they get a message says followup."""
    done: bool
    """All are."""


def shown(act: Act) -> ActShown:
    return ActShown(
        act_id=act.id, theme=act.theme, text=act.text, at=moment(act.at), told=act.told, done=act.done
    )
