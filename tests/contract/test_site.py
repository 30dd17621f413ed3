"""The documents' site: its pages are current, its examples work, and it is built strictly."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import yaml

from services.loyalty.config import DEFAULT, parse
from shared.schemas.feedback import ReviewPosted
from shared.schemas.services import SERVICES
from tools.diagrams import PICTURES, SCHEMES, diagrams, picture
from tools.log_page import DO
from tools.reference import FOLDER, codes_page, pages, settings_page, shared_codes
from tools.said import log_lines

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how-to"


def example(page: str, language: str) -> str:
    """The first block of a language on a how-to page."""
    text = (HOW_TO / page).read_text("utf-8")
    return text.partition(f"\n```{language}\n")[2].partition("\n```\n")[0]


def test_every_decision_is_listed_by_its_number() -> None:
    decisions = ROOT / "docs" / "adr"
    listed = re.findall(
        r"^\| \[\d{4}\]\((\S+)\) \| .+ \|$", (decisions / "README.md").read_text("utf-8"), re.M
    )
    assert listed == sorted(file.name for file in decisions.glob("0*.md"))


def test_reference_pages_are_those_of_the_code() -> None:
    stale = [name for name, text in pages() if (FOLDER / name).read_text("utf-8") != text]
    assert stale == [], "run `.venv/bin/python -m tools.reference`"


def test_each_line_that_warns_says_what_to_do_and_none_is_remembered_that_is_gone() -> None:
    lines = [
        line
        for folder in ("shared", *(f"services/{name}" for name in SERVICES))
        for line in log_lines(folder)
    ]
    assert {"partitions assigned", "admin_action"} <= {line.text for line in lines}
    assert {line.text for line in lines if line.level != "info"} == set(DO)


def test_the_codes_that_every_api_has_are_told() -> None:
    told = {code.code: code for code in shared_codes()}
    wanted = ("unauthenticated", "issuer_unavailable", "request_timeout", "idempotency_mismatch")
    assert {*wanted, "too_large", "rate_limited", "method_not_allowed"} <= set(told)
    assert [code for code, one in told.items() if not one.sentence] == []
    assert re.findall(r"^\| `\w+` \| \d+ \|  \|$", codes_page(), re.M) == []


def test_each_setting_has_a_meaning_and_a_default_as_it_is_written() -> None:
    page = settings_page()
    assert re.findall(r"^\| `(\w+)` .*\|  \|$", page, re.M) == []
    assert "`complaints@*=other/normal`" in page


def test_each_diagram_has_its_pictures_and_no_other_is_kept() -> None:
    wanted = {picture(diagram, scheme) for diagram in diagrams() for scheme in SCHEMES}
    assert {path.name for path in PICTURES.iterdir()} == wanted, "run `python -m tools.diagrams MERMAID_JS`"


def test_the_kpi_of_the_example_counts_what_it_says() -> None:
    module = ModuleType("reviews")
    exec(example("kpi.md", "python"), module.__dict__)
    good, bad = (ReviewPosted(sku="tea", rating=rating) for rating in (4, 3))
    assert (module.REVIEWS.count(good), module.REVIEWS.count(bad)) == ({module.GOOD: 1}, {module.REST: 1})
    assert module.GOOD_REVIEWS.counts == (module.REVIEWS,)


def test_the_program_of_the_example_is_one() -> None:
    draft = yaml.safe_load(DEFAULT.read_text("utf-8")) | yaml.safe_load(example("program.md", "yaml"))
    draft |= {"birthday": {"points": 50}}
    program = parse(yaml.safe_dump(draft)).at(0)
    assert [tier.name for tier in program.tiers] == ["bronze", "silver"]


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-c", "docs/site",
         "-d", tmp_path / "doctrees", ".", tmp_path / "site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    for schema in (ROOT / "docs" / "schemas").glob("*.json"):
        told = json.loads(schema.read_text("utf-8"))
        there = json.loads((tmp_path / "site" / told["$id"].lstrip("/")).read_text("utf-8"))
        assert there == told
    assert (tmp_path / "site" / "asyncapi.json").is_file()
    assert {path.name for path in (tmp_path / "site" / "openapi").iterdir()} == {
        f"{service}.json" for service in SERVICES
    }
    page = (tmp_path / "site" / "docs" / "index.html").read_text("utf-8")
    assert "Start in five minutes" in page
    assert re.findall(r'<(?:script|img|link)[^>]*"https?:', page) == [], (
        "a page fetches nothing from elsewhere"
    )
