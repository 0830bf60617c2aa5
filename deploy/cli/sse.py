"""Follows server-sent events, and goes on where it was after a break."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import httpx
from httpx_sse import EventSource, SSEError

from deploy.cli.api import Query, Service, refusal

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0
_SILENCE_S = 60.0
"""A stream has a heartbeat every fifteen seconds: one that is silent for so long is dead."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event."""

    name: str
    data: str


async def follow(service: Service, path: str, query: Query | None = None) -> AsyncGenerator[Event, None]:
    """Events for as long as anybody asks for more.

    Raises CliError where nobody answers at all, and Refused where the service says no for good.
    """
    last_id, pause_s, has_answered = "", _FIRST_PAUSE_S, False
    while True:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        try:
            async with service.stream(path, query, headers, silence_s=_SILENCE_S) as answer:
                has_answered = True
                if not answer.is_success:
                    await answer.aread()
                    if answer.status_code < 500:
                        raise refusal(service.name, answer)
                else:
                    async for event in EventSource(answer).aiter_sse():
                        last_id, pause_s = event.id or last_id, _FIRST_PAUSE_S
                        yield Event(event.event, event.data)
        except httpx.HTTPError as error:
            if not has_answered:
                raise service.unreachable(error) from None
            # Otherwise the service is away, or is being started again.
        except SSEError:
            pass  # a proxy's page: the service itself is away
        await asyncio.sleep(pause_s)
        pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
