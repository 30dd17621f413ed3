"""The site of the documents: ``make site`` builds it, strictly.

Its source folder is the repository itself, so a link between documents works on the site as it does in the
files. Nothing is fetched when a page is read: fonts are the reader's own, diagrams are pictures.
"""

import re
import shutil
import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tools.diagrams import DIAGRAM, SCHEMES, picture  # noqa: E402 - found by the line above

project = "Rapport"
author = "the authors of Rapport"
project_copyright = author
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "services/*/README.md",
    "deploy/*.md",
    "deploy/**/*.md",
    "shared/GLOSSARY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
exclude_patterns = ["docs/site/**"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "Rapport"
html_copy_source = False
html_show_sphinx = False
html_static_path: list[str] = []
SERVED = {"docs/schemas": "schemas", "docs/openapi": "openapi", "docs/asyncapi.json": "asyncapi.json"}
"""What is for programs, and where it is on the site: a schema at its `$id`."""

FOLDER = re.compile(r"\[([^\]]*)\]\(((?!https?:)[^)#\s]*/)\)")


def _diagram(page: Path, diagram: str) -> str:
    folder = "../" * (len(page.relative_to(ROOT).parts) - 1) + "docs/pictures/"
    return "\n".join(
        f"```{{image}} {folder}{picture(diagram, scheme)}\n:class: only-{scheme}\n```\n" for scheme in SCHEMES
    )


def _folder(page: Path, text: str, folder: str) -> str:
    for name in ("README.md", "index.md"):
        if (page.parent / folder / name).is_file():
            return f"[{text}]({folder}{name})"
    return text


def prepared(app: Sphinx, name: str, source: list[str]) -> None:
    """What the forge that shows the files does by itself: diagrams are drawn, a folder is its README."""
    page = Path(app.env.doc2path(name))
    text = DIAGRAM.sub(lambda found: _diagram(page, found[1]), source[0])
    source[0] = FOLDER.sub(lambda found: _folder(page, found[1], found[2]), text)


def served(app: Sphinx, exception: Exception | None) -> None:
    """The JSON documents, copied beside the pages."""
    for source, target in SERVED.items() if exception is None else ():
        if (path := ROOT / source).is_dir():
            shutil.copytree(path, app.outdir / target, dirs_exist_ok=True)
        else:
            shutil.copy(path, app.outdir / target)


def setup(app: Sphinx) -> None:
    app.connect("source-read", prepared)
    app.connect("build-finished", served)
