"""Decision records in words."""

from datetime import timedelta

from services.router.domain import decision as d
from services.router.domain.explanation import explain
from services.router.domain.policy import Requirements, Step
from tests.unit.router.domain.desk import Desk, agent, general


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
