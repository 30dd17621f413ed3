"""The desk's pages, one module each."""

from fastapi import APIRouter

from services.interactions.routes.desk import (
    complaints,
    conversation,
    customer,
    duplicates,
    files,
    live,
    me,
    provider,
    queue,
    search,
    session,
    team,
)

router = APIRouter()
for subject in (
    files,
    session,
    provider,
    live,
    queue,
    conversation,
    customer,
    complaints,
    search,
    duplicates,
    team,
    me,
):
    router.include_router(subject.router)
