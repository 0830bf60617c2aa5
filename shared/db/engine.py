"""The connection pool, and what a failing statement means."""

import asyncio

from sqlalchemy.exc import DBAPIError, InterfaceError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.errors import DatabaseUnavailable, DataRefused, FatalError, StaleEpoch, TransientError, WaypostError

_SESSION = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "transaction_timeout": "15s",
    "timezone": "UTC",
    "jit": "off",
    # Our statements look rows up by key, so one plan fits all their arguments: indexes and nested loops, in
    # the order in which the joins are written. Left to itself the planner believes a young table to be
    # small, or joins by workspace first because every table has one, and then keeps that plan.
    "join_collapse_limit": "1",
    "from_collapse_limit": "1",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "plan_cache_mode": "force_generic_plan",
}
"""Bounds that the server keeps even where a client hangs, and how it plans."""


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
        pool_recycle=1800,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={
            "server_settings": {"application_name": name, **_SESSION},
            "command_timeout": 8,
            "timeout": 5,
        },
    )


SURROUNDINGS = (TransientError, StaleEpoch, FatalError, MemoryError, SQLAlchemyError)
"""Errors that say nothing about what was asked for: what it stands on fails, or our SQL is wrong in any case.

Any other is the fault of what was being done, also one that nobody foresaw. Were that to end the process, the next
one would meet the same record or command, and every workspace of the shard would wait for one defect.
"""


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
            return DataRefused(f"SQLSTATE {state}{_place(error.orig)}")
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


def _place(error: object) -> str:
    """Which table, column or constraint refuses, as far as the driver says. Never the value."""
    cause = getattr(error, "__cause__", None)
    names = [getattr(cause, f"{what}_name", None) for what in ("table", "column", "constraint")]
    known = ".".join(name for name in names if name)
    return f" at {known}" if known else ""
