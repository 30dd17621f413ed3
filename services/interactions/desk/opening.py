"""What the desk needs of its app."""

from dataclasses import dataclass

from fastapi import FastAPI

from services.interactions.desk.live import Live
from services.interactions.desk.session import Sessions
from shared.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Pages:
    """``app.state.pages``."""

    sessions: Sessions
    secure: bool
    """Customers and agents come by https, whatever the last hop is."""
    live: Live
    provider: None = None


def open_desk(app: FastAPI, settings: Settings) -> None:
    """Give the app what the desk's pages need."""
    app.state.pages = Pages(
        sessions=Sessions(settings.secret_key.get_secret_value().encode(), app.state.authenticator),
        live=Live(lambda: bool(getattr(app.state, "stopping", bool)())),
        secure=(settings.interactions_url or "").startswith("https://"),
    )
