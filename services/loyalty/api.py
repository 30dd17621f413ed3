"""The loyalty API: reads come from the store; every write is a command that the worker decides."""

from fastapi import FastAPI

from services.loyalty.config import load
from services.loyalty.routes import card, held, ledger, members, program, quotes, vouchers
from services.loyalty.settings import LoyaltySettings
from services.loyalty.store import LoyaltyStore
from services.loyalty.telemetry import show
from shared.http.app import create_api, run_api
from shared.http.refreshing import refreshing
from shared.runtime.config import or_exit
from shared.runtime.settings import load_settings
from shared.schemas.times import micros

ROUTERS = tuple(one.router for one in (program, members, quotes, ledger, vouchers, card, held))


def create_app(settings: LoyaltySettings) -> FastAPI:
    """The app, on the program that the settings name. Raises ``ConfigError`` if it is not valid."""
    parts = [refreshing(refresh, settings.loyalty_gauge_seconds)]
    app = create_api(settings, "loyalty", "Rapport loyalty", ROUTERS, parts=parts)
    app.state.programs = load(settings.program)
    return app


async def refresh(app: FastAPI) -> None:
    """Read the sums over all members and set every gauge."""
    store = LoyaltyStore(app.state.database)
    program = app.state.programs.at(micros(await app.state.clock.now(None)))
    show(await store.liability(), await store.totals(), program)


def main() -> None:
    settings = load_settings(LoyaltySettings)
    run_api(or_exit(lambda: create_app(settings)), settings)


if __name__ == "__main__":
    main()
