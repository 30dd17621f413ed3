"""The followup API: reads come from the store; every write is a command that the worker decides."""

from functools import partial

from fastapi import FastAPI

from services.followup.channels.registry import load_channels
from services.followup.config import load_policy
from services.followup.domain.policy import Policy
from services.followup.routes import book
from services.followup.routes.served import ROUTERS
from services.followup.settings import FollowupSettings
from shared.http.app import create_api, run_api
from shared.http.refreshing import refreshing
from shared.runtime.config import or_exit
from shared.runtime.settings import load_settings


def create_app(settings: FollowupSettings, policy: Policy) -> FastAPI:
    """The app; nothing connects before it starts."""
    parts = [refreshing(book.refresh, settings.outreach_book_seconds)]
    app = create_api(settings, "followup", "Rapport followup", ROUTERS, parts=parts)
    app.state.policy = policy
    return app


def main() -> None:
    """Serve until a signal stops it. Bad rules end the process with a sentence."""
    settings = load_settings(FollowupSettings)
    channels = or_exit(load_channels)
    policy = or_exit(partial(load_policy, settings, channels))
    run_api(create_app(settings, policy), settings)


if __name__ == "__main__":
    main()
