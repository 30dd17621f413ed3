"""The loyalty worker: reads purchases, returns, compensations and commands; writes ledgers."""

from functools import partial

from services.loyalty.config import load
from services.loyalty.domain.apply import CONSUMES, apply
from services.loyalty.domain.referrals import JUDGES
from services.loyalty.domain.rows import COLLECTIONS
from services.loyalty.domain.state import MemberState
from services.loyalty.settings import LoyaltySettings
from services.loyalty.telemetry import observer
from shared.domain import Handler
from shared.host import run_worker
from shared.runtime.config import or_exit
from shared.runtime.settings import Settings, load_settings


def handler(settings: Settings) -> Handler[MemberState]:
    """Loyalty by the program that the settings name. Raises ``ConfigError`` if it is not valid."""
    return Handler(
        service="loyalty",
        consumes=CONSUMES,
        state=MemberState,
        initial=lambda customer_id: MemberState(),
        apply=partial(apply, load(settings.program)),
        collections=COLLECTIONS,
        judges=JUDGES,
    )


def main() -> None:
    settings = load_settings(LoyaltySettings)
    loyalty = or_exit(lambda: handler(settings))
    run_worker(settings, loyalty, observe=observer(stream=settings.clock == "stream"))


if __name__ == "__main__":
    main()
