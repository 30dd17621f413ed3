"""Draws the documents' Mermaid diagrams: ``python -m tools.diagrams path/to/mermaid.min.js``.

The site shows them as pictures, so that no reader's browser fetches or runs a drawing library. A picture is
named by what it was drawn from: a diagram that changed has none until this is run again. The library comes
from npm (``npm install mermaid``), the browser is that of the browser tests.
"""

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
DOCUMENTS = ("README.md", "docs/**/*.md", "services/*/README.md")
DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SCHEMES = {"light": "neutral", "dark": "dark"}
"""Colour schemes, and Mermaid's theme for each."""
DRAW = """async ([text, theme]) => {
    mermaid.initialize({startOnLoad: false, theme, htmlLabels: false, flowchart: {htmlLabels: false},
                        deterministicIds: true, fontFamily: "system-ui, sans-serif"});
    return (await mermaid.render("diagram", text)).svg;
}"""


def picture(diagram: str, scheme: str) -> str:
    """The file name of a diagram's picture."""
    return f"{hashlib.sha256(diagram.encode()).hexdigest()[:12]}-{scheme}.svg"


def diagrams() -> Iterator[str]:
    """The source of each diagram in the documents."""
    for pattern in DOCUMENTS:
        for path in sorted(ROOT.glob(pattern)):
            yield from DIAGRAM.findall(path.read_text(encoding="utf-8"))


def draw(library: Path) -> None:
    """Writes each diagram's picture in both schemes, and takes away those of diagrams that are gone."""
    # Here, since the site is built without them.
    from playwright.sync_api import sync_playwright

    from tools.chromium import chromium

    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("*.svg"):
        old.unlink()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium()), args=["--no-sandbox"])
        for scheme, theme in SCHEMES.items():
            page = browser.new_page()
            page.add_script_tag(path=library)
            for diagram in diagrams():
                drawn = page.evaluate(DRAW, [diagram, theme])
                (PICTURES / picture(diagram, scheme)).write_text(drawn + "\n", encoding="utf-8", newline="\n")
        browser.close()


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
