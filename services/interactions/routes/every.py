"""All routes of the interactions API."""

from services.interactions.routes import (
    clocks,
    compensation,
    complaints,
    conversations,
    customers,
    desk,
    events,
    macros,
    tasks,
    transcripts,
)

ROUTERS = tuple(
    subject.router
    for subject in (
        events,
        customers,
        complaints,
        compensation,
        clocks,
        conversations,
        transcripts,
        macros,
        tasks,
        desk,
    )
)
