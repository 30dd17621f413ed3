"""docs/how-to/journeys.md says what the rules file takes."""

import re
from pathlib import Path

import yaml

from services.followup.config import parse_versions

from .driver import HEAD, written

PAGE = (Path(__file__).parents[3] / "docs/how-to/journeys.md").read_text(encoding="utf-8")


def test_every_trigger_of_the_page_is_one() -> None:
    rows = re.findall(r"^\| (`\{.*`) \|", PAGE, flags=re.MULTILINE)
    triggers = [one for row in rows for one in re.findall(r"`(\{[^`]+)`", row)]
    assert len(triggers) == 9
    for trigger in triggers:
        written(f"$HEAD\nrules:\n  - {{name: one, triggers: [{trigger}], template: welcome}}")


def test_the_rule_of_the_page_is_one() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    rule = yaml.safe_load(block.replace("thanks", "win-back").replace("help", "news"))
    text = yaml.safe_dump({**yaml.safe_load(HEAD), "rules": [{"name": "one", **rule}]})
    (rules,) = parse_versions(text)
    assert rules.rules[0].templates == ("welcome", "win-back", "news")
