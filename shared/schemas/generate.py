"""Writes what others read of the schemas: ``python -m shared.schemas.generate [--check]``.

``docs/schemas/<type>.json`` (JSON Schema of each type's data), ``docs/asyncapi.json`` and
``docs/events.md``. With ``--check`` nothing is written: it names the stale files and exits 1.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.schemas.asyncapi import asyncapi
from shared.schemas.base import Data
from shared.schemas.export import FORMAT, Export
from shared.schemas.reference import events_page
from shared.schemas.topics import TYPES

DOCS = Path(__file__).parents[2] / "docs"


def json_schema(cls: type[Data]) -> dict[str, Any]:
    """The JSON Schema (Draft 2020-12) of one type's data."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        # The path below wherever docs/ is published: whoever holds a copy finds the others beside it.
        "$id": f"/schemas/{cls.event_type}.json",
        **cls.model_json_schema(by_alias=True),
    }


def documents() -> dict[str, str]:
    """Path below docs/ -> text of every generated file; the same at every call."""
    schemas = {event_type: json_schema(cls) for event_type, cls in TYPES.items()}
    files = {f"schemas/{event_type}.json": _json(schema) for event_type, schema in schemas.items()}
    files[f"schemas/{FORMAT}.json"] = _json(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"/schemas/{FORMAT}.json",
            **Export.model_json_schema(),
        }
    )
    return files | {"asyncapi.json": _json(asyncapi()), "events.md": events_page(schemas)}


def stale(docs: Path) -> list[str]:
    """Names of the files below ``docs`` that are missing, differ, or are no type's schema any more."""
    wanted = documents()
    names = {f"schemas/{path.name}" for path in (docs / "schemas").glob("*.json")} - wanted.keys()
    for name, text in wanted.items():
        path = docs / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            names.add(name)
    return sorted(names)


def write(docs: Path) -> list[str]:
    """Brings the files below ``docs`` up to date and returns the names of those that changed."""
    wanted, changed = documents(), stale(docs)
    for name in changed:
        path = docs / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8", newline="\n")
        else:
            path.unlink()
    return changed


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m shared.schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder to write to (default: docs/)")
    options = parser.parse_args(arguments)
    names = stale(options.docs) if options.check else write(options.docs)
    for name in names:
        print(f"{'stale' if options.check else 'written'}: {options.docs / name}")
    return 1 if options.check and names else 0


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
