"""What the READMEs say of codes, KPIs and collections is what the code declares."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from shared.domain import Collection, ErrorCode
from shared.schemas.services import SERVICES

ROOT = Path(__file__).parents[2]

each_service = pytest.mark.parametrize("name", SERVICES)


def test_tables_are_those_of_the_code() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "readme.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, ""), "run `.venv/bin/python tools/readme.py`"


@each_service
def test_every_code_is_listed_once_and_its_sentence_is_whole(name: str) -> None:
    errors = import_module(f"services.{name}.errors")
    declared = {value for value in vars(errors).values() if isinstance(value, ErrorCode)}
    assert declared == set(errors.CODES)
    assert len({code.code for code in errors.CODES}) == len(errors.CODES)
    for code in errors.CODES:
        assert 400 <= code.status < 500
        assert re.fullmatch(r"[A-Z{].*\.|\{detail\}", code.sentence), code


@each_service
def test_every_collection_says_what_it_holds_of_whom(name: str) -> None:
    collections = import_module(f"services.{name}.domain.rows").COLLECTIONS
    readme = (ROOT / "services" / name / "README.md").read_text(encoding="utf-8")
    section = readme.partition("\n## Collections\n")[2].partition("\n## ")[0]
    for collection in collections:
        assert isinstance(collection, Collection)
        assert f"`{collection.name}`" in section
        if collection.personal:
            assert collection.owner is not None, "what is personal is somebody's"
