"""What the store says, for whoever runs a command."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import PyMongoError

from rapport.trouble import TroubleError
from shared.runtime.mongo import refusal_of, unfound
from shared.runtime.transport import MongoSettings


@contextmanager
def explained(settings: MongoSettings) -> Iterator[None]:
    """Turn the driver's errors into a sentence, in which the store's address has no part: it may hold a
    password."""
    try:
        yield
    except PyMongoError as error:
        if (refusal := refusal_of(settings, error)) is not None:
            raise TroubleError(refusal.sentence) from None
        if (away := unfound(settings, error)) is not None:
            raise TroubleError(f"{away}: correct RAPPORT_MONGO, or look at DNS here.") from None
        raise TroubleError(
            f"The store did not answer as needed ({type(error).__name__}): check that it runs "
            "(`rapport status`) and that RAPPORT_MONGO names it."
        ) from None
