"""Metrics' HTTP side: ``python -m services.metrics.api``."""

from fastapi import FastAPI

from services.metrics.report import refresh
from services.metrics.routes import kpis
from services.metrics.settings import MetricsSettings
from shared.http.app import create_api, run_api
from shared.http.dependencies import Producing
from shared.http.refreshing import refreshing
from shared.runtime.settings import load_settings


def create_app(settings: MetricsSettings, *, publisher: Producing | None = None) -> FastAPI:
    """The app; ``publisher`` is for tests."""
    parts = [refreshing(refresh, settings.metrics_gauge_seconds)]
    return create_api(settings, "metrics", "Rapport metrics", [kpis.router], publisher=publisher, parts=parts)


def main() -> None:
    settings = load_settings(MetricsSettings)
    run_api(create_app(settings), settings)


if __name__ == "__main__":
    main()
