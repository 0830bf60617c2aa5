"""Payloads as values. Whatever a provider leaves out or writes otherwise, only Unreadable is raised."""

from collections.abc import Iterator
from datetime import UTC, datetime

from shared.strict_json import Json, loads

_MAX_TEXT = 500_000
_MAX_SHORT = 400


class Unreadable(ValueError):
    """This payload is not what its provider documents."""


Object = dict[str, Json]


def json_object(content: bytes) -> Object:
    """The JSON object in a body. Raises Unreadable."""
    try:
        value = loads(content, replaces=True)
    except ValueError as error:
        raise Unreadable(f"no acceptable JSON: {error}") from None
    if not isinstance(value, dict):
        raise Unreadable("no JSON object")
    return value


def part(value: Json, *path: str) -> Object:
    """The object at this path; an empty one where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: Object, name: str) -> Iterator[Object]:
    """The objects in the list of this name."""
    found = value.get(name)
    return (item for item in (found if isinstance(found, list) else []) if isinstance(item, dict))


def text(value: Object, name: str, most: int = _MAX_SHORT) -> str | None:
    """The text of this name; a number as it is written; None where there is neither, or nothing in it."""
    found = value.get(name)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    return found[:most] if isinstance(found, str) and found else None


def needed(value: Object, name: str, most: int = _MAX_SHORT) -> str:
    """As `text`. Raises Unreadable where there is none, or one that is too long to know something by."""
    found = text(value, name, most + 1)
    if found is None or len(found) > most:
        raise Unreadable(f"{name} is missing")
    return found


def code(value: Object, name: str) -> int | None:
    """The number of an error, which may be written as text; None where there is none."""
    found = text(value, name)
    is_number = found is not None and found.isascii() and found.isdigit() and len(found) < 10
    return int(found) if found and is_number else None


def long_text(value: Object, name: str) -> str:
    """What somebody wrote; empty where there is nothing."""
    return text(value, name, _MAX_TEXT) or ""


def seconds(value: Json) -> datetime | None:
    """The moment that is written as seconds since 1970, also within a text and with a fraction."""
    try:
        at = datetime.fromtimestamp(float(value), UTC) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError, OSError):
        return None
    return at if at and at.year < 2200 else None


def instant(value: Json) -> datetime | None:
    """The moment that is written as RFC 3339 says."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at.astimezone(UTC) if at and at.tzinfo else None
    except (ValueError, OverflowError):
        return None
