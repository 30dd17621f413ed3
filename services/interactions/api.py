"""``python -m services.interactions.api``: events in; customers, timelines and complaints out."""

from fastapi import FastAPI

from services.interactions.routes import complaints, customers, events
from services.interactions.settings import InteractionsSettings
from shared.http.app import create_api, run_api
from shared.runtime.settings import Settings, load_settings

ROUTERS = (events.router, customers.router, complaints.router)


def create_app(settings: Settings) -> FastAPI:
    """The app; nothing connects before it starts."""
    return create_api(settings, "interactions", "Rapport interactions", ROUTERS)


def main() -> None:
    settings = load_settings(InteractionsSettings)
    run_api(create_app(settings), settings)


if __name__ == "__main__":
    main()
