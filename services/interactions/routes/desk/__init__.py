"""The desk's pages, one module each."""

from fastapi import APIRouter

from services.interactions.routes.desk import files, live, queue, session

router = APIRouter()
for subject in (files, session, live, queue):
    router.include_router(subject.router)
