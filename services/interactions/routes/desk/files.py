"""The files that pages ask for: by names that change with what is in them, so browsers keep them for long."""

from pathlib import PurePath

from fastapi import APIRouter, Response

from services.interactions.desk.site import KINDS, LASTING, ROOT, files
from shared.http.problems import ProblemError

router = APIRouter(prefix=ROOT, include_in_schema=False)


@router.get("/static/{name}")
async def get_file(name: str) -> Response:
    found = files().get(name)
    if found is None:
        raise ProblemError(404, "not_found")
    return Response(found, headers=dict(LASTING), media_type=KINDS[PurePath(name).suffix])
