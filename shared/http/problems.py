"""RFC 9457 problem details. The one place that knows which status an error has."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from shared.db.engine import LockTimeout
from shared.errors import (
    Conflict,
    DataRefused,
    DomainError,
    IllegalTransition,
    InvalidInput,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    StaleEpoch,
    TransientError,
)
from shared.telemetry.names import Log

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
_TYPE = "https://waypost.dev/problems/"
_MAX_ERRORS = 20
_RETRY_AFTER_S = "1"


class FieldProblem(BaseModel):
    """What is wrong at one place of the request."""

    pointer: str = Field(description="JSON pointer into the body, or the parameter's name.")
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="A URI whose last part is a stable slug.")
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default_factory=list)


class ProblemError(HTTPException):
    """An answer other than success, made at the edge."""

    def __init__(self, status: int, slug: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, dict(headers) if headers else None)
        self.slug = slug


_STATUS: Sequence[tuple[type[DomainError], int]] = (
    (NotFound, 404),
    (NotAllowed, 403),
    (Conflict, 409),
    (IllegalTransition, 409),
    (PreconditionFailed, 412),
    (InvalidInput, 422),
    (DomainError, 409),
)

_TITLES = {
    400: "Malformed request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    412: "Precondition failed",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid request",
    428: "Precondition required",
    429: "Too many requests",
    500: "Internal error",
    503: "Unavailable",
}
_SLUGS = {status: title.lower().replace(" ", "-") for status, title in _TITLES.items()}

ANSWERS: dict[int | str, dict[str, object]] = {
    status: {
        "description": _TITLES[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in (400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 503)
}
"""Every answer but success that a route may give, for the OpenAPI document."""


def answer(
    status: int,
    slug: str,
    detail: str,
    *,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem details response. It never carries what the client sent."""
    body = {
        "type": f"{_TYPE}{slug}",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "errors": [error.model_dump() for error in errors[:_MAX_ERRORS]],
    }
    # ASCII only: a lone surrogate in a field's name must not break the answer that complains about it.
    return Response(json.dumps(body).encode("ascii"), status, headers, MEDIA_TYPE)


def response_for(error: Exception) -> Response | None:
    """The answer that an error of ours means, or None where it is a defect."""
    match error:
        case InvalidInput():
            problems = [FieldProblem(pointer=pointer, detail=detail) for pointer, detail in error.problems]
            return answer(422, error.slug, str(error), errors=problems)
        case DomainError():
            status = next(status for kind, status in _STATUS if isinstance(error, kind))
            return answer(status, error.slug, str(error))
        case DataRefused():
            return answer(422, "invalid-request", "The database refuses a value of this request.")
        case LockTimeout():
            return answer(409, "busy", "Another request is working on this.", headers=_retry())
        case TransientError() | StaleEpoch():
            return answer(503, "unavailable", str(error), headers=_retry())
        case ProblemError():
            return answer(error.status_code, error.slug, error.detail, headers=error.headers)
        case HTTPException():
            slug = _SLUGS.get(error.status_code, "error")
            return answer(error.status_code, slug, _TITLES.get(error.status_code, "Error"), headers=error.headers)
        case RequestValidationError():
            return answer(422, "invalid-request", "The request does not fit.", errors=_field_problems(error))
        case _:
            return None


def install(app: FastAPI, methods_of: Callable[[str], str]) -> None:
    """Makes every error of this application a problem.

    methods_of: what may be done with a path, as `Allow` says it
    """

    async def handle(request: Request, error: Exception) -> Response:
        if response := response_for(error):
            if response.status_code == 405:
                response.headers["allow"] = methods_of(request.scope["path"])
            return response
        log.error(Log.REQUEST_FAILED, method=request.method, exc_info=error)
        return answer(500, "internal-error", "This is our mistake; it has been logged.")

    handler: Callable[[Request, Exception], Awaitable[Response]] = handle
    for kind in (
        DomainError,
        DataRefused,
        TransientError,
        StaleEpoch,
        HTTPException,
        RequestValidationError,
        Exception,
    ):
        app.add_exception_handler(kind, handler)


def _retry() -> dict[str, str]:
    return {"Retry-After": _RETRY_AFTER_S}


def _field_problems(error: RequestValidationError) -> list[FieldProblem]:
    return [
        FieldProblem(pointer=_pointer(tuple(problem["loc"])), detail=problem["msg"])
        for problem in error.errors()[:_MAX_ERRORS]
    ]


def json_pointer(path: Iterable[str | int]) -> str:
    """`("from", "email")` as `/from/email` (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _pointer(place: tuple[str | int, ...]) -> str:
    """`("body", "from", "email")` as `/from/email`; a parameter as its name."""
    kind, *path = place or ("body",)
    if kind != "body":
        return str(path[0]) if path else str(kind)
    return json_pointer(path)
