"""Writes tests/chart/crds/*.json, the JSON Schemas of what others' operators take, from these operators' Go
modules: ``python -m tools.crds``. Needs Go and the module proxy; the tests need only the files.

Strimzi's are written by hand (tests/chart/crds/README.md): it is no Go module.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / "tests" / "chart" / "crds"
KEDA = "github.com/kedacore/keda/v2@v2.21.0"
PROMETHEUS = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
GATEWAY = "sigs.k8s.io/gateway-api@v1.6.3"
EXTERNAL_SECRETS = "github.com/external-secrets/external-secrets@v1.3.2"
SOURCES = (
    (KEDA, "config/crd/bases/keda.sh_scaledobjects.yaml"),
    (PROMETHEUS, "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"),
    (PROMETHEUS, "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"),
    (GATEWAY, "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"),
    (EXTERNAL_SECRETS, "config/crds/bases/external-secrets.io_externalsecrets.yaml"),
)
"""Module and version, and the file in it that defines the resource. All are under Apache-2.0."""
DROPPED = {"description", "default", "nullable", "example"}


def strict(schema: Any) -> Any:
    """The same for a validator that knows JSON Schema: without words, closed where Kubernetes drops what it
    does not know, and with ``x-kubernetes-*`` as what it stands for."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    made: dict[str, Any] = {}
    for name, value in schema.items():
        if name.startswith("x-kubernetes-") or name in DROPPED:
            continue
        if name == "properties":
            made[name] = {field: strict(of) for field, of in value.items()}
        elif name == "format" and value in ("int32", "int64"):
            continue
        else:
            made[name] = strict(value)
    if schema.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
    if "properties" in made and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def schemas(definition: dict[str, Any], source: str) -> dict[str, dict[str, Any]]:
    """File name, as kubeconform looks for it, -> schema; one of each served version."""
    spec = definition["spec"]
    kind, group = spec["names"]["kind"], spec["group"]
    made = {}
    for version in spec["versions"]:
        if not version["served"]:
            continue
        schema = strict(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object", "required": ["name"]}
        schema["properties"].pop("status", None)
        name = f"{kind.lower()}-{group.partition('.')[0]}-{version['name']}.json"
        made[name] = {"$comment": f"Made by tools/crds.py of {source} (Apache-2.0).", **schema}
    return made


def main() -> int:
    """The command; returns its exit status."""
    for module, path in SOURCES:
        done = subprocess.run(["go", "mod", "download", "-json", module], capture_output=True, text=True)
        if done.returncode:
            print(f"go could not fetch {module}: {done.stdout}{done.stderr}", file=sys.stderr)
            return 1
        folder = Path(json.loads(done.stdout)["Dir"])
        definition = yaml.safe_load((folder / path).read_text(encoding="utf-8"))
        made = schemas(definition, f"{module}, {path}")
        newest = next(name for name in made if "v1" in name or len(made) == 1)
        (FOLDER / newest).write_text(json.dumps(made[newest], separators=(",", ":")) + "\n", encoding="utf-8")
        print(newest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
