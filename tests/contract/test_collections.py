"""Every collection that a service reads or writes is declared, with whose its rows are and what of them is
personal: export and erasure go by nothing else."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.followup.domain.rows import COLLECTIONS as FOLLOWUP
from services.interactions.domain.rows import COLLECTIONS as INTERACTIONS
from services.loyalty.domain.rows import COLLECTIONS as LOYALTY
from services.metrics.domain.rows import COLLECTIONS as METRICS
from shared.domain import Collection
from shared.journal.store import COLLECTIONS as JOURNAL
from shared.merging.rows import MERGED

ROOT = Path(__file__).parents[2]
SERVICES = {
    "followup": (*JOURNAL, *FOLLOWUP),
    "interactions": (*JOURNAL, *INTERACTIONS),
    "loyalty": (*JOURNAL, *LOYALTY),
    "metrics": METRICS,
}
"""What each worker makes in its database."""
DATABASES = {"db", "_db", "database", "_database"}
ROWS = {"Append", "Put", "Increment"}


def used(text: str) -> Iterator[tuple[int, ast.expr]]:
    """The line and the name of each collection that a module takes of a database, or writes rows to."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Subscript) and named(node.value) in DATABASES:
            yield node.lineno, node.slice
        elif isinstance(node, ast.Call) and named(node.func) in ROWS and node.args:
            yield node.lineno, node.args[0]


def named(node: ast.expr) -> str | None:
    """``name`` and ``anything.name``."""
    return getattr(node, "id", None) or getattr(node, "attr", None)


def names(path: Path) -> Iterator[tuple[str, str]]:
    """Where, and the collection's name; not of those that are given to a function, whose callers are seen."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for line, node in used(path.read_text()):
        where = f"{path.relative_to(ROOT)}:{line}"
        if isinstance(node, ast.Constant):
            yield where, str(node.value)
        elif isinstance(node, ast.Name) and node.id.isupper():
            yield where, getattr(importlib.import_module(module), node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            of = getattr(importlib.import_module(module), node.value.id, None)
            if isinstance(of, Collection):
                yield where, of.name


def undeclared(paths: Iterator[Path], declared: set[str]) -> list[str]:
    return [f"{where} {name}" for path in paths for where, name in names(path) if name not in declared]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_uses_no_collection_that_it_does_not_declare(service: str) -> None:
    declared = {collection.name for collection in SERVICES[service]}
    found = [name for path in (ROOT / "services" / service).rglob("*.py") for name in names(path)]
    assert len(found) > 5
    assert undeclared((ROOT / "services" / service).rglob("*.py"), declared) == []


def test_what_services_share_uses_none_but_the_journals_own_and_the_merged_ids() -> None:
    declared = {collection.name for collection in (*JOURNAL, MERGED)}
    assert undeclared((ROOT / "shared").rglob("*.py"), declared) == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_collection_is_declared_once_and_nothing_personal_is_without_an_owner(service: str) -> None:
    collections = [collection.name for collection in SERVICES[service]]
    assert sorted(collections) == sorted(set(collections))
    # A row that says something of a person must be found by whose it is, or it could not be erased.
    assert [c.name for c in SERVICES[service] if c.personal and c.owner is None] == []


def test_the_check_sees_what_is_not_declared() -> None:
    lines = ('rows = self._database["diary"]', 'Put("letters", {})', "Append(ROWS, {})", "list[0]")
    found = [ast.unparse(node) for _, node in used("\n".join(lines))]
    assert found == ["'diary'", "'letters'", "ROWS"]
