"""``python -m services.interactions.api``: events in; customers, timelines and complaints out."""

from fastapi import FastAPI

from services.interactions.config import load, load_desk
from services.interactions.routes import (
    agents,
    clocks,
    compensation,
    complaints,
    conversations,
    customers,
    events,
    tasks,
)
from services.interactions.settings import InteractionsSettings
from shared.http.app import create_api, run_api
from shared.runtime.config import or_exit
from shared.runtime.settings import Settings, load_settings

_SUBJECTS = (events, customers, complaints, compensation, clocks, conversations, tasks, agents)
ROUTERS = tuple(subject.router for subject in _SUBJECTS)


def create_app(settings: Settings) -> FastAPI:
    """The app; nothing connects before it starts. Raises ``ConfigError`` if the SLA policy, or the desk, is
    not valid."""
    sla, desk = load(settings.sla), load_desk(settings.desk)
    app = create_api(settings, "interactions", "Rapport interactions", ROUTERS)
    app.state.sla, app.state.desk = sla, desk
    return app


def main() -> None:
    settings = load_settings(InteractionsSettings)
    run_api(or_exit(lambda: create_app(settings)), settings)


if __name__ == "__main__":
    main()
