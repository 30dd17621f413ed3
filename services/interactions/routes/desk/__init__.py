"""The desk's pages, one module each."""

from fastapi import APIRouter

from services.interactions.routes.desk import (
    complaint_steps,
    complaints,
    customer,
    files,
    live,
    queue,
    search,
    session,
)

router = APIRouter()
for subject in (files, session, live, queue, customer, complaints, complaint_steps, search):
    router.include_router(subject.router)
