"""Waiting for a dependency in trouble: backoff with jitter, for as long as it takes."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from pymongo.errors import ConnectionFailure, ExecutionTimeout, PyMongoError, WaitQueueTimeoutError

from shared.kafka.publisher import BrokerAwayError
from shared.runtime import telemetry

log = structlog.get_logger(__name__)
T = TypeVar("T")

TRANSIENT_CODES = frozenset({6, 7, 89, 91, 112, 133, 134, 189, 251, 262, 9001, 10107, 11600, 13435, 14031})
"""MongoDB's codes for trouble that passes: host, network, election, write conflict, disk full."""


def passes(error: Exception) -> bool:
    """Whether this is a dependency in trouble (wait and try again), not a bad event."""
    if isinstance(error, BrokerAwayError | ConnectionFailure | ExecutionTimeout | WaitQueueTimeoutError):
        return True
    if isinstance(error, PyMongoError):
        transient = error.has_error_label("TransientTransactionError")
        unknown = error.has_error_label("UnknownTransactionCommitResult")
        return transient or unknown or getattr(error, "code", None) in TRANSIENT_CODES
    return isinstance(error, OSError)


async def retry(service: str, dependency: str, call: Callable[[], Awaitable[T]]) -> T:
    """Call until it succeeds or fails for good; trouble that passes is waited for."""
    delay = 0.1
    while True:
        try:
            return await call()
        except Exception as error:
            if not passes(error):
                raise
            # A cancellation can get lost in the driver's call; a retry must not outlive it.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise asyncio.CancelledError from error
            telemetry.RETRIES.labels(service, dependency).inc()
            log.warning(
                "waiting for a dependency",
                dependency=dependency,
                error=str(error)[:300],
                retry_in=round(delay, 2),
            )
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))
            delay = min(delay * 2, 10.0)
