"""All of the API's routes, in the order in which its document shows them."""

from services.followup.routes import (
    book,
    held,
    hooks,
    marketing,
    outreach,
    preferences,
    results,
    rules,
    surveys,
    unsubscribe,
)

ROUTERS = tuple(
    subject.router
    for subject in (rules, results, book, outreach, unsubscribe, surveys, preferences, hooks, marketing, held)
)
