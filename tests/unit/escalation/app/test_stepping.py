"""Whom an escalation tells because they are on call, and who comes after them."""

from dataclasses import replace
from uuid import UUID

from services.escalation.app.escalation_teller import EscalationTeller
from services.escalation.app.finder import AHEAD, Finder
from services.escalation.app.stepping import Stepping
from services.escalation.domain.escalation_policy import Notify
from services.escalation.domain.hand_over import LOOK_AGAIN
from services.escalation.domain.on_call import Rotation
from services.escalation.domain.sla_policy import Policies
from services.escalation.domain.stand_in import StandIn
from services.escalation.domain.ticket import Ticket
from shared.ids import SystemIds
from tests.unit.escalation.builders import T0, a_ticket, at, history, minutes
from tests.unit.escalation.chains import an_escalation, wait

LEVELS = history(Policies(version=1, rotations={"experts": Rotation(rotation_id="experts", layers=())}))
"""Nobody is on call, unless somebody stands in."""
ADA = StandIn(
    workspace_id="acme",
    override_id=UUID(int=1),
    rotation="experts",
    agent="ada",
    start_at=T0 + minutes(20),
    end_at=T0 + minutes(3000),
    created_at=T0,
    created_by="tests",
)


def stepping(minute: float) -> Stepping[Ticket]:
    ids = SystemIds()
    return Stepping(
        about=a_ticket(),
        now=at(minute),
        ids=ids,
        history=LEVELS,
        teller=EscalationTeller(workspace_id="acme", now=at(minute), ids=ids, causes={}),
        finder=Finder(now=at(minute), stand_ins=[ADA]),
    )


def test_a_gap_and_a_manager_who_is_not_there_do_not_end_in_silence() -> None:
    begun = stepping(0).advanced(an_escalation(Notify(on_call=("experts",)), wait(15), Notify(manager=True)))
    assert (begun.on_call, begun.has_more) == ({"experts": None}, False)
    later = stepping(20)
    after = later.handed_over(begun)
    assert after.on_call == {"experts": "ada"}
    assert [told.name for told in later.notifications] == ["ada"]


def test_who_is_on_call_is_looked_at_once_soon_after_they_were_told_and_then_when_that_ends() -> None:
    told = stepping(30).advanced(replace(an_escalation(Notify(on_call=("experts",))), next_at=at(30)))
    assert (told.on_call, told.hand_off_at) == ({"experts": "ada"}, at(30) + LOOK_AGAIN)
    again = stepping(35)
    assert again.handed_over(told).hand_off_at == at(35) + AHEAD
    assert again.notifications == []
