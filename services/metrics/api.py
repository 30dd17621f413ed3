"""Metrics' HTTP side: ``python -m services.metrics.api``."""

from fastapi import FastAPI

from services.metrics.config import load
from services.metrics.pages import live
from services.metrics.report import refresh
from services.metrics.routes import anomalies, compared, customers, held, kpis, lifecycle, pages, themes, why
from services.metrics.settings import MetricsSettings
from shared.http.app import create_api, run_api
from shared.http.dependencies import Producing
from shared.http.refreshing import refreshing
from shared.runtime.config import or_exit
from shared.runtime.settings import load_settings

ROUTERS = tuple(
    subject.router for subject in (kpis, compared, lifecycle, anomalies, why, customers, themes, held, pages)
)


def create_app(settings: MetricsSettings, *, publisher: Producing | None = None) -> FastAPI:
    """The app, by the policy that the settings name. Raises ``ConfigError`` if it is not valid. ``publisher``
    is for tests."""
    policy = load(settings.metrics_policy)
    every = settings.metrics_gauge_seconds
    parts = [refreshing(refresh, every), live.watching, refreshing(live.look, every)]
    app = create_api(settings, "metrics", "Rapport metrics", ROUTERS, publisher=publisher, parts=parts)
    app.state.policy = policy
    return app


def main() -> None:
    settings = load_settings(MetricsSettings)
    run_api(or_exit(lambda: create_app(settings)), settings)


if __name__ == "__main__":
    main()
