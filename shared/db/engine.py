"""The connection pool, and what a failing statement means."""

import asyncio

from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.errors import DatabaseUnavailable, DataRefused, TransientError, WaypostError

_SESSION = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "transaction_timeout": "15s",
    "timezone": "UTC",
    "jit": "off",
}
"""Bounds that the server keeps even where a client hangs."""


class LockTimeout(TransientError):
    """Somebody else holds the row for too long."""


class Collision(TransientError):
    """A deadlock, a serialisation failure or a stale plan: the whole unit of work is run again."""


def open_engine(url: str, *, name: str, pool_size: int) -> AsyncEngine:
    """A pool of connections that call themselves `name`.

    url: `postgresql://role:password@host:port/database`
    """
    return create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args={
            "server_settings": {"application_name": name, **_SESSION},
            "command_timeout": 8,
            "timeout": 5,
        },
    )


def meaning(error: BaseException) -> WaypostError | None:
    """What an error of the driver says in our terms, or None where it says that our SQL is wrong.

    SQLSTATE classes: 22, 23 bad data; 40 collisions; 08, 53, 57 and broken connections: unavailable.
    """
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        if state == "55P03":
            return LockTimeout()
        if state[:2] == "40" or "cached statement plan is invalid" in str(error.orig):
            return Collision()
        if state[:2] in ("22", "23"):
            return DataRefused(f"SQLSTATE {state}")
        if (
            error.connection_invalidated
            or isinstance(error, InterfaceError)
            or state[:2] in ("08", "53", "57", "25")
        ):
            return DatabaseUnavailable()
        return None
    if isinstance(error, PoolTimeout | OSError | asyncio.TimeoutError):
        return DatabaseUnavailable()
    return None
