"""Short recordings and rules for trying drafts; days count from Monday, 2026-03-02, noon."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from rapport.rules.draft import Draft, load_draft
from rapport.simulate.memory import Arrival
from shared.schemas.base import Data
from shared.schemas.event import Event
from tests.unit.followup.driver import NOON, RULES, granted, profile, purchase


def told(at: float, data: Data, customer: str = "c-1") -> Arrival:
    """Its id is made of time, customer and type."""
    time = NOON + timedelta(days=at)
    return time, Event(f"{at}-{customer}-{data.event_type}", "/till", customer, time, data)


def joined(customer: str = "c-1", *, consent: bool = True, at: float = 0) -> list[Arrival]:
    """A customer whose address is known, and who allows marketing or not."""
    found = [told(at, profile(email=f"{customer}@example.org"), customer)]
    return [*found, told(at, granted(), customer)] if consent else found


def bought(at: float, customer: str = "c-1") -> Arrival:
    return told(at, purchase(f"o-{at}"), customer)


def rules_text(**changes: Any) -> str:
    """The shipped rules with these fields changed, as YAML; None takes one out."""
    found = yaml.safe_load((RULES / "retail.yaml").read_text())
    return yaml.safe_dump({name: value for name, value in (found | changes).items() if value is not None})


def only(*names: str, **changes: Any) -> list[dict[str, Any]]:
    """These of the shipped rules, with changes to each."""
    found = yaml.safe_load((RULES / "retail.yaml").read_text())["rules"]
    return [rule | changes for rule in found if rule["name"] in names]


def draft(folder: Path, **changes: Any) -> Draft:
    """The shipped rules as a file, with these fields changed."""
    file = folder / f"draft-{len(list(folder.iterdir()))}.yaml"
    file.write_text(rules_text(**changes))
    return load_draft(file)


def write(file: Path, arrivals: list[Arrival]) -> Path:
    """As JSON lines."""
    lines = []
    for _, event in arrivals:
        assert event is not None
        lines.append(
            json.dumps(
                {
                    "specversion": "1.0",
                    "id": event.id,
                    "source": event.source,
                    "type": event.data.event_type,
                    "subject": event.subject,
                    "time": event.time.isoformat(),
                    "data": event.data.model_dump(mode="json", by_alias=True, exclude_unset=True),
                }
            )
        )
    file.write_text("\n".join(lines))
    return file
