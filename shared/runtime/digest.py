"""What tells a command from another under the same id: API and worker must agree, so it is here."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest(subject: str, type: str, data: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of the canonical JSON of what is asked for.

    ``data`` is ``model_dump(mode="json")``. A field that is null is left out: saying nothing and saying
    null ask for the same, and a new version may add an optional field.
    """
    asked = [subject, type, {name: value for name, value in data.items() if value is not None}]
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
