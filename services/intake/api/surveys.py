"""`/s/{token}`: where customers say what they think; and what they said, for the staff.

Mail scanners follow links: looking at the page counts for nothing, only the form's submit does.
"""

from datetime import datetime
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.intake.adapters.answering.assembly import Answering
from services.intake.api import survey_page
from services.intake.api.callers import Reader
from services.intake.api.survey_texts import SurveyTexts, texts_in
from services.intake.app.answering_ports import Survey
from services.intake.app.desk import Desk
from services.intake.app.ports import TicketKey
from services.intake.app.rate_ticket import open_survey, rate_ticket
from shared.db.unit_of_work import Database, Tx
from shared.errors import IllegalTransition, InvalidInput, NotFound
from shared.http.app import api_router
from shared.http.context import request_cause
from shared.http.throttle import Throttle
from shared.vocabulary import SurveyKind

_MAX_BODY = 65_536
_A_MINUTE = 60
"""Requests about one ticket, and, of one address, with tokens that are not ours."""


class RatingResource(BaseModel):
    """What a customer was asked about a ticket, and their last answer. `revision` counts their answers."""

    kind: SurveyKind
    scale: int
    score: int | None
    comment: str
    revision: int
    agent_id: str | None
    sent_at: datetime
    rated_at: datetime | None


def routes(database: Database, desk: Desk, answering: Answering) -> APIRouter:
    """Surveys as customers and as the staff see them."""
    router = api_router("surveys")
    by_ticket, by_address = Throttle(_A_MINUTE), Throttle(_A_MINUTE)

    def admitted(token: str, request: Request) -> TicketKey | Response:
        """The ticket that the token names, or the page for who is not let in."""
        # Behind a proxy all customers come from one address: it says nothing about who holds a token of ours.
        key = answering.survey_tokens.read(token)
        client = request.client.host if request.client else ""
        if not (by_address.admits(client) if key is None else by_ticket.admits(f"{key[0]}/{key[1]}")):
            return survey_page.busy(_spoken(request))
        return survey_page.gone(_spoken(request)) if key is None else key

    # These are pages for people: the document describes the API.
    @router.get("/s/{token}", include_in_schema=False)
    async def show_survey(token: str, request: Request) -> Response:
        """The form. Shows what was answered before, or the score that the link names."""
        key = admitted(token, request)
        if isinstance(key, Response):
            return key
        try:
            survey = await database.transact(
                lambda tx: open_survey(key, tx=tx, surveys=answering.surveys), workspaces=[key[0]]
            )
        except NotFound:
            return survey_page.gone(_spoken(request))
        named = _score(request.query_params.get("score", ""))
        return survey_page.form(
            survey, texts_in(survey.language), chosen=named if named is not None else survey.score
        )

    @router.post("/s/{token}", include_in_schema=False, max_body_size=_MAX_BODY)
    async def answer_survey(token: str, request: Request) -> Response:
        """Takes the form."""
        key = admitted(token, request)
        if isinstance(key, Response):
            return key
        fields = _fields(await request.body())
        return await _rate(key, fields, request)

    async def _rate(key: TicketKey, fields: dict[str, str], request: Request) -> Response:
        score, cause = _score(fields.get("score", "")), request_cause()

        async def unit(tx: Tx) -> tuple[Survey, bool]:
            if score is None:
                return await open_survey(key, tx=tx, surveys=answering.surveys), False
            try:
                rated = await rate_ticket(
                    key, score, fields.get("comment", ""), cause, tx=tx, desk=desk, surveys=answering.surveys
                )
            except InvalidInput:
                return await open_survey(key, tx=tx, surveys=answering.surveys), False
            return rated, True

        try:
            survey, is_taken = await database.transact(unit, workspaces=[key[0]])
        except (NotFound, IllegalTransition):
            return survey_page.gone(_spoken(request))
        texts = texts_in(survey.language)
        if not is_taken:
            return survey_page.form(survey, texts, chosen=survey.score, note=texts.missing, status=422)
        return survey_page.form(survey, texts, chosen=survey.score, note=f"{texts.thanks} {texts.change}")

    @router.get("/v1/tickets/{ticket_id}/rating")
    async def show_rating(ticket_id: UUID, principal: Reader) -> RatingResource:
        """What the ticket's customer was asked, and what they answered."""
        key = principal.workspace_id, ticket_id
        survey = await database.transact(lambda tx: answering.surveys.get(tx, key), workspaces=[key[0]])
        if survey is None:
            raise NotFound("Nobody was asked about this ticket.")
        return RatingResource(
            kind=survey.form.kind,
            scale=survey.form.scale,
            score=survey.score,
            comment=survey.comment,
            revision=survey.revision,
            agent_id=survey.agent_id,
            sent_at=survey.sent_at,
            rated_at=survey.rated_at,
        )

    return router


def _spoken(request: Request) -> SurveyTexts:
    """The language that a browser asks for first."""
    return texts_in(request.headers.get("accept-language", "")[:35].partition(",")[0].partition(";")[0].strip())


def _score(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else None


def _fields(body: bytes) -> dict[str, str]:
    """The fields of a form; of one that stands twice the last. What cannot be read is not there."""
    try:
        found = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="replace")
    except ValueError:
        return {}
    return {name: values[-1].replace("\0", "�").replace("\r\n", "\n") for name, values in found.items()}
