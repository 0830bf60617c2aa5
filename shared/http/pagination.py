"""Keyset pages: a cursor says after which row the next page begins, so that insertions shift nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from shared.errors import InvalidInput

T = TypeVar("T")
R = TypeVar("R")

Key = tuple[str | int, ...]

CursorQuery = Annotated[
    str | None, Query(max_length=500, description="`next_cursor` of the page before; nothing for the first.")
]


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None


def encode_cursor(key: Key) -> str:
    """An opaque cursor for the row with this key."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: type) -> Key | None:
    """The key in a cursor whose parts have these types. Raises InvalidInput where it is not one of ours."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        key = None
    fits = (
        isinstance(key, list)
        and len(key) == len(kinds)
        and all(type(part) is kind for part, kind in zip(key, kinds, strict=True))
        and not any(isinstance(part, str) and "\0" in part for part in key)
        and not any(isinstance(part, int) and abs(part) >= 2**63 for part in key)
    )
    if not fits:
        raise _unknown()
    return tuple(key)


def decode_id(cursor: str | None) -> UUID | None:
    """The id in a cursor whose key is one. Raises InvalidInput where it is not one of ours."""
    key = decode_cursor(cursor, str)
    try:
        return UUID(str(key[0])) if key else None
    except ValueError:
        raise _unknown() from None


def page(rows: Sequence[R], limit: int, key: Callable[[R], Key], item: Callable[[R], T]) -> Page[T]:
    """A page of at most `limit` items, from rows of which one more than that was asked for."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(items=[item(row) for row in shown], next_cursor=encode_cursor(key(shown[-1])) if more else None)


def _unknown() -> InvalidInput:
    return InvalidInput("The cursor is not one of this list.", problems=(("cursor", "unknown"),))
