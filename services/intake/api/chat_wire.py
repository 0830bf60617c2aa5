"""A visitor's socket: reads and writes frames, and closes in good order."""

import asyncio
from contextlib import suppress
from enum import IntEnum

from starlette.websockets import WebSocket, WebSocketDisconnect

from services.intake.api.chat_frames import Asked, Told, Unacceptable, parse
from shared.clock import monotonic

_CLOSE_S = 1.0


class Close(IntEnum):
    """Why a connection ends."""

    DONE = 1000
    FAILED = 1011
    """By our own fault."""
    RESTART = 1012
    """This process stops: another one has the conversation at once."""
    TRY_LATER = 1013
    MALFORMED = 4400
    VISITOR_TOKEN = 4401
    REFUSED = 4403
    """No such channel, or not from here: nobody is told which."""
    TOO_SLOW = 4408
    TOO_FAST = 4429


class Ended(Exception):
    """The connection has to end, or has ended. code: what the visitor's page is told; none where it has gone."""

    def __init__(self, code: Close | None) -> None:
        super().__init__(code)
        self.code = code


class Wire:
    """One connection.

    One frame is on its way out at a time, and whoever has another waits: nothing piles up here. A client
    that does not read for so long that the frame cannot leave is dropped, and finds everything when it resumes.
    """

    def __init__(self, socket: WebSocket, *, slow_after_s: float) -> None:
        self._socket = socket
        self._slow_after_s = slow_after_s
        self._turn = asyncio.Lock()
        self.heard_at = monotonic()

    async def receive(self) -> Asked | Unacceptable:
        """The next frame. Raises Ended."""
        message = await self._socket.receive()
        self.heard_at = monotonic()
        if message["type"] == "websocket.disconnect":
            raise Ended(None)
        text = message.get("text")
        frame = parse(text) if text is not None else None
        if frame is None:
            raise Ended(Close.MALFORMED)
        return frame

    async def send(self, frame: Told) -> None:
        """Sends a frame. Raises Ended."""
        text = frame.model_dump_json(exclude_none=True)
        async with self._turn:
            try:
                async with asyncio.timeout(self._slow_after_s):
                    await self._socket.send_text(text)
            except TimeoutError:
                raise Ended(Close.TOO_SLOW) from None
            except (WebSocketDisconnect, RuntimeError, OSError):
                raise Ended(None) from None

    async def close(self, code: Close) -> None:
        """Says goodbye, where that can still be heard."""
        with suppress(TimeoutError, RuntimeError, OSError, WebSocketDisconnect):
            async with asyncio.timeout(_CLOSE_S):
                await self._socket.close(code)
