"""``python -m services.interactions.mail``: e-mail in, by LMTP or SMTP; its health beside it, over HTTP."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.interactions.accepting import Told, accept
from services.interactions.erasure_store import ErasedIds
from services.interactions.mail.found import MailStore
from services.interactions.mail.serving import MailServer
from services.interactions.mail.settings import MailSettings
from services.interactions.mail.taking import Taker
from services.interactions.resolving import Resolver
from shared.http.app import create_api, run_api
from shared.http.dependencies import Producing
from shared.runtime.settings import load_settings
from shared.schemas.event import Event


def create_app(settings: MailSettings, publisher: Producing | None = None) -> FastAPI:
    """The process as an app of no routes but those that all have; nothing connects, or listens, before it
    starts. ``publisher`` is for tests."""

    @asynccontextmanager
    async def listening(app: FastAPI) -> AsyncIterator[None]:
        async def publish(events: Sequence[Event]) -> None:
            await accept([Told(event) for event in events], app.state.publisher)

        store = MailStore(app.state.database)
        taker = Taker(settings, store, _resolver(app, settings), publish, app.state.clock.now)
        server = MailServer(settings, taker)
        await server.start()
        app.state.mail = server
        try:
            yield
        finally:
            await server.stop()

    return create_api(settings, "interactions", "Rapport mail", (), publisher=publisher, parts=(listening,))


def _resolver(app: FastAPI, settings: MailSettings) -> Resolver:
    state = app.state
    erased, timeout = ErasedIds(state.database, settings.erased_by), settings.command_timeout
    return Resolver(settings.identity, state.database, state.publisher, state.clock, erased, timeout=timeout)


def main() -> None:
    settings = load_settings(MailSettings)
    try:
        app = create_app(settings)
    except OSError as error:
        print(f"RAPPORT_MAIL_TLS_CERT or its key cannot be read: {error.strerror}.", file=sys.stderr)
        raise SystemExit(2) from None
    run_api(app, settings)


if __name__ == "__main__":
    main()
