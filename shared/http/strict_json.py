"""JSON request bodies, read strictly, with a limit. What is read how is in `shared/strict_json.py`."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope

from shared.http.problems import ProblemError
from shared.strict_json import loads

MAX_BODY = 1_048_576
"""Bytes of a request body, where a route does not say otherwise by `max_body_size`."""


class StrictRequest(Request):
    """A request whose body has a limit and whose JSON is read strictly."""

    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        super().__init__(scope, receive)
        self._limit = limit

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body's pieces. Raises ProblemError with status 413 as soon as it is known to be too large."""
        announced = self.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > self._limit:
            raise self._too_large()
        size = 0
        async for piece in super().stream():
            size += len(piece)
            if size > self._limit:
                raise self._too_large()
            yield piece

    async def json(self) -> Any:
        """The body's value. Raises ProblemError with status 400."""
        if not hasattr(self, "_strict_json"):
            try:
                self._strict_json = loads(await self.body())
            except ValueError as error:
                raise ProblemError(400, "malformed-json", f"The body is not acceptable JSON: {error}.") from None
        return self._strict_json

    def _too_large(self) -> ProblemError:
        return ProblemError(413, "too-large", f"The body is larger than {self._limit} bytes.")


class StrictRoute(APIRoute):
    """A route that takes its body as strict JSON, in no other media type, up to a limit.

    The framework's own limit answers in plain text: ours answers with a problem.
    """

    def __init__(self, *args: Any, max_body_size: int | None = None, **options: Any) -> None:
        self._limit = max_body_size or MAX_BODY
        super().__init__(*args, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler behind the strict reader."""
        handle = super().get_route_handler()
        takes_json = self.body_field is not None and not isinstance(self.body_field.field_info, Form)

        async def strictly(request: Request) -> Response:
            request = StrictRequest(request.scope, request.receive, self._limit)
            if takes_json:
                _require_json(request)
            return await handle(request)

        return strictly


def _require_json(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ProblemError(415, "unsupported-media-type", "Send the body as application/json.")
