"""Every way in which Metrics says no, beside the checks of parameters (``invalid``)."""

from shared.domain import ErrorCode, declared

UNKNOWN_KPI = ErrorCode("not_found", 404, "There is no KPI {name}; there are {known}.")
NOT_KEPT = ErrorCode(
    "not_kept", 409, "Since then history of {first} to {last} was loaded: what was told before is not kept."
)
WHY_AWAY = ErrorCode("why_unavailable", 503, "Interactions, which has the events, does not answer.")

CODES = declared(globals())
