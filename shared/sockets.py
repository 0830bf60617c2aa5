"""Sockets on which a service listens."""

import socket

_GIVEN_UP_AFTER_MS = 60_000


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections there; port 0 lets the kernel choose. Raises OSError where it is taken.

    What is written to a connection leaves at once. Otherwise the second write of an answer waits until the
    client has confirmed the first, 40 ms on most systems; and asyncio asks for that only on sockets of its own.
    A connection whose client takes nothing of what was sent for a minute is dead: what waits for it is let go.
    """
    listening = socket.create_server((host, port))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted connections inherit both
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _GIVEN_UP_AFTER_MS)
    return listening
