"""`/v1/policies/sla/preview`: which open tickets another version of the service levels would change."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator

from services.escalation.adapters.service_levels import PostgresServiceLevels
from services.escalation.app.configuration import EscalationPart, SlaPolicyPart
from services.escalation.app.ports import Tracking
from services.escalation.app.preview_policies import PolicyPreview, TicketOutlook, preview_policies
from services.escalation.domain.outlook import Effect
from services.escalation.domain.sla_clock import SlaClock
from services.escalation.domain.sla_policy import PolicyHistory
from shared.calendar_parts import CalendarPart
from shared.db.unit_of_work import Database, Tx
from shared.errors import IllegalTransition, InvalidInput
from shared.http import problems
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.configuration import preview_id
from shared.http.preview_turns import PreviewTurns
from shared.http.types import Request, exactly_one_of
from shared.vocabulary import Agreement, ClockState, SlaMetric

_MAX_BODY = 16 << 20


class PreviewRequest(Request):
    """SLA policies, and calendars with them if those change too; or a whole part of escalation."""

    model_config = exactly_one_of("sla_policies", "configuration")

    sla_policies: Annotated[tuple[SlaPolicyPart, ...], Field(max_length=500)] | None = None
    calendars: Annotated[tuple[CalendarPart, ...], Field(max_length=200)] | None = None
    configuration: EscalationPart | None = None
    effects: tuple[Effect, ...] = Field(default=(), description="Show only clocks with one of these; none: all.")
    limit: int = Field(default=50, ge=0, le=10_000, description="How many clocks to show, the gravest first.")

    @model_validator(mode="after")
    def _has_one_of_them(self) -> Self:
        if (self.sla_policies is None) == (self.configuration is None):
            raise ValueError("give either sla_policies or a configuration")
        if self.configuration is not None and self.calendars is not None:
            raise ValueError("a configuration has its own calendars")
        return self

    def part(self, stored: EscalationPart) -> EscalationPart:
        """What would be stored."""
        if self.configuration is not None:
            return self.configuration
        calendars = stored.calendars if self.calendars is None else self.calendars
        return stored.model_copy(update={"sla_policies": self.sla_policies, "calendars": calendars})


class ClockTerms(BaseModel):
    """How a clock stands. Durations are seconds of its calendar."""

    policy: str
    policy_version: int
    calendar: str | None
    target_s: float
    state: ClockState
    generation: int
    elapsed_s: float
    remaining_s: float
    due_at: datetime | None

    @classmethod
    def of(cls, clock: SlaClock, now: datetime) -> Self:
        """For the answer."""
        assert clock.promise is not None
        elapsed = clock.elapsed_at(now)[0]
        return cls(
            policy=clock.promise.policy,
            policy_version=clock.promise.version,
            calendar=clock.promise.calendar_id,
            target_s=clock.promise.target.total_seconds(),
            state=clock.state,
            generation=clock.generation,
            elapsed_s=elapsed.total_seconds(),
            remaining_s=(clock.promise.target - elapsed).total_seconds(),
            due_at=clock.due_at,
        )


class ChangedClock(BaseModel):
    """A clock that would change. before: none where it would only begin"""

    ticket_id: UUID
    ticket_number: int | None
    agreement: Agreement
    metric: SlaMetric
    effects: list[Effect]
    before: ClockTerms | None
    after: ClockTerms

    @classmethod
    def of(cls, item: TicketOutlook, now: datetime) -> Self:
        """For the answer."""
        outlook = item.outlook
        return cls(
            ticket_id=item.ticket_id,
            ticket_number=item.ticket_number,
            agreement=outlook.measure.agreement,
            metric=outlook.measure.metric,
            effects=[effect for effect in Effect if effect in outlook.effects],
            before=ClockTerms.of(outlook.before, now) if outlook.before else None,
            after=ClockTerms.of(outlook.after, now),
        )


class PolicyCount(BaseModel):
    """How many running or paused clocks a policy has, and would have."""

    policy: str
    agreement: Agreement
    before: int
    after: int


class Preview(BaseModel):
    """What would become of every open ticket's clocks, as of a moment.

    version: what holds; preview: sent as `Waypost-Preview` with `PUT /v1/configuration`, has nothing else stored
    tickets, clocks: open ones, all of which were looked at; changed: clocks that would
    effects: how many clocks each would happen to; items: the gravest of them
    """

    as_of: datetime
    version: int
    preview: str
    tickets: int
    clocks: int
    changed: int
    effects: dict[Effect, int]
    policies: list[PolicyCount]
    items: list[ChangedClock]
    warnings: list[str]


def routes(
    database: Database, tracking: Tracking, levels: PostgresServiceLevels, turns: PreviewTurns
) -> APIRouter:
    """The impact of a change before it is saved."""
    router = api_router("policies")

    @router.post(
        "/v1/policies/sla/preview",
        max_body_size=_MAX_BODY,
        responses={429: {**problems.ANSWERS[503], "description": "The workspace tries another one"}},
    )
    async def preview_sla_policies(
        request: PreviewRequest, principal: Annotated[Principal, allowed("escalation:write", "admin")]
    ) -> Preview:
        """Tells which open tickets would change, warn or breach now. Nothing is changed.

        422 with everything that is wrong with the policies, 429 while the workspace tries others.
        """
        workspace_id = principal.workspace_id
        async with turns.turn(workspace_id):
            stored = await levels.read(workspace_id)
            if stored.unreadable:
                raise IllegalTransition(stored.unreadable)
            part = request.part(stored.part)
            warnings = await _checked(workspace_id, request, part)

            async def unit(tx: Tx) -> tuple[PolicyPreview, PolicyHistory]:
                await tx.take_time()
                history = await levels.foreseen(tx, workspace_id, part)
                preview = PolicyPreview(most=request.limit, only=frozenset(request.effects))
                await preview_policies(preview, workspace_id, history=history, tx=tx, tracking=tracking)
                return preview, history

            preview, history = await database.transact(unit, workspaces=[workspace_id], is_snapshot=True)
            return Preview(
                as_of=history.latest.since,
                version=stored.version,
                preview=preview_id(stored, part),
                tickets=preview.tickets,
                clocks=preview.clocks,
                changed=preview.changed,
                effects={effect: preview.effects[effect] for effect in Effect},
                policies=_counts(*preview.policies),
                items=[ChangedClock.of(item, history.latest.since) for item in preview.shown],
                warnings=warnings,
            )

    async def _checked(workspace_id: str, request: PreviewRequest, part: EscalationPart) -> list[str]:
        """Warnings. Raises InvalidInput that points into the request."""
        try:
            return list(await levels.check(workspace_id, part))
        except InvalidInput as refused:
            inside = "/configuration" if request.configuration is not None else ""
            told = tuple((f"{inside}{pointer}", text) for pointer, text in refused.problems)
            raise InvalidInput("The policies cannot be tried.", problems=told) from None

    return router


def _counts(was: Counter[tuple[Agreement, str]], would: Counter[tuple[Agreement, str]]) -> list[PolicyCount]:
    return [
        PolicyCount(
            policy=policy,
            agreement=agreement,
            before=was[agreement, policy],
            after=would[agreement, policy],
        )
        for agreement, policy in sorted({*was, *would})
    ]
