"""One attempt to tell somebody outside. Whatever it raises is its own failure, and ends nobody else's."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from shared.egress import EgressRefused
from shared.errors import FatalError, StaleEpoch, TransientError
from shared.telemetry.logging import frames
from shared.telemetry.names import Log

log = structlog.get_logger()

T = TypeVar("T")


async def attempted(attempt: Awaitable[T], failed: Callable[[str], T], *, way: str) -> T:
    """What an attempt comes to.

    failed: makes that of the reason where the attempt raised; way: by which it went, for the log
    Raises StaleEpoch and FatalError, which are not about the attempt.
    """
    try:
        return await attempt
    except (TransientError, EgressRefused) as error:
        return failed(str(error))
    except (StaleEpoch, FatalError):
        raise
    except Exception as error:  # noqa: BLE001 - the next process, and the one after that, would end of it, too
        # Addresses and answers are others', and so may be what the error says.
        where = frames(error)
        log.error(Log.ATTEMPT_BROKE_OFF, way=way, error=type(error).__name__, where=where)  # noqa: TRY400 - no words
        return failed(f"the attempt broke off: {type(error).__name__}")
