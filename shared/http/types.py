"""Types that requests are made of."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    JsonValue,
    StringConstraints,
)

SLUG_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"


def _clean(text: str) -> str:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("NUL or a lone surrogate")
    return text


Text = Annotated[str, AfterValidator(_clean)]
"""Text that PostgreSQL can keep. Bodies are checked by their reader, paths and queries by this."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _written_out(value: object) -> object:
    # Pydantic takes numbers for seconds since 1970, which no schema says.
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("write it as 2026-01-31T12:00:00Z")
    return value


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        # Within a day of the first or the last year: near enough for a date that nobody means.
        edge = datetime.min if instant.year == 1 else datetime.max  # noqa: DTZ901 - gets its zone below
        return edge.replace(tzinfo=UTC)


Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""A point in time as in RFC 3339, in UTC afterwards."""

_SPACES = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
"""Spaces, controls and marks without a shape, spelled out: each language has its own idea of `\\s`."""

Email = Annotated[str, StringConstraints(pattern=rf"^[^@<>,;\"{_SPACES}]{{1,64}}@[^@<>,;\"{_SPACES}]{{1,189}}$")]
"""A mail address as people give it; whether anybody reads it there is another matter."""

MailDomain = Annotated[str, StringConstraints(pattern=rf"^[^@<>,;\"{_SPACES}]{{1,189}}$")]
"""What stands behind the @."""

Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN)]
"""What people name things they configure by: unique in its workspace."""


class Request(BaseModel):
    """A request body: unknown fields are refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def exactly_one_of(*fields: str) -> ConfigDict:
    """How a request that has exactly one of these fields is described; the request itself refuses all others."""
    present: list[JsonValue] = [
        {"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in fields
    ]
    return ConfigDict(json_schema_extra={"oneOf": present})
