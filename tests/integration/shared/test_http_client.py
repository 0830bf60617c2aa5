"""How our clients of HTTP fare with peers that die under their hands."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator

import httpx
import pytest
import uvloop

from shared.http_client import Client

ATTEMPTS = 500
"""Without the mend about one in fifteen ended in an error that is none of httpx's."""
_AT_ONCE = struct.pack("ii", 1, 0)


@pytest.fixture
def resetting() -> Iterator[str]:
    """The address of somebody who resets every connection as soon as it is there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def reset_all() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                connection.close()

        thread = threading.Thread(target=reset_all)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


async def test_a_connection_that_is_reset_while_it_is_made_is_an_error_of_the_transport(resetting: str) -> None:
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
    async with Client() as client:
        for _ in range(ATTEMPTS):
            with pytest.raises(httpx.TransportError):
                await client.get(resetting)
