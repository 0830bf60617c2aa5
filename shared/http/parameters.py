"""What paths and queries of many requests have.

Apart from `types`: those the command line reads too, which has no use for the framework and starts without it.
"""

from typing import Annotated

from fastapi import Path, Query

from shared.http.types import Slug

SlugPath = Annotated[Slug, Path(description="A configured thing's slug.")]

Limit = Annotated[int, Query(ge=1, le=200, description="Most items of a page.")]
