"""A small OpenID provider: it vouches for whoever it was told to, once a code."""

import base64
import hashlib
import secrets
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

CLIENT, SECRET = "desk", "a client's secret"
GROUPS = '{"support": ["desk", "customers:read", "complaints:write"], "interns": ["customers:read"]}'


class OpenId:
    """``claims`` are those of who signs in next; ``key`` signs."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.claims: dict[str, Any] = {"sub": "mara", "name": "Mara Novak", "groups": ["support"]}
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.signs_with = self.key
        self.away = False
        self._codes: dict[str, dict[str, str]] = {}
        self.app = FastAPI()
        self.app.get("/.well-known/openid-configuration")(self.configuration)
        self.app.get("/authorize")(self.authorize)
        self.app.post("/token")(self.token)
        self.app.get("/keys")(self.keys)

    async def configuration(self) -> Response:
        if self.away:
            return Response(status_code=502)
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        told = {name: f"{self.issuer}/{path}" for name, path in ends.items()}
        return JSONResponse({"issuer": self.issuer, **told})

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}", 303)

    async def token(
        self,
        request: Request,
        code: str = Form(),
        code_verifier: str = Form(),
        redirect_uri: str = Form(),
    ) -> Response:
        asked = self._codes.pop(code, None)
        made = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).decode().rstrip("=")
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        good = (
            asked is not None
            and asked["code_challenge"] == made
            and asked["redirect_uri"] == redirect_uri
            and request.headers["authorization"] == f"Basic {basic}"
        )
        if asked is None or not good:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        token = jwt.encode(claims | self.claims, self.signs_with, algorithm="ES256", headers={"kid": "k1"})
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": token})

    async def keys(self) -> Response:
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return JSONResponse({"keys": [{**public, "kid": "k1", "alg": "ES256", "use": "sig"}]})
