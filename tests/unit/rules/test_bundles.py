"""What ``rapport rules check`` says of rules that go in one e-mail."""

from pathlib import Path

from rich.console import Console

from rapport.rules.draft import load_draft
from rapport.rules.outline import outline

FILE = """
name: own
sender: {name: Store, address: hello@store.example}
bundle_within: 6h
templates:
  plain: {purpose: marketing}
  thank-you: {purpose: marketing}
rules:
  - {name: a, triggers: [purchase.made], delay: 0s, template: plain, bundle: true}
  - {name: b, triggers: [purchase.made], delay: 0s, template: thank-you, bundle: true}
"""


def test_what_goes_together_and_what_cannot(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(FILE)
    for part in ("subject.txt", "txt", "html"):
        (tmp_path / f"plain.{part}").write_text("Hello")
    console = Console(width=120, record=True, force_terminal=False)
    console.print(*outline(load_draft(tmp_path / "rules.yaml", templates=tmp_path)))
    told = " ".join(console.export_text().split())
    assert "one e-mail what is due within 6h of a, b" in told
    assert "a bundles, but plain has no block body: it goes by itself." in told
    assert "b bundles" not in told
