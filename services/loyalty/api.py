"""The loyalty API: reads come from the store; every write is a command that the worker decides."""

import sys

from fastapi import FastAPI

from services.loyalty.config import ProgramError, load
from services.loyalty.gauges import refresh
from services.loyalty.routes import ledger, members, program, vouchers
from services.loyalty.settings import LoyaltySettings
from shared.http.app import create_api, run_api
from shared.http.refreshing import refreshing
from shared.runtime.settings import load_settings

ROUTERS = (program.router, members.router, ledger.router, vouchers.router)


def create_app(settings: LoyaltySettings) -> FastAPI:
    """The app, on the program that the settings name. Raises ``ProgramError`` if it is not valid."""
    parts = [refreshing(refresh, settings.loyalty_gauge_seconds)]
    app = create_api(settings, "loyalty", "Rapport loyalty", ROUTERS, parts=parts)
    app.state.programs = load(settings.program)
    return app


def main() -> None:
    settings = load_settings(LoyaltySettings)
    try:
        app = create_app(settings)
    except ProgramError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    run_api(app, settings)


if __name__ == "__main__":
    main()
