"""The routes every service has: is it alive, is it ready, its metrics, and what became of a command."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pymongo.errors import PyMongoError

from shared.http.auth import Principal, authenticated
from shared.http.dependencies import Database, Producer, SendCommands
from shared.http.problems import ProblemError
from shared.runtime.erasure_guard import other_key

READY_TIMEOUT_S = 1.0

router = APIRouter()


@router.get("/healthz", tags=["operations"], summary="Alive: the process answers")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/readyz", tags=["operations"], summary="Ready: store and broker answer")
async def readyz(request: Request, database: Database, producer: Producer) -> dict[str, Any]:
    """503 ``not_ready`` names each dependency that is missing in ``errors``."""
    missing = {}
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await database.command("ping")
            # Whoever started before anybody was erased may have another key: it would know nobody of them.
            if await other_key(database, request.app.state.settings.erased_by) is not None:
                missing["erasure_key"] = "The store's erasure key is another one."
    except (PyMongoError, TimeoutError) as error:
        missing["store"] = f"MongoDB does not answer ({type(error).__name__})."
    if not producer.ready:
        missing["broker"] = "Kafka does not answer."
    if missing:
        raise ProblemError(
            503,
            "not_ready",
            " ".join(missing.values()),
            errors=[{"field": name, "code": "unavailable", "detail": why} for name, why in missing.items()],
        )
    return {"status": "ready", "parts": {"store": "ready", "broker": "ready"}}


@router.get(
    "/metrics",
    tags=["operations"],
    summary="Prometheus metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get(
    "/commands/{token}",
    tags=["commands"],
    summary="The outcome of a command that was answered 202",
    responses={
        201: {"description": "It has made something.", "content": {"application/json": {"schema": {}}}},
        202: {"description": "Still pending: ask again."},
    },
)
async def command(
    token: str, principal: Annotated[Principal, Depends(authenticated)], commands: SendCommands
) -> Response:
    """The answer that the command would have had, with its status; for the principal that sent it."""
    return (await commands.outcome(principal, token)).response()
