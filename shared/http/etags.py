"""ETags: a resource's version as its entity tag, and what If-Match asks of it (RFC 9110, section 13.1.1)."""

import re
from typing import Annotated

from fastapi import Depends, Header

from shared.errors import InvalidInput, PreconditionFailed
from shared.http.problems import ProblemError

_TAG = re.compile(r'"(\d{1,18})"\Z')


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


class IfMatch:
    """The versions that a caller says it has seen; `*` is any."""

    def __init__(self, header: str | None) -> None:
        self.is_given = header is not None
        self._is_any = header is not None and header.strip() == "*"
        self._versions = {
            int(match[1]) for part in (header or "").split(",") if (match := _TAG.match(part.strip()))
        }

    @property
    def names_versions(self) -> bool:
        """Whether the caller has seen certain ones, and no other will do."""
        return self.is_given and not self._is_any

    def check(self, version: int) -> None:
        """Raises PreconditionFailed where the resource has moved on."""
        if self.names_versions and version not in self._versions:
            raise PreconditionFailed

    def require(self) -> None:
        """Raises ProblemError 428 where the caller must say which version it has seen."""
        if not self.is_given:
            raise ProblemError(
                428, "precondition-required", "Send If-Match with the ETag of the version you have read."
            )


async def _must_be_new(
    if_none_match: Annotated[
        str | None, Header(max_length=1000, description="`*`: only where there is none yet.")
    ] = None,
) -> bool:
    if if_none_match is not None and if_none_match.strip() != "*":
        raise InvalidInput("If-None-Match can only be *.", problems=(("if-none-match", "is not *"),))
    return if_none_match is not None


async def _if_match(if_match: Annotated[str | None, Header(max_length=1000)] = None) -> IfMatch:
    return IfMatch(if_match)


MustBeNewHeader = Annotated[bool, Depends(_must_be_new)]
"""Whether `If-None-Match: *` asks that there be nothing yet."""

IfMatchHeader = Annotated[IfMatch, Depends(_if_match)]
