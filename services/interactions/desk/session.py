"""Who is signed in, kept in a signed cookie: a name, never the key it came with."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import AwareDatetime, Field, ValidationError

from shared.http.auth import Authenticator, Principal
from shared.http.keys import hash_of
from shared.schemas.base import ID_PATTERN, Frozen

VISITING = timedelta(hours=1)
"""So long a form for signing in can be sent."""


class Session(Frozen):
    """``visit`` is new with each sign-in; what forms are known by is made of it."""

    visit: Annotated[str, Field(min_length=16)]
    expires_at: AwareDatetime
    principal: str | None = None
    """None until somebody signs in."""
    agent_id: str | None = None
    """Whose work it is."""
    name: str = ""
    """As the page calls them."""
    scopes: tuple[str, ...] | None = None
    """As the provider says; None of a key, whose scopes are asked for each time."""
    mark: str | None = None
    """What the key's hash must still come to: a key that is gone, or another by now, ends its sessions."""


class Sessions:
    """Makes and reads the cookie's text. The first of ``keys`` signs, each verifies; nothing of it can be
    changed, all of it read. A session ends ``lasting`` after the sign-in, whatever is done in it."""

    def __init__(self, keys: Sequence[bytes], authenticator: Authenticator, lasting: timedelta) -> None:
        self._lasting = lasting
        self._cookies = URLSafeSerializer([*reversed(keys)], salt="rapport desk session 1")
        self._keys = tuple(keys)
        self._authenticator = authenticator

    def visit(self, now: datetime) -> Session:
        """Of somebody who has not signed in."""
        return Session(visit=secrets.token_urlsafe(18), expires_at=now + VISITING)

    def by_key(self, key: str, agent_id: str, now: datetime) -> Session:
        """Of whoever shows a key. Raises 401."""
        principal = self._authenticator.api_key(key)
        return Session(
            visit=secrets.token_urlsafe(18),
            expires_at=now + self._lasting,
            principal=principal.name,
            agent_id=agent_id or agent_of(principal.name),
            name=agent_id or principal.name,
            mark=_mark(self._keys[0], bytes.fromhex(hash_of(key))),
        )

    def by_provider(self, principal: str, name: str, scopes: frozenset[str], now: datetime) -> Session:
        """Of whoever a provider vouches for."""
        return Session(
            visit=secrets.token_urlsafe(18),
            expires_at=now + self._lasting,
            principal=principal,
            agent_id=agent_of(principal),
            name=name or principal,
            scopes=tuple(sorted(scopes)),
        )

    def write(self, session: Session) -> str:
        return str(self._cookies.dumps(session.model_dump(mode="json", exclude_none=True)))

    def read(self, cookie: str | None, now: datetime) -> Session | None:
        """The session, if it was made here and has not ended."""
        if not cookie:
            return None
        try:
            told: Any = self._cookies.loads(cookie)
            session = Session.model_validate(told)
        except (BadSignature, ValidationError):
            return None
        return session if session.expires_at > now else None

    def principal(self, session: Session) -> Principal | None:
        """Who it is, with the scopes that they have now; None where nobody has signed in, or their key has
        gone since."""
        if session.principal is None:
            return None
        if session.scopes is not None:
            return Principal(session.principal, frozenset(session.scopes))
        hashes = [*self._authenticator.key_hashes(session.principal)]
        marks = {_mark(key, one) for key in self._keys for one in hashes}
        if session.mark is None or session.mark not in marks:
            return None
        return self._authenticator.named(session.principal)

    def token(self, session: Session) -> str:
        """What each form of the session carries, so that nobody else's does."""
        return _form(self._keys[0], session)

    def is_token(self, given: str, session: Session) -> bool:
        """Whether a form carries what one of the keys has made for the session."""
        made = (_form(key, session) for key in self._keys)
        return any(hmac.compare_digest(given.encode(), one.encode()) for one in made)


def _form(key: bytes, session: Session) -> str:
    made = hmac.digest(key, f"rapport desk form 1\n{session.visit}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made[:18]).decode()


def _mark(key: bytes, key_hash: bytes) -> str:
    made = hmac.digest(key, b"rapport desk key 1\n" + key_hash, hashlib.sha256)
    return base64.urlsafe_b64encode(made[:9]).decode()


def agent_of(principal: str) -> str:
    """A principal's name as an agent's id; of one that can be none, a name made of its hash."""
    if re.fullmatch(ID_PATTERN, principal):
        return principal
    return "agent-" + hashlib.blake2b(principal.encode(), digest_size=8).hexdigest()
