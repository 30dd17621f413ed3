"""What each API serves: its paths, as its app has them."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import SecretStr

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


def paths() -> dict[str, list[str]]:
    """Service -> the paths that its app routes. Nothing connects."""
    told: dict[str, Any] = {
        "kafka": "-:9092",
        "mongo": "mongodb://-",
        "secret_key": SecretStr("-" * 16),
        "api_key": SecretStr("-" * 16),
    }
    outreach = FollowupSettings(**told)
    apps = {
        "interactions": interactions(InteractionsSettings(**told)),
        "loyalty": loyalty(LoyaltySettings(**told)),
        "followup": followup(outreach, load_policy(outreach, load_channels())),
        "metrics": metrics(MetricsSettings(**told)),
    }
    return {service: sorted(set(_paths(app.routes))) for service, app in apps.items()}


def _paths(routes: Sequence[Any]) -> Iterator[str]:
    """Of routes and, where a router was included, of its own."""
    for route in routes:
        if (router := getattr(route, "original_router", None)) is not None:
            yield from _paths(router.routes)
        elif path := getattr(route, "path", None):
            yield path
