"""``python -m services.interactions.api``: events in; customers, timelines and complaints out."""

from fastapi import FastAPI

from services.interactions.config import load, load_desk
from services.interactions.desk.live import looking
from services.interactions.desk.opening import open_desk, show_desk
from services.interactions.export.making import exporting
from services.interactions.hooks.opening import open_hooks
from services.interactions.remembered import Remembered
from services.interactions.routes import ROUTERS
from services.interactions.settings import InteractionsSettings
from shared.http.app import create_api, run_api
from shared.http.dependencies import Producing
from shared.http.refreshing import refreshing
from shared.runtime.config import or_exit
from shared.runtime.settings import load_settings


def create_app(settings: InteractionsSettings, publisher: Producing | None = None) -> FastAPI:
    """The app; nothing connects before it starts. Raises ``ConfigError`` if the SLA policy, the desk or a
    mapping is not valid. ``publisher`` is for tests."""
    sla, rules = load(settings.sla), load_desk(settings.desk)
    title, parts = (
        "Rapport interactions",
        (looking, exporting, refreshing(show_desk, settings.interactions_gauge_seconds)),
    )
    app = create_api(settings, "interactions", title, ROUTERS, publisher=publisher, parts=parts)
    app.state.sla, app.state.desk, app.state.remembered = sla, rules, Remembered()
    open_hooks(app, settings)
    open_desk(app, settings)
    return app


def main() -> None:
    settings = load_settings(InteractionsSettings)
    run_api(or_exit(lambda: create_app(settings)), settings)


if __name__ == "__main__":
    main()
