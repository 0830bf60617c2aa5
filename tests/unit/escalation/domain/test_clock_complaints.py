"""What people complain of elsewhere: clocks that are wrong after a pause, a solution, a return, another policy."""

from dataclasses import replace

import pytest

from services.escalation.domain.promise import Measure
from services.escalation.domain.sla_clock import SlaClock, Turn
from services.escalation.domain.sla_policy import PolicyHistory
from services.escalation.domain.tracking import Tracked, anew, caught_up, forward
from shared.vocabulary import Agreement, ClockState, SlaMetric
from tests.unit.escalation.builders import Story, a_ticket, at, history, minutes, policies
from tests.unit.escalation.domain.test_changes import by_queue
from tests.unit.escalation.domain.test_tracking import kept

M = SlaMetric


def after(story: Story, policy: PolicyHistory, metric: SlaMetric, *, until: float | None = None) -> SlaClock:
    last = None if until is None else at(until)
    tracked = anew(a_ticket(), story.happenings, policy, until=last)
    return next(clock for clock in reversed(list(tracked.promised())) if clock.metric is metric)


def test_chatwoot_10178_the_next_reply_does_not_count_on_after_solving() -> None:
    """A last thank-you of the customer counted as unanswered for ever."""
    story = Story().opened(0).reply(5).customer(10).status(20, "solved")
    clock = after(story, history(policies({"next_reply": minutes(30)})), M.NEXT_REPLY, until=500)
    assert (clock.state, clock.elapsed, clock.breached_at) == (ClockState.CANCELLED, minutes(10), None)


def test_chatwoot_10178_another_team_has_the_policy_of_that_team() -> None:
    """A policy was applied once, and stayed whatever team the conversation went to."""
    policy = history(by_queue({"sales": minutes(100), "support": minutes(40)}))
    story = Story().opened(0).queued(0, "sales").requeued(10, "queued", "support")
    clock = after(story, policy, M.TOTAL_RESOLUTION)
    assert (clock.promise and clock.promise.policy, clock.due_at) == ("support", at(40))


@pytest.mark.parametrize("metric", [M.REQUESTER_WAIT, M.AGENT_WORK])
def test_glpi_1912_pending_time_is_not_in_the_result(metric: SlaMetric) -> None:
    """The final time counted what the ticket was pending."""
    story = Story().opened(0).status(10, "pending").status(100, "open").status(130, "solved")
    assert after(story, history(policies(minutes(600))), metric).elapsed == minutes(40)


@pytest.mark.parametrize("standing", ["pending", "open"])
def test_glpi_6902_and_15605_another_promise_counts_no_pause(standing: str) -> None:
    """A raised urgency brought another target, which counted from the opening with all of the pause."""
    policy = history(
        policies({"requester_wait": minutes(300)}, by_priority={"urgent": {"requester_wait": minutes(60)}})
    )
    story = Story().opened(0).status(10, "pending")
    if standing == "open":
        story.status(110, "open").updated(120, priority="urgent")
    else:
        story.updated(50, priority="urgent").status(110, "open")
    clock = after(story, policy, M.REQUESTER_WAIT, until=130)
    assert (clock.due_at, clock.breached_at) == (at(160), None)


def test_zammad_5177_updates_do_not_overrule_the_first_reply() -> None:
    """A shorter time for updates was due before the first reply was."""
    policy = history(policies({"first_reply": minutes(60), "periodic_update": minutes(10)}))
    tracked = forward(Tracked(a_ticket()), Story().opened(0).happenings, policy, until=at(30))
    assert [(clock.metric, clock.due_at) for clock in tracked.promised()] == [(M.FIRST_REPLY, at(60))]


def test_zammad_3140_who_has_answered_is_not_late_because_the_customer_is() -> None:
    """The update time escalated tickets whose last word was the agent's."""
    story = Story().opened(0).reply(5)
    policy = history(policies({"first_reply": minutes(60), "next_reply": minutes(20)}))
    tracked = forward(Tracked(a_ticket()), story.happenings, policy, until=at(900))
    assert [clock.state for clock in tracked.promised()] == [ClockState.MET]


def test_zammad_4353_a_promise_that_is_taken_back_ends_what_is_late() -> None:
    """Tickets stayed escalated under a policy that nobody had any more."""
    first = policies({"total_resolution": minutes(10)})
    nothing = replace(first, version=2, since=at(60), sla=())
    late = forward(Tracked(a_ticket()), Story().opened(0).happenings, history(first), until=at(30))
    gone = caught_up(kept(late), at(60), history(first, nothing))
    clock = gone.clocks[Measure(Agreement.SLA, M.TOTAL_RESOLUTION)]
    assert (clock.is_live, clock.history[-1].turn, clock.history[-1].cause) == (False, Turn.CANCELLED, "no_target")
    assert clock.breached_at == at(10), "what was late stays on record"


def test_frappe_helpdesk_1675_a_pause_moves_the_deadline() -> None:
    """The time to resolve stood as it was before the pause."""
    story = Story().opened(0).status(20, "on_hold").status(80, "open")
    assert after(story, history(policies({"agent_work": minutes(60)})), M.AGENT_WORK).due_at == at(120)


def test_zammad_a_flag_that_only_hides_timers_does_not_let_a_reopened_ticket_escalate_at_once() -> None:
    """Solved time does not count: who comes back in time has the rest of it."""
    story = Story().opened(0).status(20, "solved").status(500, "open")
    clock = after(story, history(policies({"total_resolution": minutes(60)})), M.TOTAL_RESOLUTION, until=510)
    assert (clock.due_at, clock.breached_at) == (at(540), None)


def test_libredesk_elapsed_time_is_not_cut_to_minutes() -> None:
    """Many short stretches of less than a minute each add up."""
    story = Story().opened(0)
    for turn in range(10):
        story.status(turn + 0.75, "pending").status(turn + 1, "open")
    clock = after(story, history(policies({"requester_wait": minutes(600)})), M.REQUESTER_WAIT)
    assert clock.elapsed == minutes(7.5)
