"""Metrics' worker: ``python -m services.metrics.worker``."""

from functools import partial

from services.metrics.config import load
from services.metrics.domain.apply import CONSUMES
from services.metrics.domain.rows import COLLECTIONS
from services.metrics.journal.making import processor
from services.metrics.settings import MetricsSettings
from shared.host import run_processor
from shared.runtime.config import or_exit
from shared.runtime.settings import load_settings


def main() -> None:
    settings = load_settings(MetricsSettings)
    policy = or_exit(lambda: load(settings.metrics_policy))
    run_processor(
        settings,
        service="metrics",
        consumes=CONSUMES,
        collections=COLLECTIONS,
        processor_factory=partial(processor, settings, policy),
    )


if __name__ == "__main__":
    main()
