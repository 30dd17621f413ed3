"""Waiting for a dependency in trouble: backoff with jitter, for as long as it takes."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

import structlog
from bson.errors import BSONError
from pymongo.errors import OperationFailure, PyMongoError

from shared.kafka.publisher import BrokerAwayError
from shared.runtime import telemetry
from shared.runtime.words import words
from shared.worker.processing import FencedError

log = structlog.get_logger(__name__)
T = TypeVar("T")

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 10.0

DOCUMENT_CODES = frozenset(
    {
        2,  # BadValue: such as a sum that leaves 64 bits
        14,  # TypeMismatch: an increment of what is no number
        15,  # Overflow: nested too deep
        22,  # InvalidBSON
        28,  # PathNotViable
        52,  # DollarPrefixedFieldName
        53,  # InvalidIdField
        56,  # EmptyFieldName
        57,  # DottedFieldName
        66,  # ImmutableField
        121,  # DocumentValidationFailure
        10334,  # BSONObjectTooLarge
        11000,  # DuplicateKey: of a row; the journal's and the states' have errors of their own
        17280,  # KeyTooLong
        17419,  # too large after an update
        17420,  # the same, after a replacement
    }
)
"""MongoDB's codes for what is wrong with a document itself. The list is closed: whatever else a store says
(over quota, interrupted, not allowed, no primary, next year's codes) is about the store and waited for."""
TRANSIENT = "TransientTransactionError"


def about_document(error: Exception) -> bool:
    """Whether the store, or its driver, says that a document itself cannot be kept: it never will be."""
    if isinstance(error, BSONError | OverflowError | UnicodeError):
        return True  # raised before anything was sent
    if not isinstance(error, OperationFailure) or error.has_error_label(TRANSIENT):
        return False
    return bool(codes_of(error) & DOCUMENT_CODES)


def passes(error: Exception) -> bool:
    """Whether this is a dependency in trouble (wait and try again), not a bad event, nor a bug."""
    trouble = isinstance(error, PyMongoError | BrokerAwayError | OSError)
    return trouble and not about_document(error)


def codes_of(error: OperationFailure) -> set[int | None]:
    """The codes of a failed write: its own, and those of its single writes where it was a bulk."""
    problems: Iterable[Mapping[str, Any]] = (error.details or {}).get("writeErrors", [])
    return {error.code, *(p.get("code") for p in problems)}


class Backoff:
    """The pauses between the tries of one call: each twice as long as the one before, up to 10 s."""

    def __init__(self, service: str, dependency: str) -> None:
        self._service = service
        self._dependency = dependency
        self._delay = FIRST_SECONDS

    async def wait(self, error: Exception) -> None:
        """After a try that failed with this error. Raises ``CancelledError`` if the task was cancelled."""
        # A cancellation can get lost in the driver's call; a retry must not outlive it.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        telemetry.RETRIES.labels(self._service, self._dependency).inc()
        log.warning(
            "waiting for a dependency",
            dependency=self._dependency,
            error=words(error),
            retry_in=round(self._delay, 2),
        )
        await asyncio.sleep(self._delay * random.uniform(0.8, 1.2))
        self._delay = min(self._delay * 2, LONGEST_SECONDS)


async def retry(
    service: str,
    dependency: str,
    call: Callable[[], Awaitable[T]],
    *,
    waits: Callable[[Exception], bool] = passes,
) -> T:
    """Call until it succeeds or fails for good; trouble that passes (``waits``) is waited for."""
    backoff = Backoff(service, dependency)
    while True:
        try:
            return await call()
        except Exception as error:
            if not waits(error):
                raise
            await backoff.wait(error)


async def takes_another(prove: Callable[[], Awaitable[None]]) -> bool:
    """Whether the store takes a write without the event that it refused (``prove``): else the fault is its
    own. Raises ``FencedError``."""
    try:
        await prove()
    except FencedError:
        raise
    except Exception:  # whatever it is: a store that refuses a write of nothing is at fault, no event
        return False
    return True
