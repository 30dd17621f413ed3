"""The worker: the domain on the record loop, and the sender beside it."""

from functools import partial

from services.followup.config import policy_or_exit
from services.followup.domain.apply import apply, consumes
from services.followup.domain.policy import Policy
from services.followup.domain.rows import COLLECTION
from services.followup.domain.state import Customer, initial
from services.followup.sender import send_mail
from services.followup.settings import FollowupSettings
from shared.domain import Collection, Handler
from shared.host import run_worker
from shared.runtime.settings import load_settings

COLLECTIONS = (
    Collection(
        COLLECTION,
        owner="customer",
        personal=("to", "subject", "text", "html", "headers", "error"),
        indexes=("status,not_before", "customer,-due_at,-_id"),
    ),
)


def handler(settings: FollowupSettings) -> Handler[Customer]:
    """The service as the worker sees it. Ends the process with a sentence if the rules are bad."""
    return handler_of(policy_or_exit(settings))


def handler_of(policy: Policy) -> Handler[Customer]:
    """The handler of a policy that is loaded already."""
    return Handler(
        service="followup",
        consumes=consumes(policy.rules),
        state=Customer,
        initial=initial,
        apply=partial(apply, policy),
        collections=COLLECTIONS,
    )


def main() -> None:
    """Run the worker until a signal stops it."""
    settings = load_settings(FollowupSettings)
    run_worker(settings, handler(settings), extra=(partial(send_mail, settings),))


if __name__ == "__main__":
    main()
