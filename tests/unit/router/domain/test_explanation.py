"""Decision records in words."""

from datetime import timedelta

import pytest

from services.router.domain import decision as d
from services.router.domain.explanation import explain
from services.router.domain.order import OrderBy, Precedence
from services.router.domain.policy import Requirements, Step
from shared.vocabulary import AssignmentMode
from tests.unit.router.domain.desk import Desk, agent, general, ticket_id


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
        "Back in line because of declined (everybody who could be asked has refused it),"
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
    choice = d.Choice(
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
        reasons=d.Reasons(policy_version=1, choice=choice),
    )
    said = "Assigned to ann (auto), first of 1 who could be asked by longest idle"
    assert explain(assigned) == said + words
