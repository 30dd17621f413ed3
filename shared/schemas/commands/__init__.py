"""What an API asks its worker to do. Internal: only the owning service turns one into a fact."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.schemas.base import Data

Text = Annotated[str, Field(min_length=1)]
"""In somebody's words, and not empty."""


class Command(Data):
    """Common to the topic ``commands``."""

    topic: ClassVar[str] = "commands"
