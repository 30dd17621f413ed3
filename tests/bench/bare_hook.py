"""``python -m tests.bench.bare_hook PORT``: a route that checks a webhook's signature, nothing else."""

import base64
import hmac
import sys

import uvicorn
from fastapi import FastAPI, Request, Response

from tests.shops import SECRET

app = FastAPI()


@app.post("/hooks/shopify", status_code=202)
async def hook(request: Request) -> Response:
    body = await request.body()
    wanted = base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()
    good = hmac.compare_digest(wanted, request.headers["x-shopify-hmac-sha256"])
    return Response(status_code=202 if good else 401)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)
