"""What interactions itself holds."""

import json

from services.interactions.domain.rows import COLLECTIONS, TIMELINE
from shared.http.held import Holding, state_read
from shared.journal.store import COLLECTIONS as JOURNALS
from shared.runtime.mongo import Document


def timeline_read(document: Document) -> Document:
    """A row of the timeline, which has what the source told as text."""
    texts = {name: json.loads(text) for name in ("data", "extensions") if (text := document.get(name))}
    return document | texts


HOLDING = Holding("interactions", (*JOURNALS, *COLLECTIONS), {"state": state_read, TIMELINE: timeline_read})
