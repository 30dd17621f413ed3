"""What tells a command from another under the same id: API and worker must agree, so it is here."""

import hashlib
import json

from shared.schemas.base import Data


def digest(subject: str, data: Data) -> str:
    """SHA-256, in hex, of the canonical JSON of what is asked for.

    A field that is null is left out: saying nothing and saying null ask for the same, and a new version may
    add an optional field. So is what only says who asks (``Data.caller``): their rights may be others when
    they ask again.
    """
    said = data.model_dump(mode="json", exclude=set(data.caller))
    asked = [subject, data.event_type, {name: value for name, value in said.items() if value is not None}]
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
