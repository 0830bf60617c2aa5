"""HTTP/1.1 with the least that a client can do: the load must not cost more than what it loads."""

import asyncio
import json
from typing import Any


class Connection:
    """One connection, opened when it is needed and again when it broke. Requests go over it one at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, bearer: str, body: object) -> tuple[int, Any] | None:
        """Status and body; None where nothing is known of what became of it."""
        try:
            async with asyncio.timeout(15):
                return await self._post(path, bearer, json.dumps(body).encode())
        except (OSError, EOFError, TimeoutError):
            await self.close()
            return None

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _post(self, path: str, bearer: str, body: bytes) -> tuple[int, Any]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {bearer}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        _, _, length = head.partition("content-length: ")
        answer = await reader.readexactly(int(length.split("\r\n")[0]))
        if "connection: close" in head:
            await self.close()
        return int(head.split()[1]), json.loads(answer)
