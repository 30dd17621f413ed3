"""Metrics' HTTP side: ``python -m services.metrics.api``."""

from fastapi import FastAPI

from services.metrics.pages import live
from services.metrics.report import refresh
from services.metrics.routes import kpis, pages
from services.metrics.settings import MetricsSettings
from shared.http.app import create_api, run_api
from shared.http.dependencies import Producing
from shared.http.refreshing import refreshing
from shared.runtime.settings import load_settings


def create_app(settings: MetricsSettings, *, publisher: Producing | None = None) -> FastAPI:
    """The app; ``publisher`` is for tests."""
    every = settings.metrics_gauge_seconds
    parts = [refreshing(refresh, every), live.watching, refreshing(live.look, every)]
    routers = [kpis.router, pages.router]
    return create_api(settings, "metrics", "Rapport metrics", routers, publisher=publisher, parts=parts)


def main() -> None:
    settings = load_settings(MetricsSettings)
    run_api(create_app(settings), settings)


if __name__ == "__main__":
    main()
