"""What the API answers: a module a subject, the desk's pages in a package of their own."""

from services.interactions.routes import (
    agents,
    clocks,
    compensation,
    complaints,
    conversations,
    customers,
    desk,
    duplicates,
    events,
    growth,
    hooks,
    macros,
    mapped_hooks,
    merging,
    tasks,
    teams,
    told,
    transcripts,
)

_SUBJECTS = (
    events,
    told,
    hooks,
    mapped_hooks,
    customers,
    merging,
    duplicates,
    complaints,
    compensation,
    clocks,
    conversations,
    transcripts,
    macros,
    tasks,
    growth,
    agents,
    teams,
    desk,
)
ROUTERS = tuple(subject.router for subject in _SUBJECTS)
