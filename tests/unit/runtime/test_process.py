"""The Faust App as we run it keeps nothing on disk: it starts on a read-only file system."""

import ast
from pathlib import Path

import pytest

from shared.process import App

ROOT = Path(__file__).parents[3]


def test_the_app_makes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    App("rapport-x-host", broker="kafka://127.0.0.1:1", store="memory://")._create_directories()
    assert list(tmp_path.iterdir()) == []


def test_no_service_asks_for_a_temporary_folder() -> None:
    """Where the root is read-only there is none, and asking is an error."""
    asking = []
    for folder in ("shared", "services"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_bytes())):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                if "tempfile" in names or (isinstance(node, ast.ImportFrom) and node.module == "tempfile"):
                    asking.append(str(file.relative_to(ROOT)))
    assert asking == []
