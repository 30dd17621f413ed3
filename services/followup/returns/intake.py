"""All ways in which mail comes back, beside the worker."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from services.followup.returns import lmtp, mailbox
from services.followup.returns.reader import ReturnsReader, ReturnsRuntime
from services.followup.settings import FollowupSettings


async def take_in(settings: FollowupSettings, runtime: ReturnsRuntime) -> None:
    """Until the worker stops: an ``extra`` task of ``run_worker``."""
    reader = ReturnsReader(runtime, settings.key_ring, settings.bounces)
    ways: list[Coroutine[Any, Any, None]] = []
    if settings.bounce_maildir is not None:
        ways.append(mailbox.watch(settings.bounce_maildir, reader, runtime.stopping))
    if settings.bounce_lmtp is not None:
        host, _, port = settings.bounce_lmtp.rpartition(":")
        ways.append(lmtp.serve(host.strip("[]"), int(port), reader, runtime.stopping))
    await asyncio.gather(*ways)
