"""`/v1/policies/routing/preview`: what another policy would make of recorded tickets."""

from collections import Counter
from datetime import datetime
from functools import partial
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator

from services.router.adapters import reading
from services.router.api.configuring import Configuring
from services.router.app.configuration import RouterPart, check, to_configuration
from services.router.app.policy_parts import PolicyPart
from services.router.app.preview_policy import Comparison, Difference, Outcome, Sample
from services.router.domain.policy import TierMode
from shared.clock import Clock, monotonic
from shared.db.unit_of_work import Database, Tx
from shared.errors import IllegalTransition, InvalidInput
from shared.http import problems
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.preview_turns import PreviewTurns
from shared.http.types import Request, Slug, exactly_one_of
from shared.vocabulary import Priority

_PORTION = 200
_LONGEST_S = 20.0
"""After so long what was found is answered: a thousand costly conditions take their time."""

_MAX_BODY = 16 << 20


class PreviewRequest(Request):
    """A policy to try in the workspace as it is, or a whole part of the router with it."""

    model_config = exactly_one_of("policy", "configuration")

    policy: PolicyPart | None = None
    configuration: RouterPart | None = None
    rule: Slug | None = Field(default=None, description="Only tickets on which it decides, before or after.")
    last: int = Field(default=1000, ge=1, le=10_000, description="How many tickets to look at, the newest first.")
    limit: int = Field(default=50, ge=0, le=200, description="How many of the changed tickets to show.")

    @model_validator(mode="after")
    def _has_one_of_them(self) -> Self:
        if (self.policy is None) == (self.configuration is None):
            raise ValueError("give either a policy or a configuration")
        return self


class Route(BaseModel):
    """What a policy makes of a ticket."""

    rule: str
    queue: str
    support_tier: int
    tier_mode: TierMode
    skills: dict[str, int]
    priority: Priority
    steps: int


class ChangedTicket(BaseModel):
    """A ticket that would go another way. is_servable: whether anybody could ever take it there"""

    ticket_id: UUID
    queued_at: datetime | None
    before: Route
    after: Route
    is_servable: bool


class Counts(BaseModel):
    """How many of the tickets it concerns."""

    name: str
    before: int
    after: int


class Preview(BaseModel):
    """What would change.

    looked_at, changed: how many tickets; is_complete: all that were asked for were looked at in time
    unservable: for how many nobody could ever do what the policy asks for
    failed: on how many a condition could not be evaluated, so that it did not hold
    rules, queues: how many tickets each decides or gets; items: the newest of the changed tickets
    """

    looked_at: int
    is_complete: bool
    changed: int
    unservable: int
    failed: int
    rules: list[Counts]
    queues: list[Counts]
    items: list[ChangedTicket]
    warnings: list[str]


def routes(database: Database, configuring: Configuring, clock: Clock, turns: PreviewTurns) -> APIRouter:
    """The dry run of policies."""
    router = api_router("routing")

    @router.post(
        "/v1/policies/routing/preview",
        max_body_size=_MAX_BODY,
        responses={429: {**problems.ANSWERS[503], "description": "The workspace tries another one"}},
    )
    async def preview_routing_policy(
        request: PreviewRequest, principal: Annotated[Principal, allowed("routing:write", "admin")]
    ) -> Preview:
        """Asks the policy in force and another one about recorded tickets, each as it is now. Nothing is changed.

        422 with everything that is wrong with the policy, 429 while the workspace tries another one, 503 while
        others try theirs.
        """
        workspace_id = principal.workspace_id
        async with turns.turn(workspace_id):
            stored = await configuring.read(workspace_id)
            if stored.unreadable:
                raise IllegalTransition(stored.unreadable)
            part = request.configuration or stored.part.model_copy(update={"policy": request.policy})
            comparison, warnings = await turns.run(partial(_prepared, request, stored.part, part))
            return await looked_at(request, workspace_id, comparison, warnings)

    async def looked_at(
        request: PreviewRequest, workspace_id: str, comparison: Comparison, warnings: list[str]
    ) -> Preview:
        """What comes of the newest tickets, as many as there is time for."""
        ends_at = monotonic() + _LONGEST_S
        seen = 0
        last: UUID | None = None
        is_complete = False

        def is_over() -> bool:
            return monotonic() >= ends_at

        async def some(tx: Tx) -> list[Sample]:
            most = min(_PORTION, request.last - seen)
            return await reading.newest_tickets(tx, workspace_id, before=last, most=most)

        while not is_over():
            samples = await database.transact(some, workspaces=[workspace_id])
            if samples:
                asked = await turns.run(partial(comparison.look_at, samples, clock.now(), is_over=is_over))
                if asked < len(samples):
                    break
                last, seen = samples[-1].ticket_id, seen + len(samples)
            if len(samples) < _PORTION or seen >= request.last:
                is_complete = True
                break
        return Preview(
            looked_at=comparison.looked_at,
            is_complete=is_complete,
            changed=comparison.changed,
            unservable=comparison.unservable,
            failed=comparison.failed,
            rules=_counts(*comparison.rules),
            queues=_counts(*comparison.queues),
            items=[_shown(difference) for difference in comparison.differences],
            warnings=warnings,
        )

    return router


def _prepared(request: PreviewRequest, stored: RouterPart, part: RouterPart) -> tuple[Comparison, list[str]]:
    """What compares, and the warnings that applying it would bring. Raises InvalidInput."""
    try:
        warnings = check(part)
    except InvalidInput as refused:
        inside = "/configuration" if request.configuration is not None else ""
        told = tuple((f"{inside}{pointer}", text) for pointer, text in refused.problems)
        raise InvalidInput("The policy cannot be tried.", problems=told) from None
    before, after = to_configuration(0, stored, is_stored=True), to_configuration(0, part)
    return Comparison(before, after, rule=request.rule, most=request.limit), warnings


def _counts(before: Counter[str], after: Counter[str]) -> list[Counts]:
    return [Counts(name=name, before=before[name], after=after[name]) for name in sorted({*before, *after})]


def _shown(difference: Difference) -> ChangedTicket:
    return ChangedTicket(
        ticket_id=difference.sample.ticket_id,
        queued_at=difference.sample.at,
        before=_route(difference.before),
        after=_route(difference.after),
        is_servable=difference.is_servable,
    )


def _route(outcome: Outcome) -> Route:
    asked = outcome.requirements
    return Route(
        rule=outcome.rule,
        queue=asked.queue,
        support_tier=asked.support_tier,
        tier_mode=asked.tier_mode,
        skills=dict(asked.skills),
        priority=outcome.priority,
        steps=len(outcome.steps),
    )
