"""What is left of a ticket's record once its customer is erased: everything but the words that somebody typed.

Inputs and the decisions that followed from them lose the same words, so a record is decided again as it stands.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.router.domain.work_item import OfferState
from shared.vocabulary import AssignmentMode

ERASED = "erased"
"""What stands where somebody's words were."""

WITH_WORDS = ("DeclineOffer", "EndOrder", "Release", "Transfer")
"""Kinds of inputs that bring words, as their `reason`. `Assign` notes who asked, and nothing else."""

_NOTED = ("transfer", "released", "partner_done", "partner_returned")
"""Why work waits again where somebody said more about it."""


@dataclass(frozen=True, slots=True)
class Said:
    """An input with words, as it was logged before they are taken out."""

    decided_at: datetime
    payload: Mapping[str, Any]


def forgotten_input(payload: Mapping[str, Any]) -> dict[str, Any]:
    """An input with words, without them. One that could have brought some and did not stays as it is."""
    return {**payload, "reason": ERASED} if payload.get("reason") is not None else dict(payload)


def forgotten_decision(
    kind: str, record: Mapping[str, Any], decided_at: datetime, said: Collection[Said], *, is_orphan: bool
) -> dict[str, Any]:
    """A decision's record without the words that inputs of its time brought.

    said: the inputs with words about its ticket; is_orphan: whether its input is no longer kept: then it is never
    decided again, and whatever may have been somebody's words goes
    """
    if kind == "OfferEnded":
        is_declined = record["state"] == OfferState.DECLINED
        return {**record, "reason": ERASED} if is_declined else dict(record)
    reasons = record.get("reasons") or {}
    note = reasons.get("note")
    if note is None or not _may_quote(kind, record):
        return dict(record)
    if is_orphan:
        return {**record, "reasons": {**reasons, "note": ERASED}}
    quoted: dict[str, str] = {}
    for each in said:
        words, actor = each.payload.get("reason"), each.payload.get("actor_id")
        if each.decided_at == decided_at and words is not None:
            quoted |= {words: ERASED, f"{actor}: {words}": f"{actor}: {ERASED}"}
    return {**record, "reasons": {**reasons, "note": quoted.get(note, note)}}


def _may_quote(kind: str, record: Mapping[str, Any]) -> bool:
    """Whether a decision's note may be in somebody's words."""
    if kind == "WorkRequeued":
        return record["reason"] in _NOTED
    return kind == "WorkAssigned" and record["mode"] == AssignmentMode.MANUAL
