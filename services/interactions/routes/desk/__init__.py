"""The desk's pages, one module each."""

from fastapi import APIRouter

from services.interactions.routes.desk import conversation, files, live, queue, session

router = APIRouter()
for subject in (files, session, live, queue, conversation):
    router.include_router(subject.router)
