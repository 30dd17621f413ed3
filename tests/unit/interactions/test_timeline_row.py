"""A row of the timeline shows an event's other attributes, and costs nothing where there are none."""

from datetime import UTC, datetime
from typing import Any

from services.interactions.domain.timeline import timeline_row
from services.interactions.models.timeline import timeline_item
from shared.schemas.customers import CustomerErased
from shared.schemas.event import Event
from shared.schemas.times import micros

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def row(**extensions: Any) -> Any:
    event = Event("e", "/shop", "c", NOW, CustomerErased(), extensions=extensions)
    return timeline_row(event, micros(NOW), None)


def test_the_extensions_are_shown() -> None:
    assert timeline_item(row(region="Köln", sequence=7)).extensions == {"region": "Köln", "sequence": 7}


def test_without_any_the_row_is_as_it_was() -> None:
    assert "extensions" not in row().document()
    assert timeline_item(row()).extensions == {}
