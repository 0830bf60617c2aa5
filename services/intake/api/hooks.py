"""`/v1/hooks`: what providers post. They bring no token: their own signature says who they are.

These routes have a contract of their own, as some providers drop a mail for good at statuses that a framework
gives freely: 200 once it is stored, 503 where it may be sent again, 403 (Mailgun: 406) for what is not theirs.
"""

import asyncio
from collections.abc import Callable

import structlog
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from services.intake.adapters.bytes_in_hand import Gathering
from services.intake.adapters.hooks.door import HookDoor, Refused
from services.intake.adapters.hooks.requests import HookRequest
from services.intake.domain.provider import ProviderName
from shared.errors import StaleEpoch, TransientError, Unavailable
from shared.http import problems
from shared.telemetry.names import Log

log = structlog.get_logger()

_READ_FACTOR = 2
"""So many times of what is kept is read, to verify it and keep its beginning."""

_WITHIN_S = 30.0
_RETRY_AFTER_S = "5"
_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
_TWILIO = (ProviderName.TWILIO_SMS, ProviderName.TWILIO_VOICE)
_PROVIDERS = {name.value: name for name in ProviderName}
_TEXT = {"schema": {"type": "string"}}

_PATH = "/v1/hooks/{address}/{provider:path}"
"""The provider with whatever follows it: a slash at the end changes nothing, all else makes it nobody's name."""

_METHODS = {
    "POST": (
        "take_hook",
        "Takes what a provider posts; it is stored when the answer comes, and read after it.",
        "Stored, or known already",
    ),
    "GET": (
        "answer_hook",
        "Answers the challenge of a subscription; takes what Twilio sends by GET.",
        "The challenge, or stored",
    ),
}
"""What each is called, what it does, and what its 200 says."""


def routes(door: HookDoor, is_stopping: Callable[[], bool]) -> APIRouter:
    """The doors of all channels, with and without a slash at the end."""
    router = APIRouter(tags=["hooks"])

    async def serve(address: str, provider: str, request: Request) -> Response:
        name = _PROVIDERS.get(provider.removesuffix("/"))
        try:
            if is_stopping():
                raise Unavailable("stopping")
            with door.in_hand(name).gathering() as gathering:
                body = await _read(request, gathering, most=door.most(name) * _READ_FACTOR)
                return _answer(name, await door.take(address, name, _call(request, body)))
        except Refused:
            return _refusal(name)
        except (TransientError, StaleEpoch, ClientDisconnect):
            return _later()
        except Exception:
            log.exception(Log.REQUEST_FAILED, method=request.method)
            return _later()

    for method, (operation, description, taken) in _METHODS.items():
        router.add_api_route(
            _PATH,
            serve,
            methods=[method],
            name=operation,
            description=description,
            response_class=Response,
            responses={
                200: {"description": taken, "content": {"text/plain": _TEXT, "text/xml": _TEXT}},
                403: problems.ANSWERS[403],
                406: {**problems.ANSWERS[403], "description": "Not allowed, in the words of Mailgun"},
                503: problems.ANSWERS[503],
            },
        )
    return router


async def _read(request: Request, gathering: Gathering, *, most: int) -> bytes:
    """The body. Raises Unavailable where it is far too large or does not come, or all are too large."""
    try:
        async with asyncio.timeout(_WITHIN_S):
            async for piece in request.stream():
                gathering.add(piece)
                if gathering.size > most:
                    # Nobody has looked at its signature: to say that it is not theirs would lose a mail.
                    raise Unavailable("The body is far too large.")
    except TimeoutError:
        raise Unavailable("The body does not come.") from None
    return gathering.whole()


def _call(request: Request, body: bytes) -> HookRequest:
    raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return HookRequest(
        method=request.method,
        path=raw_path.decode("latin-1"),
        query=request.scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw),
        body=body,
    )


def _answer(name: ProviderName | None, text: str) -> Response:
    if text:
        return Response(text, media_type="text/plain")
    if name in _TWILIO:
        return Response(_TWIML, media_type="text/xml")
    return Response(media_type="text/plain")


def _refusal(name: ProviderName | None) -> Response:
    """The same for a wrong signature and for a channel that is not there."""
    status = 406 if name is ProviderName.MAILGUN else 403
    return problems.answer(status, "not-allowed", "No channel here knows this provider and its signature.")


def _later() -> Response:
    detail = "Not now; send it again."
    return problems.answer(503, "unavailable", detail, headers={"Retry-After": _RETRY_AFTER_S})
