"""JSON request bodies, read strictly: what a lenient parser guesses at is refused with 400.

Refused are: anything but UTF-8, a byte order mark, repeated names, NaN and infinities, numbers that overflow,
NUL and lone surrogates anywhere, nesting deeper than 64. (RFC 8259; RFC 7493, I-JSON.)
"""

import json
import math
import re
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope

from shared.http.problems import ProblemError

MAX_BODY = 1_048_576
"""Bytes of a request body, where a route does not say otherwise by `max_body_size`."""

_MAX_DEPTH = 64
_BAD_TEXT = re.compile("[\0\ud800-\udfff]")

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def loads(body: bytes) -> Json:
    """The value of a JSON text. Raises ValueError saying what is wrong, without quoting it."""
    if body.startswith(b"\xef\xbb\xbf"):
        raise ValueError("byte order mark")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at position {error.pos}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    _check(value, 0)
    return value


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return result


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value


# Made once: `json.loads` with these would make a decoder for every body.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_number)


def _check(value: Json, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check(item, depth + 1)


def _check_text(text: str) -> None:
    if _BAD_TEXT.search(text):
        raise ValueError("NUL or a lone surrogate in a text")


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
