"""Every way in which Metrics says no, beside the checks of parameters (``invalid``)."""

from shared.domain import ErrorCode, declared

UNKNOWN_KPI = ErrorCode("not_found", 404, "There is no KPI {name}; there are {known}.")
UNKNOWN_THEME = ErrorCode("unknown_theme", 404, "There is no theme {name}; there are {known}.")
NOT_KEPT = ErrorCode(
    "not_kept", 409, "Since then history of {first} to {last} was loaded: what was told before is not kept."
)
NO_TIMELINE = ErrorCode(
    "no_timeline", 409, "{kpi} is counted from {types} alone, which is about no customer: no timeline has it."
)
NO_PARQUET = ErrorCode(
    "no_parquet", 406, "No Parquet is written here: install rapport[parquet], or ask for CSV."
)
UNKNOWN_CUSTOMER = ErrorCode("unknown_customer", 404, "Nothing has been counted of customer {customer}.")

CODES = declared(globals())
