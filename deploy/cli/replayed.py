"""What a replay has found, as JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.router.adapters.replaying import Comparison, Decided


class DecisionOutline(BaseModel):
    """One decision about work."""

    kind: str
    work_id: UUID | None
    record: dict[str, Any]


class DifferenceOutline(BaseModel):
    """One decision that is another now. input: none where what is recorded follows from none."""

    input_id: int | None
    input: str | None
    decided_at: datetime
    recorded: DecisionOutline | None
    replayed: DecisionOutline | None
    refusal: str | None


class ComparisonOutline(BaseModel):
    """Recorded decisions beside what is decided now. `first` holds the first differences."""

    inputs: int
    tickets: int
    decisions: int
    differing: int
    until: datetime | None
    first: Sequence[DifferenceOutline]


def outline(found: Comparison) -> ComparisonOutline:
    """A comparison as it is written."""
    return ComparisonOutline(
        inputs=found.inputs,
        tickets=len(found.tickets),
        decisions=found.decisions,
        differing=found.differing,
        until=found.until,
        first=[
            DifferenceOutline(
                input_id=each.input_id,
                input=each.kind,
                decided_at=each.decided_at,
                recorded=_decision(each.recorded),
                replayed=_decision(each.replayed),
                refusal=each.refusal,
            )
            for each in found.first
        ],
    )


def _decision(decided: Decided | None) -> DecisionOutline | None:
    return DecisionOutline(kind=decided[0], work_id=decided[1], record=decided[2]) if decided else None
