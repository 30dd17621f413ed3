"""The four services: the one list that all else is made from."""

SERVICES: tuple[str, ...] = ("interactions", "loyalty", "followup", "metrics")
"""Their names, as in sources (``/rapport/<name>``, ``/api/<name>/...``), databases and consumer groups."""
