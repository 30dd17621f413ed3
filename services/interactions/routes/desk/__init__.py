"""The desk's pages, one module each."""

from fastapi import APIRouter

from services.interactions.routes.desk import conversation, files, live, provider, queue, session

router = APIRouter()
for subject in (files, session, provider, live, queue, conversation):
    router.include_router(subject.router)
