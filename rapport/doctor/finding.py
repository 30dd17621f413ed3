"""What was looked at, how it is, and what to do."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "warn", "bad", "skipped"]
"""``warn`` works now; ``bad`` does not; ``skipped`` could not be looked at, or is not set."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``do`` is what to do, empty where there is nothing."""

    part: str
    """broker, topics, store, clocks, mail, certificates, tokens or services."""
    name: str
    """Of what was looked at, within its part."""
    state: State
    said: str
    do: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
