"""The desk's pages, one module each."""

from fastapi import APIRouter

from services.interactions.routes.desk import files, queue, session

router = APIRouter()
for subject in (files, session, queue):
    router.include_router(subject.router)
