"""``python -m services.interactions.api``: events in; customers, timelines and complaints out."""

from fastapi import FastAPI

from services.interactions.config import load, load_desk
from services.interactions.desk.live import looking
from services.interactions.desk.opening import open_desk
from services.interactions.remembered import Remembered
from services.interactions.routes import ROUTERS
from services.interactions.settings import InteractionsSettings
from services.interactions.store import InteractionsStore
from services.interactions.telemetry import show
from shared.http.app import create_api, run_api
from shared.http.dependencies import Producing
from shared.http.refreshing import refreshing
from shared.runtime.config import or_exit
from shared.runtime.settings import load_settings
from shared.schemas.times import micros


def create_app(settings: InteractionsSettings, publisher: Producing | None = None) -> FastAPI:
    """The app; nothing connects before it starts. Raises ``ConfigError`` if the SLA policy, or the desk, is
    not valid. ``publisher`` is for tests."""
    sla, rules = load(settings.sla), load_desk(settings.desk)
    title, parts = "Rapport interactions", (looking, refreshing(refresh, settings.interactions_gauge_seconds))
    app = create_api(settings, "interactions", title, ROUTERS, publisher=publisher, parts=parts)
    app.state.sla, app.state.desk, app.state.remembered = sla, rules, Remembered()
    open_desk(app, settings)
    return app


async def refresh(app: FastAPI) -> None:
    """Set the gauges of what the desk has on its hands."""
    now = micros(await app.state.clock.now(None))
    show(await InteractionsStore(app.state.database).on_hand(app.state.desk.by_id, now))


def main() -> None:
    settings = load_settings(InteractionsSettings)
    run_api(or_exit(lambda: create_app(settings)), settings)


if __name__ == "__main__":
    main()
