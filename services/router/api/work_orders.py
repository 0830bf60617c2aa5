"""`/v1/work-orders/{token}`: what partners' links lead to. The token is all that it takes.

Mail scanners and previews follow links: a GET changes nothing.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Path, Request, Response
from pydantic import TypeAdapter, ValidationError

from services.router.api import work_order_page
from services.router.api.negotiation import prefers_html
from services.router.api.order_desk import OrderDesk, OrderKey, WorkOrderAnswer
from services.router.api.schemas import Reason
from services.router.api.work_order_page import MOST_OF_REASON
from services.router.app.partner_webhooks import PATH
from shared.errors import InvalidInput, NotFound, WaypostError
from shared.http.app import api_router
from shared.http.forwarding import require_here
from shared.http.problems import ProblemError, response_for
from shared.http.strict_json import StrictRequest
from shared.http.throttle import Throttle
from shared.link_tokens import LinkTokens

_MAX_BODY = 16_384
_A_MINUTE = 60
"""Requests about one order, and, of one address, with tokens that are not ours."""
_FORM = "application/x-www-form-urlencoded"
_REMARK: TypeAdapter[str] = TypeAdapter(Reason)

# Described, not checked: any other text is a token that is not ours, and answered so.
Token = Annotated[
    str,
    Path(
        description="As it stands in the work order's links.",
        json_schema_extra={"pattern": "^[A-Za-z0-9_-]{1,200}$"},
    ),
]
Act = Callable[[OrderKey, str | None], Awaitable[WorkOrderAnswer]]

_REMARK_SCHEMA = {
    "type": "object",
    "properties": {"reason": {"type": "string", "maxLength": MOST_OF_REASON}},
    "additionalProperties": False,
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "content": {"application/json": {"schema": _REMARK_SCHEMA}},
    }
}


def routes(orders: OrderDesk, tokens: LinkTokens) -> APIRouter:
    """Work orders, for who has their links."""
    router = api_router("work orders")
    by_order, by_address = Throttle(_A_MINUTE), Throttle(_A_MINUTE)

    def admitted(token: str, request: Request) -> OrderKey:
        """What the token names. Raises NotFound, and ProblemError for who comes too often."""
        key = tokens.read(token)
        client = request.client.host if request.client else ""
        if not (by_address.admits(client) if key is None else by_order.admits(f"{key[0]}/{key[1]}")):
            raise ProblemError(429, "too-many-requests", "Come again in a minute.", headers={"Retry-After": "60"})
        if key is None:
            raise NotFound("There is no such work order.")
        return key

    async def act(token: str, request: Request, action: Act) -> Response:
        # The page's buttons post forms; who posts anything else is no browser, whatever it would take.
        is_page = _media_type(request) == _FORM and _prefers_html(request)
        try:
            key = admitted(token, request)
            await require_here(request, key[0])
            answer = await action(key, await _reason(request))
        except (WaypostError, ProblemError) as error:
            return _refused(error, is_page=is_page, back=f"../{token}")
        if not is_page:
            return _json(answer)
        # The page says how it stands, and reloading it does nothing again.
        return Response(status_code=303, headers={"Location": f"../{token}", "Referrer-Policy": "no-referrer"})

    @router.get(f"{PATH}/{{token}}", response_model=WorkOrderAnswer)
    async def show_work_order(token: Token, request: Request) -> Response:
        """A work order as it stands: a page for people, or JSON. Changes nothing."""
        is_page = _prefers_html(request)
        try:
            order = await orders.read(admitted(token, request))
        except (WaypostError, ProblemError) as error:
            return _refused(error, is_page=is_page)
        return work_order_page.order_page(token, order) if is_page else _json(order)

    @router.post(f"{PATH}/{{token}}/accept", response_model=WorkOrderAnswer, max_body_size=_MAX_BODY)
    async def accept_work_order(token: Token, request: Request) -> Response:
        """Takes the order. A repeat is answered alike; 409 when it is over."""
        return await act(token, request, lambda key, _: orders.accept(key))

    @router.post(
        f"{PATH}/{{token}}/decline", response_model=WorkOrderAnswer, openapi_extra=_BODY, max_body_size=_MAX_BODY
    )
    async def decline_work_order(token: Token, request: Request) -> Response:
        """Refuses the order, or gives it back after accepting it. A repeat is answered alike; else 409 if over."""
        return await act(token, request, lambda key, reason: orders.end(key, is_done=False, reason=reason))

    @router.post(
        f"{PATH}/{{token}}/complete", response_model=WorkOrderAnswer, openapi_extra=_BODY, max_body_size=_MAX_BODY
    )
    async def complete_work_order(token: Token, request: Request) -> Response:
        """The partner is done with what it accepted. A repeat is answered alike; 409 where it has it not."""
        return await act(token, request, lambda key, reason: orders.end(key, is_done=True, reason=reason))

    return router


def _json(order: WorkOrderAnswer) -> Response:
    return Response(order.model_dump_json(), 200, media_type="application/json")


def _refused(error: Exception, *, is_page: bool, back: str | None = None) -> Response:
    """The page for people. Raises the error again for everybody else, and where it is a defect."""
    problem = response_for(error) if is_page else None
    if problem is None:
        raise error
    return work_order_page.refused(problem.status_code, problem.headers.get("retry-after"), back)


def _prefers_html(request: Request) -> bool:
    return prefers_html(",".join(request.headers.getlist("accept")))


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _reason(request: Request) -> str | None:
    """What the partner remarks, in JSON or as a form; most say nothing. Raises InvalidInput and ProblemError."""
    body = await request.body()
    if not body.strip():
        return None
    media_type = _media_type(request)
    if media_type == _FORM:
        return _of_form(body)
    if media_type != "application/json":
        raise ProblemError(415, "unsupported-media-type", "Send the body as application/json.")
    assert isinstance(request, StrictRequest)
    content = await request.json()
    if not isinstance(content, dict) or set(content) - {"reason"}:
        raise InvalidInput("The body is not as described.", problems=(("/", "an object with `reason` alone"),))
    if content.get("reason") is None:
        return None
    try:
        return _REMARK.validate_python(content["reason"])
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise InvalidInput("The body is not as described.", problems=(("/reason", problem),)) from None


def _of_form(body: bytes) -> str | None:
    """The remark of the page's own form; what cannot be read is not there."""
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=20, errors="replace")
    except ValueError:
        return None
    remark = " ".join(fields.get("reason", [""])[-1].replace("\0", "�").split())
    return remark[:MOST_OF_REASON] or None
