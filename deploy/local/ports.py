"""Loopback ports: finding free ones, and saying who has a taken one."""

import secrets
import socket
from contextlib import closing

import psutil  # type: ignore[import-untyped]  # it ships no types

from deploy.local.errors import LocalError

LOOPBACK = "127.0.0.1"

# Below the ports that the kernel gives to outgoing connections. A client that keeps dialling a stopped
# server on one of those is one day given the server's own port: connected to itself, it blocks the
# server's return.
FREE_PORTS = range(10_000, 28_000)
SERVER_PORTS = range(28_000, 32_000)
"""For servers, which choose when they start: none of those that others were given before and do not use yet."""


def free_ports(count: int, among: range = FREE_PORTS) -> list[int]:
    """Different ports on which nobody listens now; whoever binds one later must expect to find it taken."""
    found: set[int] = set()
    while len(found) < count:
        port = secrets.choice(among)
        if not is_taken(port):
            found.add(port)
    return list(found)


def is_taken(port: int) -> bool:
    """Whether somebody listens on the port."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        # As servers do: connections that are only closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
        return False


def require_free(port: int, wanted_by: str) -> None:
    """Raises LocalError, with the name of the process that listens on the port if that can be told."""
    if is_taken(port):
        raise LocalError(
            f"Port {port}, which {wanted_by} needs, is taken by {_listener(port)}. "
            "Stop that, or move all of Waypost's ports with WAYPOST_PORT_BASE."
        )


def _listener(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass  # not root on macOS, or it has just ended
    return "another process"
