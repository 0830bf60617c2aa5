"""What happens to work when shifts and leave begin and end."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.due import next_due_at
from services.router.domain.explanation import explain
from services.router.domain.floor_decision import DutyTurned
from services.router.domain.hours import Duty, OffDuty, TimeOff
from services.router.domain.policy import Requirements, Step
from services.router.domain.queue import OfferMode, Queue
from shared.calendar import Calendar, parse_hours
from shared.errors import Conflict
from shared.vocabulary import AgentState, ChannelKind, Priority, TicketStatus, WorkState
from tests.unit.router.domain.desk import START, Desk, agent, configuration, general, kinds, ticket_id
from tests.unit.router.restored import restored

# The desk opens on a Monday at nine.
DAY = Duty(shifts=Calendar(time_zone="UTC", weekly={day: (parse_hours("09:00-17:00"),) for day in range(5)}))
LATE = Duty(shifts=Calendar(time_zone="UTC", weekly={day: (parse_hours("17:00-25:00"),) for day in range(5)}))
AUTO = (Queue(queue_id="general", offer_mode=OfferMode.AUTO),)


def leave(minutes: int, until: int) -> Duty:
    """Always on duty but between these minutes after nine."""
    return Duty(
        time_off=(TimeOff(starts_at=START + timedelta(minutes=minutes), ends_at=START + timedelta(minutes=until)),)
    )


def test_off_shift_nobody_is_offered_anything_and_the_record_counts_them() -> None:
    desk = Desk.of(agent("ann", duty=DAY), agent("lea", duty=LATE), agent("max", duty=leave(0, 60)), agent("tom"))
    desk.set_state("tom", AgentState.OFFLINE)
    desk.open("one")
    assert desk.asked("one") == ["ann"]
    offered = next(made for made in desk.decisions if isinstance(made, d.WorkOffered))
    assert offered.reasons.choice is not None
    assert offered.reasons.choice.others == {"off_shift": 1, "time_off": 1, "state:offline": 1}
    assert "Not asked: 1 off shift, 1 offline, 1 on leave" in explain(offered)


def test_work_that_waited_is_given_out_the_moment_a_shift_begins() -> None:
    desk = Desk.of(agent("lea", duty=LATE))
    desk.open("one")
    assert desk.item("one").state is WorkState.QUEUED
    desk.after(hours=7, minutes=59)
    assert desk.asked("one") == []
    desk.after(minutes=1)
    assert desk.asked("one") == ["lea"]


def test_whose_shift_ends_gives_back_what_is_offered_to_them() -> None:
    desk = Desk.of(agent("ann", duty=leave(30, 60)))
    desk.after(minutes=29)
    desk.open("one")
    made = desk.after(minutes=1)
    ended = next(each for each in made if isinstance(each, d.OfferEnded))
    assert (ended.reason, ended.is_refusal) == ("time_off", False)
    assert desk.item("one").state is WorkState.QUEUED
    desk.after(minutes=30)
    assert desk.asked("one") == ["ann"]


def test_a_refusal_is_forgotten_with_the_next_shift() -> None:
    desk = Desk.of(agent("ann", duty=DAY))
    desk.open("one")
    desk.decline("ann")
    desk.after(hours=8)
    assert desk.asked("one") == []
    desk.after(hours=16)
    assert desk.asked("one") == ["ann"]


def test_idle_time_is_counted_from_the_beginning_of_the_shift() -> None:
    desk = Desk.of(agent("ann", duty=leave(1, 60)), agent("bob"))
    desk.open("one")
    assert desk.asked("one") == ["ann"]
    desk.accept("ann")
    desk.status("one", TicketStatus.SOLVED)
    desk.set_state("bob", AgentState.AWAY)
    desk.set_state("bob")
    desk.after(minutes=5)
    desk.after(hours=1)
    desk.open("two")
    assert desk.asked("two") == ["bob"]


def test_who_works_on_after_their_shift_keeps_what_they_have() -> None:
    desk = Desk.of(agent("ann", duty=DAY), queues=AUTO)
    desk.open("one")
    desk.after(hours=12)
    assert desk.item("one").agent_id == "ann"
    assert desk.item("one").return_at is None


@pytest.mark.parametrize("state", [AgentState.AWAY, AgentState.OFFLINE])
def test_what_absent_people_have_goes_back_a_while_after_their_shift(state: AgentState) -> None:
    desk = Desk.of(agent("ann", duty=DAY), agent("bob"), queues=AUTO)
    desk.open("one")
    assert desk.item("one").agent_id == "ann"
    desk.after(hours=1)
    desk.set_state("ann", state)
    desk.after(hours=7)
    desk.after(minutes=14)
    assert desk.item("one").agent_id == "ann"
    desk.after(minutes=1)
    assert desk.item("one").agent_id == "bob"


@pytest.mark.parametrize("state", [AgentState.AWAY, AgentState.OFFLINE])
def test_who_leaves_after_their_shift_has_the_same_while_to_come_back(state: AgentState) -> None:
    desk = Desk.of(agent("ann", duty=DAY), agent("bob"), queues=AUTO)
    desk.open("one")
    desk.after(hours=9)
    desk.set_state("ann", state)
    desk.after(minutes=14)
    assert desk.item("one").agent_id == "ann"
    desk.after(minutes=2)
    assert desk.item("one").agent_id == "bob"


def test_calls_stay_when_a_shift_ends_and_the_chats_of_whoever_is_absent_go_soon() -> None:
    for kind, has_it in ((ChannelKind.VOICE, "ann"), (ChannelKind.CHAT, "bob")):
        desk = Desk.of(agent("ann", duty=DAY), agent("bob", duty=LATE), queues=AUTO)
        desk.open("one", channel_kind=kind)
        desk.set_state("ann", AgentState.AWAY)
        desk.after(hours=8)
        assert desk.item("one").agent_id == "ann"
        desk.after(minutes=1)
        assert desk.item("one").agent_id == has_it


def test_who_works_on_keeps_their_chats() -> None:
    desk = Desk.of(agent("ann", duty=DAY), agent("bob", duty=LATE), queues=AUTO)
    desk.open("one", channel_kind=ChannelKind.CHAT)
    desk.after(hours=8)
    desk.after(hours=1)
    assert desk.item("one").agent_id == "ann"


def test_what_waits_for_its_customer_stays_when_a_shift_ends() -> None:
    desk = Desk.of(agent("ann", duty=DAY), agent("bob"), queues=AUTO)
    desk.open("one")
    desk.status("one", TicketStatus.PENDING)
    desk.set_state("ann", AgentState.OFFLINE)
    desk.after(hours=12)
    assert desk.item("one").agent_id == "ann"
    desk.status("one", TicketStatus.OPEN)
    desk.after(minutes=16)
    assert desk.item("one").agent_id == "bob"


def test_work_is_not_handed_to_somebody_off_shift_but_a_supervisor_may_give_it() -> None:
    desk = Desk.of(agent("ann", duty=DAY), agent("lea", duty=LATE), queues=AUTO)
    desk.open("one")
    transfer = inputs.Transfer(ticket_id=ticket_id("one"), reason="r", actor_id="ann", agent_id="lea")
    with pytest.raises(Conflict, match="off_shift"):
        desk.feed(transfer)
    desk.feed(inputs.Assign(ticket_id=ticket_id("one"), agent_id="lea", actor_id="boss"))
    assert desk.item("one").agent_id == "lea"


def test_hours_that_are_configured_otherwise_hold_at_once() -> None:
    desk = Desk.of(agent("ann"), agent("bob", duty=LATE))
    desk.open("one")
    assert desk.asked("one") == ["ann"]
    desk.feed(inputs.Configure(configuration=configuration([agent("ann", duty=LATE), agent("bob")])))
    assert desk.asked("one") == ["bob"]
    assert desk.state.agents["ann"].standing.off_duty is OffDuty.OFF_SHIFT


def test_after_an_outage_over_several_turns_what_holds_now_counts() -> None:
    desk = Desk.of(agent("ann", duty=DAY), agent("lea", duty=LATE))
    desk.after(days=2, hours=9)
    desk.open("one")
    assert desk.asked("one") == ["lea"]
    made = desk.after(days=1, hours=16)
    assert desk.state.agents["lea"].standing.off_duty is OffDuty.OFF_SHIFT
    assert desk.asked("one") == ["ann"]
    assert [each.agent_id for each in made if isinstance(each, DutyTurned)] == ["lea", "ann"]


OFFICE_HOURS = Queue(queue_id="general", hours=DAY.shifts, return_after=timedelta(minutes=15))


def test_what_waits_in_a_closed_queue_is_given_to_nobody_and_in_order_when_it_opens() -> None:
    desk = Desk.of(agent("ann", capacity=20), queues=[OFFICE_HOURS])
    desk.after(hours=9)
    desk.open("low", priority=Priority.LOW)
    desk.open("urgent", priority=Priority.URGENT)
    assert desk.asked("urgent") == []
    desk.after(hours=14, minutes=59)
    assert desk.asked("urgent") == []
    desk.after(minutes=1)
    assert (desk.asked("urgent"), desk.asked("low")) == (["ann"], [])


def test_the_record_says_that_a_queue_is_closed_and_until_when() -> None:
    desk = Desk.of(agent("ann"), queues=[OFFICE_HOURS])
    desk.after(hours=9)
    queued = next(made for made in desk.open("one") if isinstance(made, d.WorkQueued))
    assert "queue general is closed until 2026-03-03 09:00 UTC: it waits in queue general" in explain(queued)


def test_what_is_offered_or_in_hand_when_a_queue_closes_stays() -> None:
    queue = replace(OFFICE_HOURS, offer_timeout=timedelta(minutes=10))
    desk = Desk.of(agent("ann", capacity=20), agent("bob"), queues=[queue])
    desk.after(hours=7, minutes=55)
    desk.open("one")
    desk.open("two")
    desk.accept("ann")
    desk.after(minutes=5)
    assert desk.item("one").agent_id == "ann"
    assert desk.asked("two") == ["bob"]
    desk.accept("bob")
    assert desk.item("two").agent_id == "bob"


def test_nobody_pulls_from_a_closed_queue_or_off_duty() -> None:
    desk = Desk.of(agent("ann"), agent("lea", duty=DAY), queues=[replace(OFFICE_HOURS, offer_mode=OfferMode.PULL)])
    desk.after(hours=9)
    desk.open("one")
    assert desk.feed(inputs.TakeNext(agent_id="ann")) == []
    with pytest.raises(Conflict, match="off_shift"):
        desk.feed(inputs.TakeNext(agent_id="lea"))
    desk.after(hours=15)
    desk.feed(inputs.TakeNext(agent_id="ann"))
    assert desk.item("one").agent_id == "ann"


def test_time_stands_still_in_a_closed_queue() -> None:
    skilled = general(
        requirements=Requirements(queue="general", skills=(("german", 3),)),
        steps=(Step(after=timedelta(hours=2), dropped=frozenset({"german"})),),
    )
    desk = Desk.of(agent("ann"), rules=[skilled], queues=[OFFICE_HOURS])
    desk.after(hours=7)
    desk.open("one")
    desk.after(hours=1)
    desk.after(hours=16, minutes=59)
    assert desk.asked("one") == []
    desk.after(hours=1, minutes=1)
    assert desk.asked("one") == ["ann"]


def test_a_step_that_waits_for_nobody_does_not_open_while_its_queue_is_closed() -> None:
    skilled = general(
        requirements=Requirements(queue="general", skills=(("german", 3),)),
        steps=(Step(after=timedelta(hours=2), dropped=frozenset({"german"}), opens_early=True),),
    )
    desk = Desk.of(agent("ann"), rules=[skilled], queues=[OFFICE_HOURS])
    desk.after(hours=9)
    desk.open("one")
    assert desk.item("one").step == 0
    desk.after(hours=15)
    assert desk.asked("one") == ["ann"]


def test_what_absent_people_have_goes_back_in_the_hours_of_its_queue() -> None:
    desk = Desk.of(agent("ann"), agent("bob"), queues=[replace(OFFICE_HOURS, offer_mode=OfferMode.AUTO)])
    desk.open("one")
    desk.after(hours=7, minutes=50)
    desk.set_state("ann", AgentState.OFFLINE)
    desk.after(hours=16, minutes=12)
    assert desk.item("one").agent_id == "ann"
    desk.after(minutes=3)
    assert desk.item("one").agent_id == "bob"


def test_a_queue_that_opened_while_nobody_looked_gives_out_what_waits() -> None:
    desk = Desk.of(agent("ann"), queues=[OFFICE_HOURS])
    desk.after(hours=9)
    desk.open("one")
    # As after a restart: everything is made anew from what was stored, as of when something was decided last.
    desk.state = restored(desk.state, desk.now, Random(1))
    desk.now += timedelta(hours=15)
    at = next_due_at(desk.state)
    assert at is not None
    assert desk.now - timedelta(hours=1) < at <= desk.now
    desk.after(seconds=0)
    assert desk.asked("one") == ["ann"]


def test_what_ends_before_a_closing_is_queued_as_then_however_late_it_is_decided() -> None:
    wrapping = replace(OFFICE_HOURS, offer_mode=OfferMode.AUTO, wrap_up=timedelta(minutes=10), closed_to="evening")
    call = {"channel_kind": ChannelKind.VOICE}
    queued_in = []
    for restarts in (False, True):
        desk = Desk.of(agent("ann"), queues=[wrapping, Queue(queue_id="evening")])
        desk.open("one", **call)
        desk.after(hours=7, minutes=45)
        desk.feed(inputs.CallEnded(ticket_id=ticket_id("one"), call_id=ticket_id("call")))
        if restarts:
            desk.state = restored(desk.state, desk.now, Random(1))
        # The wrap-up ends at 16:55, the queue closes at 17:00, and nobody looks before 18:00.
        made = desk.after(hours=1, minutes=15)
        queued_in += [each.base.queue for each in made if isinstance(each, d.WorkQueued)]
    assert queued_in == ["general", "general"]


def test_steps_open_early_where_a_queue_opens_not_where_it_is_open_for_longer() -> None:
    pulled = replace(OFFICE_HOURS, offer_mode=OfferMode.PULL)
    steps = (Step(after=timedelta(hours=2), queue="other", opens_early=True),)
    desk = Desk.of(agent("ann"), rules=[general(steps=steps)], queues=[pulled, Queue(queue_id="other")])
    desk.open("one")
    assert desk.item("one").step == 0, "ann may take it"
    desk.set_state("ann", AgentState.AWAY)
    opening = desk.state.opening("general")
    desk.state.turn("general", opening)
    desk.feed(inputs.Tick())
    assert desk.item("one").step == 0


def test_steps_open_early_where_a_configuration_opens_a_queue() -> None:
    steps = (Step(after=timedelta(hours=2), queue="other", opens_early=True),)
    other = agent("ann", queues=frozenset({"other"}))
    queues = [OFFICE_HOURS, Queue(queue_id="other")]
    desk = Desk.of(other, rules=[general(steps=steps)], queues=queues)
    desk.after(hours=9)
    desk.open("one")
    assert desk.item("one").requirements.queue == "general"
    desk.configure(other, rules=[general(steps=steps)], queues=[Queue(queue_id="general"), queues[1]])
    assert desk.asked("one") == ["ann"]


def test_who_is_away_when_their_next_shift_begins_keeps_their_mails() -> None:
    hours = ("09:00-10:00", "10:05-17:00")
    shifts = Calendar(time_zone="UTC", weekly={day: tuple(map(parse_hours, hours)) for day in range(7)})
    queue = Queue(queue_id="general", offer_mode=OfferMode.AUTO, return_after=timedelta(minutes=15))
    desk = Desk.of(agent("ann", duty=Duty(shifts=shifts)), queues=[queue])
    desk.open("t")
    desk.set_state("ann", AgentState.AWAY)
    desk.now = START.replace(hour=10)
    assert kinds(desk.feed(inputs.Tick())) == ["DutyTurned", "ReturnScheduled"]
    assert kinds(desk.after(minutes=5)) == ["DutyTurned", "ReturnScheduled"]
    desk.after(hours=1)
    assert desk.item("t").agent_id == "ann"


def test_a_shift_that_begins_brings_no_page_back_for_which_chats_wait() -> None:
    hours = ("09:00-10:00", "10:05-17:00")
    shifts = Calendar(time_zone="UTC", weekly={day: tuple(map(parse_hours, hours)) for day in range(7)})
    queue = Queue(queue_id="general", offer_mode=OfferMode.AUTO, reconnect_within=timedelta(minutes=30))
    desk = Desk.of(agent("ann", duty=Duty(shifts=shifts)), queues=[queue])
    desk.feed(inputs.Connected(agent_id="ann"))
    desk.open("t", channel_kind=ChannelKind.CHAT)
    desk.now = START.replace(hour=10)
    desk.feed(inputs.Tick())
    desk.feed(inputs.Disconnected(agent_ids=("ann",)))
    desk.set_state("ann", AgentState.AWAY)
    assert desk.item("t").return_at is not None
    assert kinds(desk.after(minutes=5)) == ["ConnectionLost", "DutyTurned"]
    assert desk.item("t").return_at is not None
