"""Every way in which Metrics says no, beside the checks of parameters (``invalid``)."""

from shared.domain import ErrorCode, declared

UNKNOWN_KPI = ErrorCode("not_found", 404, "There is no KPI {name}; there are {known}.")
UNKNOWN_CUSTOMER = ErrorCode("unknown_customer", 404, "Nothing has been counted of customer {customer}.")

CODES = declared(globals())
