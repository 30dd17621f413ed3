"""The documents' site: its pages are current, its examples work, and it is built strictly."""

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import yaml

from services.loyalty.config import DEFAULT, parse
from shared.schemas.feedback import ReviewPosted
from tools.diagrams import PICTURES, SCHEMES, diagrams, picture
from tools.reference import FOLDER, pages

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how-to"


def example(page: str, language: str) -> str:
    """The first block of a language on a how-to page."""
    text = (HOW_TO / page).read_text("utf-8")
    return text.partition(f"\n```{language}\n")[2].partition("\n```\n")[0]


def test_reference_pages_are_those_of_the_code() -> None:
    stale = [name for name, text in pages() if (FOLDER / name).read_text("utf-8") != text]
    assert stale == [], "run `.venv/bin/python -m tools.reference`"


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
    page = (tmp_path / "site" / "docs" / "index.html").read_text("utf-8")
    assert "Start in five minutes" in page
    assert re.findall(r'<(?:script|img|link)[^>]*"https?:', page) == [], (
        "a page fetches nothing from elsewhere"
    )
