"""The worker: the domain on the record loop, and the senders beside it."""

from functools import partial

from services.followup.channels.registry import load_channels
from services.followup.config import load_policy
from services.followup.domain.apply import KINDS, apply, consumes
from services.followup.domain.merging.dropped import of_erased
from services.followup.domain.policy import Policy
from services.followup.domain.rows import COLLECTIONS
from services.followup.domain.state import Customer, initial
from services.followup.returns.intake import take_in
from services.followup.sender import send_by
from services.followup.settings import FollowupSettings
from services.followup.sweep import sweep
from shared.domain import Handler
from shared.host import run_worker
from shared.runtime.config import or_exit
from shared.runtime.settings import load_settings


def handler_of(policy: Policy) -> Handler[Customer]:
    """The service as the worker sees it."""
    does = partial(apply, policy)
    consumed = consumes(*policy.every)
    return Handler(
        "followup", consumed, Customer, initial, does, COLLECTIONS, kinds=KINDS, of_erased=of_erased
    )


def main() -> None:
    """Run until a signal stops it. Bad rules end the process with a sentence."""
    settings, channels = load_settings(FollowupSettings), or_exit(load_channels)
    policy = or_exit(partial(load_policy, settings, channels))
    extra = (partial(send_by, policy, channels), partial(take_in, settings), partial(sweep, policy))
    run_worker(settings, handler_of(policy), extra=extra)


if __name__ == "__main__":
    main()
