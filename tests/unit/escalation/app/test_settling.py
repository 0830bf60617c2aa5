"""What a clock's warnings set off, also where one was taken back."""

from dataclasses import replace

from services.escalation.app.due_chains import due_chains
from services.escalation.app.ports import Case
from services.escalation.app.settling import Firing, Settled, Settling
from services.escalation.domain.clock_record import Kind
from services.escalation.domain.escalation_policy import EscalationPolicy
from services.escalation.domain.tracking import Tracked, anew
from services.escalation.domain.trigger import Trigger, Warned
from shared.ids import SystemIds
from tests.unit.escalation.builders import Story, a_ticket, at, history, minutes, policies
from tests.unit.escalation.chains import RAISE, Holds, wait

SOON = Trigger(trigger_id="soon", name="sla.warned", sign=Warned(), condition=Holds(True), escalation="care")
TARGETS = {"urgent": {"first_reply": minutes(60)}, "low": {"first_reply": minutes(480)}}
LEVELS = history(
    replace(
        policies({}, by_priority=TARGETS, warn_at=(50, 75)),
        triggers=(SOON,),
        escalations={"care": EscalationPolicy(policy_id="care", steps=(RAISE, wait(600), RAISE))},
    )
)


def due(before: Case, story: Story, minute: float) -> int:
    """How many chains may be taken further or begin."""
    tracked = anew(before.ticket, story.happenings, LEVELS, until=at(minute))
    return len([steps for steps in due_chains(before, tracked, LEVELS, at(minute)) if steps])


def test_only_chains_that_may_be_taken_now_are_asked_whom_they_name() -> None:
    story = Story().opened(0, priority="urgent")
    quiet = fired(None, story, 1).case
    assert [due(quiet, story, minute) for minute in (29, 30)] == [0, 1]
    warned = fired(quiet, story, 31).case
    assert [due(warned, story, minute) for minute in (32, 45, 61)] == [0, 1, 1]
    waiting = replace(warned, clocks=())
    late = fired(warned, story, 61).case
    assert due(late, story, 62) == 0
    (chain,) = waiting.escalations
    assert chain.next_at == at(631)
    assert due(replace(late, escalations=waiting.escalations), story, 631) == 1


def test_a_new_version_has_it_looked_at_who_is_on_call() -> None:
    story = Story().opened(0, priority="urgent")
    warned = fired(None, story, 31).case
    told = replace(warned.escalations[0], on_call={"desk": "ada"}, hand_off_at=at(900))
    before = replace(warned, escalations=(told,))
    (same,) = fired(before, story, 32).case.escalations
    assert same.hand_off_at == at(900)
    older = replace(before, ticket=replace(before.ticket, policy_version=0))
    tracked = Tracked(before.ticket, {record.clock.measure: record.clock for record in before.clocks})
    settling = Settling(ticket=before.ticket, now=at(33), ids=SystemIds(), history=LEVELS)
    (looked_at,) = settling.settle(older, tracked).case.escalations
    assert looked_at.hand_off_at == at(33)


def fired(before: Case | None, story: Story, minute: float) -> Settled:
    tracked = anew(before.ticket if before else a_ticket(), story.happenings, LEVELS, until=at(minute))
    firing = Firing(until=at(minute), is_confirmed=True)
    settling = Settling(ticket=tracked.ticket, now=at(minute), ids=SystemIds(), history=LEVELS, firing=firing)
    return settling.settle(before or Case(tracked.ticket), tracked)


def told(settled: Settled) -> list[str]:
    return [news.event.type.removeprefix("waypost.") for news in settled.news]


def test_a_warning_that_was_taken_back_is_set_off_again_and_not_told_again() -> None:
    story = Story().opened(0, priority="urgent")
    warned = fired(None, story, 31)
    (first,) = warned.case.escalations
    assert "sla.warned.v1" in told(warned)
    story.updated(32, priority="low")
    withdrawn = fired(warned.case, story, 33)
    (over,) = withdrawn.case.escalations
    assert (over.escalation_id, over.resolved_cause) == (first.escalation_id, "warning_withdrawn")
    left = replace(withdrawn.case, escalations=())
    assert {timer.level: timer.due_at for timer in left.timers() if timer.kind is Kind.WARNING} == {
        50: at(240),
        75: at(360),
    }
    assert fired(left, story, 239).case.escalations == ()
    again = fired(left, story, 240)
    (second,) = again.case.escalations
    assert (second.is_live, second.trigger_id) == (True, "soon")
    assert "sla.warned.v1" not in told(again)
    # It stands, and is set off no third time.
    quiet = fired(again.case, story, 241)
    assert (quiet.case.escalations, told(quiet)) == ((second,), [])
