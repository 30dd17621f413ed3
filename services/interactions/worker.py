"""``python -m services.interactions.worker``: reads every topic, keeps the timeline and the 360."""

from functools import partial

from services.interactions.config import load, load_desk
from services.interactions.domain.apply import CONSUMES, apply_at_desk
from services.interactions.domain.erasing.left import of_erased
from services.interactions.domain.kinds import kinds
from services.interactions.domain.rows import COLLECTIONS
from services.interactions.domain.state import Customer, initial
from services.interactions.settings import InteractionsSettings
from services.interactions.telemetry import observe
from shared.domain import Handler
from shared.facts.erased import erased_hash
from shared.host import run_worker
from shared.runtime.config import or_exit
from shared.runtime.settings import Settings, load_settings


def handler(settings: Settings) -> Handler[Customer]:
    """The service as the worker runs it. Raises ``ConfigError`` if the SLA policy, or the desk, is not
    valid."""
    sla, desk = load(settings.sla), load_desk(settings.desk)
    return Handler(
        service="interactions",
        consumes=CONSUMES,
        state=Customer,
        initial=initial,
        apply=partial(apply_at_desk, sla, desk, settings.identity, partial(erased_hash, settings.erased_by)),
        collections=COLLECTIONS,
        reads_everything=True,
        kinds=kinds(desk),
        of_erased=partial(of_erased, desk),
    )


def main() -> None:
    settings = load_settings(InteractionsSettings)
    run_worker(settings, or_exit(lambda: handler(settings)), observe=observe)


if __name__ == "__main__":
    main()
