"""Why complaints happen, where the SLA file lists what may be said."""

from services.interactions.domain.sla.policy import Sla
from services.interactions.errors import UNKNOWN_ROOT_CAUSE
from shared.schemas.commands.complaints import ComplaintResolveRequested


def require_listed(sla: Sla, command: ComplaintResolveRequested) -> None:
    """Of a resolution that an API asks for; one from outside is kept as told. Raises 422
    ``unknown_root_cause``."""
    cause, listed = command.root_cause, sla.root_causes
    if cause is not None and listed is not None and cause not in listed:
        raise UNKNOWN_ROOT_CAUSE(field="body.root_cause", listed=", ".join(listed))
