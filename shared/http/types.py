"""Types that requests are made of."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

SLUG_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"


def _clean(text: str) -> str:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("NUL or a lone surrogate")
    return text


Text = Annotated[str, AfterValidator(_clean)]
"""Text that PostgreSQL can keep. Bodies are checked by their reader, paths and queries by this."""

Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN)]
"""What people name things they configure by: unique in its workspace."""

SlugPath = Annotated[Slug, Path(description="A configured thing's slug.")]

Limit = Annotated[int, Query(ge=1, le=200, description="Most items of a page.")]


class Request(BaseModel):
    """A request body: unknown fields are refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
