"""`/v1/rules/preview`: what other intake rules would have made of the newest requests."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.intake.app.ports import Workspaces
from services.intake.app.preview_rules import Difference, Sample, Samples, preview_rules
from services.intake.app.rule_parts import RulePart, WordListPart, rule_problems, to_rule_book
from services.intake.domain.classification import Classification, Fate, RuleBook
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.types import Request
from shared.vocabulary import Priority

_CHUNK = 50
_MOST_SHOWN = 200


class PreviewRequest(Request):
    """Rules to try. last: how many requests to look at, the newest first"""

    rules: Annotated[tuple[RulePart, ...], Field(max_length=500)]
    word_lists: Annotated[tuple[WordListPart, ...], Field(max_length=100)] = ()
    last: int = Field(default=500, ge=1, le=5000)


class Outcome(BaseModel):
    """What rules make of a request."""

    labels: dict[str, str]
    priority: Priority | None
    language: str | None
    fate: Fate
    fate_by: str | None


class ChangedRequest(BaseModel):
    """A request of which the new rules make something else."""

    message_id: UUID
    ticket_id: UUID
    ticket_number: int
    before: Outcome
    after: Outcome


class Preview(BaseModel):
    """What would change.

    looked_at, changed: how many requests; quarantined, dropped: of the changed ones, with the new rules
    items: the newest of the changed ones
    """

    looked_at: int
    changed: int
    quarantined: int
    dropped: int
    items: list[ChangedRequest]


def routes(database: Database, workspaces: Workspaces, samples: Samples) -> APIRouter:
    """The dry run of rules."""
    router = api_router("rules")

    @router.post("/v1/rules/preview", max_body_size=4 << 20)
    async def preview_intake_rules(
        request: PreviewRequest, principal: Annotated[Principal, allowed("admin")]
    ) -> Preview:
        """Tries rules on the requests that opened the newest tickets. Nothing is changed.

        Requests that the rules that hold have refused opened no ticket, and are not among them.
        """
        book = await asyncio.to_thread(_compiled, request)
        workspace_id = principal.workspace_id
        differences: list[Difference] = []
        last: Sample | None = None
        looked_at = 0

        async def some(tx: Tx) -> tuple[Workspace, list[Sample]]:
            before = (last.created_at, last.message_id) if last else None
            most = min(_CHUNK, request.last - looked_at)
            configured = (await workspaces.load(tx, [workspace_id]))[workspace_id]
            return configured, await samples.newest(tx, workspace_id, before, most)

        while looked_at < request.last:
            workspace, found = await database.transact(some, workspaces=[workspace_id])
            if not found:
                break
            differences += await asyncio.to_thread(preview_rules, found, workspace, book)
            last, looked_at = found[-1], looked_at + len(found)
        fates = [item.after.fate for item in differences]
        return Preview(
            looked_at=looked_at,
            changed=len(differences),
            quarantined=fates.count(Fate.QUARANTINE),
            dropped=fates.count(Fate.DROP),
            items=[_shown(item) for item in differences[:_MOST_SHOWN]],
        )

    return router


def _compiled(request: PreviewRequest) -> RuleBook:
    """The rules to try. Hundreds of long ones take seconds."""
    if problems := tuple(rule_problems(request.rules, request.word_lists, written=True)):
        raise InvalidInput("The rules cannot be tried.", problems=problems)
    return to_rule_book(0, request.rules, request.word_lists)


def _shown(item: Difference) -> ChangedRequest:
    return ChangedRequest(
        message_id=item.sample.message_id,
        ticket_id=item.sample.ticket.ticket_id,
        ticket_number=item.sample.ticket.number,
        before=_outcome(item.before),
        after=_outcome(item.after),
    )


def _outcome(made: Classification) -> Outcome:
    return Outcome(
        labels=made.labels,
        priority=made.priority,
        language=made.language,
        fate=made.fate,
        fate_by=made.fate_by if made.fate is not Fate.ACCEPT else None,
    )
