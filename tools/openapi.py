"""Writes the OpenAPI documents of the four APIs: ``python -m tools.openapi [--check]``.

They stand in docs/openapi. With ``--check`` nothing is written: it names those that are stale and exits 1.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from services.followup.api import create_app as followup
from services.followup.channels.registry import load_channels
from services.followup.config import load_policy
from services.followup.settings import FollowupSettings
from services.interactions.api import create_app as interactions
from services.interactions.settings import InteractionsSettings
from services.loyalty.api import create_app as loyalty
from services.loyalty.settings import LoyaltySettings
from services.metrics.api import create_app as metrics
from services.metrics.settings import MetricsSettings
from tools.made import keep

FOLDER = Path(__file__).parents[1] / "docs" / "openapi"
NOBODY: dict[str, Any] = {
    "kafka": "nowhere:1",
    "mongo": "mongodb://nowhere",
    "secret_key": "0" * 16,
    "api_key": "a-key-of-nobody",
    "followup_url": "http://nowhere",
}
"""Settings of an app that is never started."""


def apps() -> dict[str, FastAPI]:
    """The four, unstarted."""
    follow = FollowupSettings(**NOBODY)
    return {
        "interactions": interactions(InteractionsSettings(**NOBODY)),
        "loyalty": loyalty(LoyaltySettings(**NOBODY)),
        "followup": followup(follow, load_policy(follow, load_channels())),
        "metrics": metrics(MetricsSettings(**NOBODY)),
    }


def documents() -> dict[str, str]:
    """File name -> text; the same at every call."""
    return {
        f"{name}.json": json.dumps(app.openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        for name, app in apps().items()
    }


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    return keep(FOLDER, documents().items(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
