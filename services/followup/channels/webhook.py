"""A signed POST to a service of the user's, which has SMS, push or a messenger behind it.

As Standard Webhooks says it: the body is ``{"type": "outreach.message", "timestamp": ..., "data": {...}}``;
``webhook-id`` names the message at every try, ``webhook-timestamp`` is the try's own time in seconds, and
``webhook-signature`` is ``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``.
"""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
)
from prometheus_client import Gauge, Histogram
from pydantic import Field, HttpUrl, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from services.followup.channels.base import Attempt, Channel, ChannelAwayError, ChannelSettings, Result
from services.followup.channels.breaker import Breaker
from services.followup.domain.messages.channel import Message, Thread
from services.followup.domain.rows import Delivery
from services.followup.domain.rules.rule import Name
from services.followup.domain.state import Customer
from shared.runtime.https import HttpsSettings, untrusted
from shared.runtime.webhooks import signature, signing_keys

ASK_AGAIN = frozenset({408, 425, 429, 503})
"""The message was certainly not taken, and may be tried again. Any other 5xx is a service that broke with the
message in its hands, or a gateway that does not know: it may have gone out."""
PAUSES_ALL = frozenset({429, 503})
"""With ``Retry-After`` these are about the service, not about one message."""
UNWELL = frozenset({301, 302, 303, 307, 308, 401, 403, 404, 405, 407, 408, 410, 425, 429})
"""Beside all 5xx: what would be said of any message. Each that is told so for good is lost, so they count."""
LONGEST_PAUSE = timedelta(minutes=10)
KEEP_ALIVE_SECONDS = 2.0
"""Less than servers keep an idle connection: one that breaks under a message puts it in doubt."""

SEND_SECONDS = Histogram(
    "rapport_webhook_send_seconds",
    "Seconds until the webhook's service has answered for a message.",
    ["channel"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

BROKEN = Gauge(
    "rapport_webhook_broken",
    "1 from too many failures of the webhook's service in a row until a message has gone well.",
    ["channel"],
)


class WebhookSettings(ChannelSettings, HttpsSettings):
    """The service that messages are posted to; without a URL there is none."""

    webhook_url: HttpUrl | None = None
    """Where text messages and the like are posted to, for a service of your own to send; off unless told."""
    webhook_secret: SecretStr | None = Field(default=None, validate_default=True)
    """``whsec_`` and the base64 of 24 to 64 bytes; several, by commas, while one takes another's place: each
    signs."""
    webhook_timeout: float = Field(default=15.0, gt=0, le=300)
    """Seconds to connect, and again for the answer."""
    webhook_connections: int = Field(default=8, ge=1, le=100)
    """At once, of each worker and channel; as many messages are under way."""
    webhook_failures: int = Field(default=5, ge=1, le=1000)
    """In a row: then nothing is tried for a while, and after that one message alone."""
    webhook_channels: Annotated[tuple[Name, ...], NoDecode, Field(min_length=1)] = ("sms",)
    """What the service is called by rules and consents: comma-separated names, such as ``sms,push``."""

    @field_validator("webhook_secret")
    @classmethod
    def _usable(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and info.data.get("webhook_url") is not None:
            raise ValueError("must be set where there is a RAPPORT_WEBHOOK_URL")
        signing_keys(value)
        return value

    @field_validator("webhook_channels", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(name.strip() for name in value.split(",")) if isinstance(value, str) else value

    def channels(self) -> Sequence[Channel]:
        if self.webhook_url is None or self.webhook_secret is None:
            return ()
        keys = signing_keys(self.webhook_secret)
        url, timeout, connections = self.webhook_url, self.webhook_timeout, self.webhook_connections
        return [
            Webhook(name, url, keys, timeout, connections, Breaker(self.webhook_failures), self.https_trust)
            for name in self.webhook_channels
        ]


class Webhook(Channel):
    """One channel of the service. ``push`` reaches a customer by id, every other one by phone number."""

    dependency = "webhook"

    def __init__(
        self,
        name: str,
        url: HttpUrl,
        keys: tuple[bytes, ...],
        timeout: float,
        connections: int,
        breaker: Breaker,
        trust: ssl.SSLContext,
    ) -> None:
        self.name = name
        self.parts = (f"{name}.txt",)
        self.connections = connections
        self.patience = timedelta(seconds=4 * timeout + 10)
        self._url, self._keys, self._timeout = url, keys, timeout
        self._breaker, self._trust = breaker, trust
        self._session: ClientSession | None = None
        self._reachable = False
        self._heard_at = 0.0
        """By the monotonic clock: when the service was last there."""
        self._paused_until = 0.0
        """By the monotonic clock: the service asked for silence until then."""

    def address(self, customer: Customer) -> str | None:
        return customer.customer_id if self.name == "push" else customer.phone

    def write(
        self, texts: Mapping[str, str], unsubscribe_url: str | None, thread: Thread | None = None
    ) -> Message:
        (text,) = texts.values()
        told = {"unsubscribe_url": unsubscribe_url}
        if thread is not None:
            told |= {"conversation_id": thread.conversation_id, "in_reply_to": thread.in_reply_to}
        return Message(text.strip(), headers={name: value for name, value in told.items() if value})

    async def open(self, wanted: int = 1) -> None:
        """A connection is tried, so that an outage leaves no trace on any message."""
        broken = self._breaker.seconds_left
        if broken:
            raise ChannelAwayError(f"the service has failed too often; it is tried again in {broken:.0f} s")
        if self._reachable and time.monotonic() - self._heard_at < KEEP_ALIVE_SECONDS:
            return
        pause = self._paused_until - time.monotonic()
        if pause > 0:
            raise ChannelAwayError(f"the service asked for a pause, which lasts {pause:.0f} s more")
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(keepalive_timeout=KEEP_ALIVE_SECONDS, ssl=self._trust),
                timeout=ClientTimeout(
                    total=3 * self._timeout, connect=self._timeout, sock_read=self._timeout
                ),
                cookie_jar=DummyCookieJar(),
            )
        try:
            async with asyncio.timeout(self._timeout):
                trust = self._trust if self._url.scheme == "https" else None
                _, writer = await asyncio.open_connection(_bare(self._url.host), self._url.port, ssl=trust)
        except OSError as error:  # a TimeoutError is one
            said = untrusted(error, str(self._url), "RAPPORT_WEBHOOK_URL")
            raise ChannelAwayError(said or _text(error)) from error
        writer.transport.abort()  # no leave is taken: it is waited for long over TLS
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        self._reachable, self._heard_at = True, time.monotonic()

    @property
    def is_open(self) -> bool:
        return self._reachable and not self._breaker.seconds_left

    @property
    def lanes(self) -> int:
        """One alone tells whether a service that has failed is well again."""
        return min(super().lanes, 1) if self._breaker.tripped else super().lanes

    async def send(self, delivery: Delivery, at: datetime) -> Attempt:
        if self._session is None:
            return Attempt(Result.LATER, "not connected")
        started = time.perf_counter()
        try:
            attempt, well = await self._post(self._session, delivery)
            (self._breaker.worked if well else self._breaker.failed)()
            BROKEN.labels(self.name).set(self._breaker.tripped)
            return attempt
        finally:
            SEND_SECONDS.labels(self.name).observe(time.perf_counter() - started)

    async def _post(self, session: ClientSession, delivery: Delivery) -> tuple[Attempt, bool]:
        """What became of it, and whether the service is well."""
        body = payload(delivery)
        # Its receiver refuses what is old, so this is the wall clock even where the platform's is not.
        headers = signed(self._keys, delivery.outreach_id, int(time.time()), body)
        try:
            async with session.post(
                str(self._url), data=body, headers=headers, allow_redirects=False
            ) as answer:
                self._heard_at = time.monotonic()
                attempt = self._meaning(answer.status, answer.headers.get("Retry-After"))
                return attempt, answer.status < 500 and answer.status not in UNWELL
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            self._reachable = False
            return Attempt(Result.LATER, _text(error)), False
        except (ClientError, OSError) as error:
            # The connection stood, so the message may have arrived.
            self._reachable = False
            return Attempt(Result.IN_DOUBT, _text(error)), False

    def _meaning(self, status: int, retry_after: str | None) -> Attempt:
        if 200 <= status < 300:
            return Attempt(Result.SENT)
        if status not in ASK_AGAIN:
            return Attempt(Result.IN_DOUBT if status >= 500 else Result.FAILED, f"HTTP {status}")
        wish = _wish(retry_after)
        if wish is not None and status in PAUSES_ALL:
            self._paused_until = time.monotonic() + min(wish, LONGEST_PAUSE).total_seconds()
            self._reachable = False
        return Attempt(Result.LATER, f"HTTP {status}", wish)

    async def close(self) -> None:
        session, self._session, self._reachable = self._session, None, False
        if session is not None:
            await session.close()


def payload(delivery: Delivery) -> bytes:
    """The body: the same at every try."""
    data = {
        "outreach_id": delivery.outreach_id,
        "customer_id": delivery.customer,
        "channel": delivery.channel,
        "purpose": delivery.purpose,
        "rule": delivery.rule,
        "template": delivery.template,
        "to": {"name": delivery.to.name, "address": delivery.to.address},
        "sender": delivery.sender.name,
        "text": delivery.text,
        **delivery.headers,
    }
    told = {"type": "outreach.message", "timestamp": delivery.decided_at.isoformat(), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def signed(keys: Iterable[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a message, signed with each key. ``timestamp`` is in seconds since 1970."""
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(key, message_id, timestamp, body) for key in keys),
    }


def _wish(retry_after: str | None) -> timedelta | None:
    """``Retry-After`` in seconds, or as a date; None if it is neither."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return timedelta(seconds=min(int(retry_after[:9]), 10**8))
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):  # numbers that no date has room for
        return None
    aware = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(aware - datetime.now(UTC), timedelta(0))


def _bare(host: str | None) -> str | None:
    """An IPv6 address without its brackets."""
    return host.strip("[]") if host else host


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]
