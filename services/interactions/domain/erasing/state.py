"""What is known of an erasure: how far it has come, and nothing of whose it is."""

from collections.abc import Mapping
from typing import Any

from shared.schemas.base import Open

MAX_ENTRIES = 300
"""Beyond that a service that was done before is not noted again."""


class Erasure(Open):
    """The state: one document an erased id."""

    erasure: str
    """The keyed hash of the id."""
    entries: tuple[Mapping[str, Any], ...] = ()
    """See ``shared.facts.certificate.Entry``."""


def initial(state_id: str) -> Erasure:
    """One never heard of, from ``erasure/<hash>``."""
    return Erasure(erasure=state_id.partition("/")[2])
