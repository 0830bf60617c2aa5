"""Decision records in words."""

from datetime import timedelta

import pytest

from services.router.adapters.rows import WORK_DECISIONS
from services.router.domain import decision as d
from services.router.domain.explanation import explain
from services.router.domain.order import OrderBy, Precedence
from services.router.domain.policy import Requirements, Step
from services.router.domain.reasons import Choice, Reasons
from services.router.domain.work_item import OfferState
from shared.vocabulary import AssignmentMode, ChannelKind, Priority, WorkState
from tests.unit.router.domain.desk import START, Desk, agent, general, ticket_id


def test_work_that_is_back_in_line_asks_for_what_its_open_steps_leave() -> None:
    rule = general(
        requirements=Requirements(queue="general", skills=(("german", 1),)),
        steps=(Step(after=timedelta(seconds=30), dropped=frozenset({"german"})),),
    )
    desk = Desk.of(agent("ann"), rules=[rule])
    desk.open("t")
    desk.after(seconds=30)
    requeued = next(each for each in desk.decline("ann") if isinstance(each, d.WorkRequeued))
    assert explain(requeued) == (
        "Back in line because the offer was declined (everybody who could be asked has refused it),"
        " in queue general for tier 1."
    )


@pytest.mark.parametrize(
    ("precedence", "words"),
    [
        (Precedence(by=OrderBy.PRIORITY, is_expedited=False, value=None), "."),
        (Precedence(by=OrderBy.OLDEST, is_expedited=True, value=None), ". It was put at the front of the line."),
        (
            Precedence(by=OrderBy.SLA_URGENCY, is_expedited=False, value=0.834),
            ". It had used up 83% of a promise.",
        ),
        (Precedence(by=OrderBy.SCORE, is_expedited=False, value=61.0), ". It had a score of 61."),
        (
            Precedence(by=OrderBy.AGEING, is_expedited=True, value=1),
            ". It was put at the front of the line and counted as high after its wait.",
        ),
    ],
)
def test_an_offer_says_why_its_item_was_first(precedence: Precedence, words: str) -> None:
    choice = Choice(
        requirements=Requirements(queue="general"),
        ranking="longest_idle",
        eligible=1,
        others={},
        precedence=precedence,
    )
    assigned = d.WorkAssigned(
        work_id=ticket_id("t"),
        agent_id="ann",
        offer_id=None,
        mode=AssignmentMode.AUTO,
        reasons=Reasons(policy_version=1, choice=choice),
    )
    said = "Assigned to ann, first of 1 who could be asked by longest idle"
    assert explain(assigned) == said + words


_REASONS = Reasons(policy_version=1, step=1)
_PLACE = Requirements(queue="general")
_WORK = ticket_id("work")
_EVERY_KIND: list[tuple[d.Decision, str]] = [
    (
        d.WorkQueued(
            work_id=_WORK,
            ticket_id=ticket_id("t"),
            channel="mail",
            channel_kind=ChannelKind.EMAIL,
            base=_PLACE,
            steps=(Step(after=timedelta(minutes=1)),),
            rule="everything",
            priority=Priority.HIGH,
            preferred_agent_id="ann",
            reasons=Reasons(
                policy_version=1, trail=(("bills", "does not hold"), ("everything", "holds")), note="share 1 of 2"
            ),
            is_expedited=True,
            held_until=START,
        ),
        "Rule everything holds after bills (does not hold), share 1 of 2: it waits in queue general for tier 1"
        " with priority high, at the front of its line, loosened in 1 step; ann is asked first, and alone until"
        " 2026-03-02 09:00:00 UTC.",
    ),
    (
        d.StepOpened(work_id=_WORK, previous_queue="general", requirements=_PLACE, reasons=_REASONS, is_last=True),
        "It has waited long enough for step 1: now in queue general for tier 1. No step comes after it.",
    ),
    (
        d.WorkOffered(
            work_id=_WORK,
            offer_id=ticket_id("offer"),
            agent_id="ann",
            expires_at=START,
            reasons=_REASONS,
            over_capacity=True,
        ),
        "Offered to ann, over their capacity.",
    ),
    (
        d.WorkAssigned(
            work_id=_WORK,
            agent_id="ann",
            offer_id=ticket_id("offer"),
            mode=AssignmentMode.ACCEPTED,
            reasons=_REASONS,
        ),
        "Assigned to ann, who accepted.",
    ),
    (
        d.OfferEnded(
            offer_id=ticket_id("offer"),
            work_id=_WORK,
            agent_id="ann",
            state=OfferState.REVOKED,
            reason="accepted_by_other",
            is_refusal=False,
        ),
        "The offer to ann was taken back because somebody else was quicker.",
    ),
    (
        d.WorkRequeued(
            work_id=_WORK,
            previous=WorkState.ASSIGNED,
            previous_queue="general",
            previous_agent_id="bob",
            base=_PLACE,
            steps=(),
            restarts=True,
            is_moved=False,
            reason="requirements_changed",
            reasons=Reasons(policy_version=1),
            rule="everything",
            preferred_agent_id="ann",
            is_expedited=True,
        ),
        "Back in line because it asks for something else now (rule everything holds now), in queue general for"
        " tier 1, at the front of its line; ann is asked first. bob had it.",
    ),
    (
        d.Expedited(work_id=_WORK, reason="step", reasons=_REASONS),
        "It is at the front of its line from now on because it has waited for so long.",
    ),
    (
        d.PriorityChanged(
            work_id=_WORK, priority=Priority.HIGH, raised_by=1, reason="escalation", reasons=_REASONS
        ),
        "Its priority is high now because it was escalated.",
    ),
    (
        d.HoldEnded(
            work_id=_WORK, agent_id="ann", reasons=Reasons(policy_version=1, note="they cannot have it now")
        ),
        "It was held for ann: they cannot have it now. Whoever fits may be asked now.",
    ),
    (
        d.EscalationRefused(
            ticket_id=ticket_id("t"),
            work_id=None,
            escalation_id=_WORK,
            wanted="agent ann",
            reason="they are away",
            reasons=_REASONS,
        ),
        f"Escalation {_WORK} asks for agent ann, which is not done: they are away.",
    ),
    (
        d.WrapUpStarted(work_id=_WORK, until=START, reason="call_ended"),
        "The call is over; the agent wraps up until 2026-03-02 09:00 UTC at the latest.",
    ),
    (d.WorkCompleted(work_id=_WORK), "The agent is done with it."),
    (
        d.WorkCancelled(work_id=_WORK, previous=WorkState.QUEUED, reason="merged"),
        "It needs nobody any more: its ticket was merged into another one.",
    ),
    (
        d.LoadParked(work_id=_WORK),
        "Its ticket waits for somebody else: the agent keeps it, and has room for other work meanwhile.",
    ),
    (
        d.LoadReturned(work_id=_WORK, over_capacity=True),
        "Its ticket is open again: with it the agent has more than they have room for.",
    ),
    (
        d.ReturnScheduled(work_id=_WORK, at=START),
        "The agent is not there: others are asked at 2026-03-02 09:00 UTC, unless they are back before.",
    ),
]


@pytest.mark.parametrize(("made", "words"), _EVERY_KIND, ids=[type(made).__name__ for made, _ in _EVERY_KIND])
def test_a_decision_reads_like_a_sentence(made: d.Decision, words: str) -> None:
    assert explain(made) == words


def test_every_kind_of_decision_that_is_recorded_is_explained() -> None:
    assert {type(made).__name__ for made, _ in _EVERY_KIND} == set(WORK_DECISIONS)
