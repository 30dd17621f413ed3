"""Writes the dashboards, the rules of what is promised, the chart's parts and the store's users:
``python -m deploy.generate [--check]``.

With ``--check`` nothing is written: it names the files that are stale, and exits 1.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.boards import boards
from deploy.grafana.figures import build
from deploy.helm import files, served
from deploy.helm.schema import values_schema
from deploy.mongo.users import script
from deploy.prometheus.objectives import document

HERE = Path(__file__).parent
DASHBOARDS = HERE / "grafana" / "dashboards"
USERS = HERE / "mongo" / "users.js"
OBJECTIVES = HERE / "prometheus" / "objectives.yaml"
RULES = HERE / "prometheus" / "rules.yaml"
SCHEMA = files.CHART_FOLDER / "values.schema.json"
HEAD = "# Written by `python -m deploy.generate` from objectives.py; tests: objectives.test.yaml.\n\n"


class _Dumper(yaml.SafeDumper):
    """Long texts as they read."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def generated() -> Mapping[Path, str]:
    """Each file that is made, and what it is to say."""
    made = {
        DASHBOARDS / f"{board.uid.removeprefix('rapport-')}.json": json.dumps(
            build(board), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False
        )
        + "\n"
        for board in boards()
    }
    rules = yaml.dump(document(), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
    promised = HEAD + rules
    chart = files.generated(
        {"rules": RULES.read_text(encoding="utf-8"), "objectives": promised},
        {path.stem: text for path, text in made.items()},
        served.paths(),
    )
    schema = json.dumps(values_schema(), indent=2) + "\n"
    return made | chart | {OBJECTIVES: promised, SCHEMA: schema, USERS: script()}


def stale() -> list[Path]:
    """Those that say something else, are missing, or are nobody's."""
    wanted = generated()
    kept = [*DASHBOARDS.glob("*.json"), *files.FILES.rglob("*.*"), OBJECTIVES, SCHEMA, USERS]
    found = {path: path.read_text(encoding="utf-8") for path in kept if path.is_file()}
    return sorted(path for path in {*wanted, *found} if wanted.get(path) != found.get(path))


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    wanted = generated()
    changed = stale()
    for path in changed:
        print(path.relative_to(HERE.parent))
        if "--check" in arguments:
            continue
        if path in wanted:
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(wanted[path], encoding="utf-8", newline="\n")
        else:
            path.unlink()
    return 1 if changed and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
