"""Promises in open hours: the SLA file, its calendars, and the clocks that a log makes of them."""
