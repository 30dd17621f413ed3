"""What the desk needs of its app."""

from dataclasses import dataclass
from datetime import timedelta

from fastapi import FastAPI

from services.interactions.desk.live import Live
from services.interactions.desk.oidc import Provider
from services.interactions.desk.session import Sessions
from services.interactions.domain.desk.on_hand import NOBODYS
from services.interactions.erasure_store import ErasureStore
from services.interactions.settings import InteractionsSettings
from services.interactions.store import InteractionsStore
from services.interactions.telemetry import show, show_erasures
from shared.schemas.times import micros


@dataclass(frozen=True, slots=True)
class Pages:
    """``app.state.pages``."""

    sessions: Sessions
    secure: bool
    """Customers and agents come by https, whatever the last hop is."""
    live: Live
    provider: Provider | None
    """Whom people can sign in with."""


def open_desk(app: FastAPI, settings: InteractionsSettings) -> None:
    """Give the app what the desk's pages need."""
    lasting = timedelta(hours=settings.desk_hours)
    app.state.pages = Pages(
        sessions=Sessions(settings.key_ring, app.state.authenticator, lasting),
        live=Live(lambda: bool(getattr(app.state, "stopping", bool)())),
        secure=(settings.interactions_url or "").startswith("https://"),
        provider=None if settings.oidc_issuer is None else Provider(settings),
    )


async def show_desk(app: FastAPI) -> None:
    """Set the gauges of what the desk has on its hands, and of the erasures that wait."""
    now = micros(await app.state.clock.now(None))
    store = InteractionsStore(app.state.database, app.state.remembered)
    found = await store.on_hand(app.state.desk.by_id, now)
    app.state.remembered.teams = tuple(team for team in found.teams if team != NOBODYS)
    show(found)
    show_erasures(await ErasureStore(app.state.database).waiting_since(), now)
