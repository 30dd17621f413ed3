"""What schemathesis is configured by: the same few cases at each run, or as many others as are asked for."""

import re
from collections.abc import Mapping
from pathlib import Path

KEPT = Path(__file__).parent / "schemathesis.toml"
EXAMPLES = "DESCRIBED_EXAMPLES"
"""Examples an operation, of a seed that is new at each run."""


def text(environ: Mapping[str, str], seed: int) -> str:
    """The configuration."""
    kept = KEPT.read_text("utf-8")
    if not (examples := environ.get(EXAMPLES)):
        return kept
    told = {"seed": seed, "max-examples": int(examples), "deterministic": "false"}
    for name, value in told.items():
        kept = re.sub(rf"^{name} = .+$", f"{name} = {value}", kept, flags=re.M)
    return kept
