"""The house as it stands, read off the tree: one skeleton for four services, files of a size (ADR 17)."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from shared.schemas.base import Data
from shared.schemas.services import SERVICES

ROOT = Path(__file__).parents[2]

REQUIRED = {
    "README.md", "__init__.py", "settings.py", "worker.py", "api.py", "store.py", "errors.py",
    "routes/__init__.py", "routes/dependencies.py", "models/__init__.py",
    "domain/__init__.py", "domain/apply.py", "domain/state.py", "domain/rows.py",
}  # fmt: skip
WHERE_NEEDED = {"config.py", "telemetry.py"}
OWN = {
    "interactions": {
        "accepting.py",
        "desk",
        "duplicate_store.py",
        "erasure_store.py",
        "export",
        "person_store.py",
        "hooks",
        "mail",
        "mappings",
        "policies",
        "remembered.py",
        "resolving.py",
        "team_store.py",
    },
    "loyalty": {"pages.py", "programs", "templates"},
    "followup": {
        "channels",
        "marketing",
        "pages.py",
        "returns",
        "rules",
        "sending",
        "templates",
        "sender.py",
        "sweep.py",
        "tokens.py",
    },
    "metrics": {
        "behind.py",
        "figures_store.py",
        "folds_store.py",
        "journal",
        "pages",
        "policies",
        "records_store.py",
        "report.py",
        "then.py",
    },
}
"""What a service has beyond the skeleton: a new name here is a decision."""
SUBJECTS = {
    "interactions": {
        "activity",
        "aliases",
        "complaints",
        "conversations",
        "desk",
        "duplicates",
        "erasing",
        "growth",
        "merging",
        "orders",
        "profile",
        "routing",
        "sla",
        "tasks",
    },
    "loyalty": {"account", "merging", "program", "reports"},
    "followup": {
        "conditions",
        "deliverability",
        "gate",
        "history",
        "journeys",
        "merging",
        "messages",
        "preferences",
        "results",
        "rules",
        "suggestions",
        "surveys",
    },
    "metrics": {"health", "kpis", "merging"},
}
"""The folders of each domain; a smaller subject is a module beside them."""
HEADINGS = ["Run", "Reads and writes", "Rules", "Routes", "Codes", "Collections", "Settings"]

CODE = ("deploy", "shared", "services", "rapport", "tests", "tools")
LINES = 300
WIRING_LINES = 45
SAY_NOTHING = {"common", "helper", "helpers", "misc", "util", "utils"}

each_service = pytest.mark.parametrize("name", SERVICES)


def code(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != "__pycache__"}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_every_service_is_here() -> None:
    assert OWN.keys() == SUBJECTS.keys() == set(SERVICES)
    assert {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")} == set(SERVICES)


@each_service
def test_a_service_has_what_every_service_has(name: str) -> None:
    assert [file for file in sorted(REQUIRED) if not (ROOT / "services" / name / file).is_file()] == []


@each_service
def test_a_service_has_nothing_that_is_not_listed(name: str) -> None:
    allowed = {file.partition("/")[0] for file in REQUIRED} | WHERE_NEEDED | OWN[name]
    assert entries(ROOT / "services" / name) - allowed == set()


@each_service
def test_routes_and_models_go_by_subject(name: str) -> None:
    service = ROOT / "services" / name
    assert entries(service / "routes") - {"__init__.py", "dependencies.py"}
    assert entries(service / "models") - {"__init__.py"}


@each_service
def test_the_domain_has_its_subjects(name: str) -> None:
    folders = {path.parent.name for path in (ROOT / "services" / name / "domain").glob("*/__init__.py")}
    assert folders == SUBJECTS[name]


@each_service
@pytest.mark.parametrize("file", ["worker.py", "api.py"])
def test_entry_points_are_wiring_alone(name: str, file: str) -> None:
    assert lines(ROOT / "services" / name / file) < WIRING_LINES


@each_service
def test_a_domain_has_one_door(name: str) -> None:
    """``apply``, and the types that it takes: ``CONSUMES``, or ``consumes`` of the rules where these say."""
    door = import_module(f"services.{name}.domain.apply")
    assert callable(door.apply)
    if hasattr(door, "CONSUMES"):
        assert all(issubclass(data, Data) for data in door.CONSUMES)
    else:
        assert callable(door.consumes)


@each_service
def test_readmes_have_the_same_headings(name: str) -> None:
    text = (ROOT / "services" / name / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    assert re.findall(r"^## (.*)$", text, flags=re.MULTILINE) == HEADINGS
    assert len(re.findall(r"^# ", text, flags=re.MULTILINE)) == 1


def test_files_are_of_a_size_to_be_read() -> None:
    long = {str(path.relative_to(ROOT)): lines(path) for path in code(*CODE) if lines(path) > LINES}
    assert long == {}


def test_names_say_what_is_inside() -> None:
    paths = [path.relative_to(ROOT) for path in code(*CODE)]
    assert [str(path) for path in paths if SAY_NOTHING & {path.stem, *path.parts}] == []


def test_every_module_says_what_it_is_for() -> None:
    modules = code("deploy", "shared", "services", "rapport")
    silent = [path for path in modules if ast.get_docstring(ast.parse(path.read_bytes())) is None]
    assert [str(path.relative_to(ROOT)) for path in silent] == []
