"""What the rules file may say of topics: what customers choose among in the preference centre."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from shared.schemas.base import Strict
from shared.schemas.fields import Label


def _of_all(value: Any) -> Any:
    return {"en": value} if isinstance(value, str) else value


Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Words = Annotated[Mapping[Language, Label], Field(min_length=1), BeforeValidator(_of_all)]
"""By language; a text alone is for all."""


class Topic(Strict):
    """What messages may be about, by the name that consents have."""

    name: Label
    label: Words
    """What customers read."""

    def words(self, language: str) -> str:
        """In that language, else in English, else as it is."""
        return self.label.get(language) or self.label.get("en") or next(iter(self.label.values()))
