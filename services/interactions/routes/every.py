"""All routes of the interactions API."""

from services.interactions.routes import (
    clocks,
    compensation,
    complaints,
    conversations,
    customers,
    desk,
    events,
    tasks,
    transcripts,
)

_SUBJECTS = (events, customers, complaints, compensation, clocks, conversations, transcripts, tasks, desk)
ROUTERS = tuple(subject.router for subject in _SUBJECTS)
