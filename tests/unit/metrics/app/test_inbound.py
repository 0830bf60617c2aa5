"""From events to facts: what each history comes to, whatever the order between its subjects."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.app.inbound import agent_after, agents_of, observed, tickets_of
from services.metrics.domain.agent import TrackedAgent
from services.metrics.domain.fact import Fact, FactKind
from services.metrics.domain.rollup import EMPTY, Cell, CellKey, cells_of, corrected, deltas
from services.metrics.domain.tracked import (
    TicketKey,
    TrackedTicket,
    changes_between,
    facts_of,
    standing_of,
)
from shared.errors import IllegalTransition, InvalidInput
from shared.events.envelope import Event
from shared.events.escalations import SlaClockSnapshotV1
from shared.events.routing import WorkOfferedV1, WorkSnapshotV1
from shared.events.tickets import TicketSnapshotV1
from shared.vocabulary import (
    ActorKind,
    AgentState,
    AuthorKind,
    ChannelKind,
    ClockState,
    MachineClass,
    Priority,
    Purpose,
    SlaMetric,
    SurveyKind,
    TicketStatus,
    WorkState,
)
from tests.scribe import Scribe, facts, uid

START = datetime(2026, 11, 21, 9, 50, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def folded(events: Sequence[Event], ticket: str = "t") -> TrackedTicket:
    tracked = TrackedTicket(workspace_id="acme", ticket_id=uid(ticket))
    for event, data in tickets_of(events):
        if data.ticket_id == uid(ticket):
            tracked = observed(tracked, event, data)
    return tracked


def found(events: Sequence[Event], kind: FactKind, ticket: str = "t") -> list[Fact]:
    return [fact for fact in facts_of(folded(events, ticket)).values() if fact.kind is kind]


def only(events: Sequence[Event], kind: FactKind) -> Fact:
    (fact,) = found(events, kind)
    return fact


def minutes(fact: Fact) -> float:
    return fact.value / 60_000_000


def golden() -> Scribe:
    """The golden timeline of the service levels, in minutes."""
    s, new, open_ = Scribe("acme"), TicketStatus.NEW, TicketStatus.OPEN
    s.opened("t", at(0))
    s.queued("t", at(0))
    s.assigned("t", at(10))
    s.went("t", at(10), new, open_, agent=None, cause="assigned")
    s.replied("t", at(30))
    s.went("t", at(30), open_, TicketStatus.PENDING)
    s.asked("t", at(90))
    s.went("t", at(90), TicketStatus.PENDING, open_, agent=None)
    s.asked("t", at(100))
    s.replied("t", at(130))
    s.went("t", at(130), open_, TicketStatus.ON_HOLD)
    s.went("t", at(250), TicketStatus.ON_HOLD, open_)
    s.replied("t", at(260))
    s.went("t", at(300), open_, TicketStatus.SOLVED)
    s.completed("t", at(300))
    s.asked("t", at(1740))
    s.went("t", at(1740), TicketStatus.SOLVED, open_, agent=None, cause="reopen")
    s.queued("t", at(1740), work="second")
    s.assigned("t", at(1745), agent="bob", work="second")
    s.replied("t", at(1770), agent="bob")
    s.went("t", at(1770), open_, TicketStatus.SOLVED, agent="bob")
    return s


def test_the_golden_timeline() -> None:
    events = golden().events
    assert minutes(only(events, FactKind.ASSIGNED)) == 10
    assert minutes(only(events, FactKind.FIRST_REPLIED)) == 30
    assert minutes(only(events, FactKind.RESOLVED)) == 1770
    assert only(events, FactKind.RESOLVED).place.agent_id == "bob"
    assert only(events, FactKind.FIRST_REPLIED).place.agent_id == "ada"


def test_reopening_takes_the_resolution_back_until_it_is_solved_again() -> None:
    events = golden().events
    first = next(i for i, event in enumerate(events) if "reopen" in repr(getattr(event.data, "cause", "")))
    assert minutes(only(events[:first], FactKind.RESOLVED)) == 300
    assert found(events[: first + 1], FactKind.RESOLVED) == []


def test_only_an_agents_reply_to_a_customer_is_a_first_reply() -> None:
    s = Scribe("acme")
    s.opened("t", at(0), by=ActorKind.AGENT)
    s.replied("t", at(1))
    assert found(s.events, FactKind.FIRST_REPLIED) == []
    s.asked("t", at(2), machine=MachineClass.AUTO_REPLY)
    s.asked("t", at(2.5), is_public=False)
    s.replied("t", at(3))
    assert found(s.events, FactKind.FIRST_REPLIED) == []
    s.asked("t", at(5))
    s.replied("t", at(6), kind=AuthorKind.BOT, agent=None)
    s.replied("t", at(7), kind=AuthorKind.SYSTEM, agent=None, purpose=Purpose.ACK)
    s.replied("t", at(8), purpose=Purpose.SURVEY)
    assert found(s.events, FactKind.FIRST_REPLIED) == []
    s.replied("t", at(9), agent="bob")
    s.replied("t", at(20))
    fact = only(s.events, FactKind.FIRST_REPLIED)
    assert (minutes(fact), fact.place.agent_id, fact.started_at) == (4, "bob", at(5))


def test_what_happens_before_the_ticket_is_known_waits_for_it() -> None:
    s = Scribe("acme")
    s.queued("t", at(0), queue="sales", tier=2)
    s.assigned("t", at(3), queue="sales", tier=2)
    s.met("t", at(4))
    assert facts_of(folded(s.events)) == {}
    assert standing_of(folded(s.events)) is None
    s.opened("t", at(0), channel="chat")
    fact = only(s.events, FactKind.ASSIGNED)
    assert (fact.place.queue, fact.place.channel, fact.place.support_tier) == ("sales", "chat", 2)
    assert only(s.events, FactKind.OPENED).place.queue == "sales"
    assert only(s.events, FactKind.CLOCK_MET).place.agent_id == "ada"


def test_a_ticket_counts_where_it_was_at_that_moment() -> None:
    s = Scribe("acme")
    s.opened("t", at(0))
    s.queued("t", at(0), queue="first")
    s.requeued("t", at(5), previous=WorkState.QUEUED, previous_queue="first", queue="second", tier=2)
    s.assigned("t", at(9), queue="second", tier=2)
    s.replied("t", at(10))
    s.requeued("t", at(11), previous_queue="second", queue="third", tier=3)
    s.went("t", at(12), TicketStatus.OPEN, TicketStatus.SOLVED)
    assert only(s.events, FactKind.OPENED).place.queue == "first"
    assert only(s.events, FactKind.FIRST_REPLIED).place.queue == "second"
    assert only(s.events, FactKind.RESOLVED).place.queue == "third"


def test_waiting_goes_on_through_an_offer_and_begins_anew_in_another_queue() -> None:
    s = Scribe("acme")
    s.opened("t", at(0))
    s.queued("t", at(1))
    s.requeued("t", at(2), previous=WorkState.OFFERED)
    standing = standing_of(folded(s.events))
    assert standing is not None
    assert standing.waiting_since == at(1)
    s.requeued("t", at(3), previous=WorkState.OFFERED, queue="sales")
    standing = standing_of(folded(s.events))
    assert standing is not None
    assert (standing.waiting_since, standing.place.queue) == (at(3), "sales")
    s.assigned("t", at(4), queue="sales")
    standing = standing_of(folded(s.events))
    assert standing is not None
    assert (standing.waiting_since, standing.place.agent_id) == (None, "ada")
    s.requeued("t", at(5), previous_queue="sales", queue="sales")
    standing = standing_of(folded(s.events))
    assert standing is not None
    assert (standing.waiting_since, standing.place.agent_id) == (at(5), None)


def test_solved_and_ended_work_leaves_nothing_in_the_gauges() -> None:
    s = golden()
    s.completed("t", at(1771), work="second")
    assert standing_of(folded(s.events)) is None


def test_a_merged_ticket_leaves_backlog_and_resolution_and_stays_in_volume() -> None:
    s = golden()
    s.merged("t", at(1800), "other")
    tracked = folded(s.events)
    assert standing_of(tracked) is None
    assert found(s.events, FactKind.RESOLVED) == []
    assert len(found(s.events, FactKind.OPENED)) == 1
    assert len(found(s.events, FactKind.FIRST_REPLIED)) == 1


def test_spam_counts_in_raw_volume_only_and_counts_again_when_it_was_none() -> None:
    s = golden()
    s.updated("t", at(1800), labels={"spam": "true"})
    assert {fact.kind for fact in facts_of(folded(s.events)).values()} == {FactKind.OPENED}
    assert standing_of(folded(s.events)) is None
    s.updated("t", at(1801), labels={"spam": "false"})
    assert minutes(only(s.events, FactKind.RESOLVED)) == 1770


def test_a_breach_counts_when_it_was_due_and_with_who_had_it() -> None:
    s = Scribe("acme")
    s.opened("t", at(0))
    s.queued("t", at(0))
    s.breached("t", at(60), agent="eve", queue="sales", late=timedelta(hours=2))
    s.stopped_late("t", at(200))
    fact = only(s.events, FactKind.CLOCK_BREACHED)
    assert (fact.ended_at, fact.place.agent_id, fact.place.queue, fact.aspect) == (
        at(60),
        "eve",
        "sales",
        "first_reply",
    )


def test_a_withdrawn_breach_never_was() -> None:
    s = Scribe("acme")
    s.opened("t", at(0))
    breach = s.breached("t", at(60))
    s.withdrawn("t", at(61), breach)
    s.met("t", at(59))
    assert found(s.events, FactKind.CLOCK_BREACHED) == []
    assert only(s.events, FactKind.CLOCK_MET).business_value == 60_000_000


def test_a_breach_is_final_and_generations_are_counted_apart() -> None:
    s = Scribe("acme")
    s.opened("t", at(0))
    s.breached("t", at(60))
    s.met("t", at(70))
    s.met("t", at(80), generation=2)
    assert len(found(s.events, FactKind.CLOCK_BREACHED)) == 1
    assert len(found(s.events, FactKind.CLOCK_MET)) == 1


def test_a_ticket_cannot_begin_in_the_middle() -> None:
    s = Scribe("acme")
    s.replied("t", at(1))
    with pytest.raises(IllegalTransition):
        folded(s.events)


@pytest.mark.parametrize("what", ["tier", "elapsed", "name", "nul", "channel", "time", "due"])
def test_what_no_number_can_be_made_of_is_refused_at_once(what: str) -> None:
    s = Scribe("acme")
    match what:
        case "tier":
            s.queued("t", at(0), tier=100_000)
        case "elapsed":
            s.met("t", at(0), elapsed_s=1e30)
        case "name":
            s.queued("t", at(0), queue="x" * 201)
        case "nul":
            s.assigned("t", at(0), agent="a\0b")
        case "channel":
            s.opened("t", at(0), channel="x" * 201)
        case "time":
            s.queued("t", datetime(2100, 1, 1, tzinfo=UTC))
        case _:
            s.breached("t", datetime(1999, 12, 31, tzinfo=UTC))
    with pytest.raises(InvalidInput):
        folded(s.events)


def a_snapshot(s: Scribe, sequence: int, minute: float, **fields: object) -> Event:
    s.sequences[f"ticket/{uid('t')}"] = sequence - 1
    known: dict[str, object] = {
        "ticket_id": uid("t"),
        "ticket_number": 1,
        "facts": facts("chat"),
        "status": TicketStatus.SOLVED,
        "opened_by": ActorKind.CUSTOMER,
        "opened_at": at(0),
        "first_replied_at": at(30),
        "solved_at": at(300),
        "merged_into": None,
    }
    return s.tell(TicketSnapshotV1.model_validate({**known, **fields}), at(minute))


def test_a_snapshot_stands_for_a_lost_history() -> None:
    s = Scribe("acme")
    a_snapshot(s, 20, 400)
    s.sequences[f"work/{uid('w')}"] = 6
    s.tell(
        WorkSnapshotV1(
            work_id=uid("w"),
            ticket_id=uid("t"),
            state=WorkState.ASSIGNED,
            queue="billing",
            support_tier=2,
            priority=Priority.NORMAL,
            channel="chat",
            channel_kind=ChannelKind.CHAT,
            skills=(),
            queued_at=at(1),
            agent_id="ada",
            assigned_at=at(10),
        ),
        at(400),
    )
    s.tell(
        SlaClockSnapshotV1(
            clock_id=uid("c"),
            ticket_id=uid("t"),
            metric=SlaMetric.TOTAL_RESOLUTION,
            generation=1,
            policy="standard",
            state=ClockState.BREACHED,
            target_s=60,
            elapsed_s=60,
            due_at=at(200),
        ),
        at(400),
    )
    assert minutes(only(s.events, FactKind.ASSIGNED)) == 10
    assert minutes(only(s.events, FactKind.FIRST_REPLIED)) == 30
    assert minutes(only(s.events, FactKind.RESOLVED)) == 300
    assert only(s.events, FactKind.CLOCK_BREACHED).ended_at == at(200)
    assert only(s.events, FactKind.OPENED).place.queue == "billing"


def test_a_snapshot_that_agrees_keeps_what_was_known() -> None:
    s = golden()
    before = facts_of(folded(s.events))
    channel = facts("email")
    a_snapshot(s, 30, 1800, facts=channel, solved_at=at(1770))
    assert facts_of(folded(s.events)) == before


def test_a_snapshot_that_knows_of_a_reopening_takes_the_resolution_back() -> None:
    s = golden()
    a_snapshot(s, 30, 1800, status=TicketStatus.OPEN, solved_at=None)
    assert found(s.events, FactKind.RESOLVED) == []


def test_an_agent_is_what_was_last_told() -> None:
    s = Scribe("acme")
    s.agent("ada", at(0), queues=("billing", "sales"), tier=2)
    s.state("ada", at(1), AgentState.AVAILABLE)
    s.state("ada", at(2), AgentState.AVAILABLE)
    agent = TrackedAgent(workspace_id="acme", agent_id="ada")
    for event, data in agents_of(s.events):
        agent = agent_after(agent, event, data)
    assert (agent.state, agent.since, agent.queues) == (AgentState.AVAILABLE, at(1), ("billing", "sales"))
    assert len(agent.scopes()) == 5
    (event, data) = agents_of([s.agent("ada", at(3), removed=True)])[0]
    assert agent_after(agent, event, data).scopes() == []


def test_an_agent_off_duty_counts_as_that_until_duty_begins() -> None:
    s = Scribe("acme")
    s.state("ada", at(1), AgentState.AVAILABLE)
    s.state("ada", at(2), AgentState.AVAILABLE, is_on_duty=False)
    s.state("ada", at(3), AgentState.OFFLINE, is_on_duty=False)
    s.state("ada", at(4), AgentState.AVAILABLE, is_on_duty=True)
    agent, seen = TrackedAgent(workspace_id="acme", agent_id="ada"), []
    for event, data in agents_of(s.events):
        agent = agent_after(agent, event, data)
        seen.append((agent.presence, agent.since))
    assert seen == [("available", at(1)), ("off_duty", at(2)), ("offline", at(3)), ("available", at(4))]


# --- any interleaving --------------------------------------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Two tickets with work items, moves, clocks and withdrawals, at random moments of two hours."""
    s = Scribe("acme")
    for ticket in ("t", "u"):
        moments = sorted(draw(st.lists(st.integers(0, 120), min_size=12, max_size=12)))
        clock = iter(at(moment) for moment in moments)
        s.opened(ticket, next(clock), channel=draw(st.sampled_from(["email", "chat"])))
        s.queued(ticket, next(clock), queue=draw(st.sampled_from(["a", "b"])))
        if draw(st.booleans()):
            s.requeued(ticket, next(clock), previous=WorkState.OFFERED, previous_queue="a", queue="b", tier=2)
        s.assigned(ticket, next(clock), agent=draw(st.sampled_from(["ada", "bob"])), queue="b", tier=2)
        if draw(st.booleans()):
            s.replied(ticket, next(clock), agent="ada")
        s.went(ticket, next(clock), TicketStatus.OPEN, TicketStatus.SOLVED)
        s.completed(ticket, next(clock), queue="b")
        if draw(st.booleans()):
            s.went(ticket, next(clock), TicketStatus.SOLVED, TicketStatus.OPEN, agent=None, cause="reopen")
            s.queued(ticket, next(clock), queue="a", work=f"{ticket}/second")
            if draw(st.booleans()):
                s.went(ticket, next(clock), TicketStatus.OPEN, TicketStatus.SOLVED)
        breach = s.breached(ticket, at(draw(st.integers(0, 120))))
        if draw(st.booleans()):
            s.withdrawn(ticket, at(130), breach)
            s.met(ticket, at(131))
        s.met(ticket, at(draw(st.integers(0, 120))), metric=SlaMetric.TOTAL_RESOLUTION)
        if draw(st.booleans()):
            s.updated(ticket, at(140), labels={"spam": "true"})
    return s.events


def interleaved(draw: st.DrawFn, events: Sequence[Event]) -> list[Event]:
    """The same events in another order that keeps each subject's own."""
    left: dict[str, list[Event]] = {}
    for event in events:
        left.setdefault(event.subject, []).append(event)
    result: list[Event] = []
    while left:
        subject = draw(st.sampled_from(sorted(left)))
        result.append(left[subject].pop(0))
        if not left[subject]:
            del left[subject]
    return result


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_interleaving_in_any_batches_gives_the_same_facts_rollups_and_gauges(data: st.DataObject) -> None:
    events = data.draw(histories())
    shuffled = data.draw(st.composite(lambda draw: interleaved(draw, events))())
    tickets: dict[TicketKey, TrackedTicket] = {}
    cells: dict[CellKey, Cell] = {}
    stored: dict[object, Fact] = {}
    while shuffled:
        size = data.draw(st.integers(1, 12))
        batch, shuffled = shuffled[:size], shuffled[size:]
        before = dict(tickets)
        for event, about in tickets_of(batch):
            key = TicketKey("acme", about.ticket_id)
            known = tickets.get(key) or TrackedTicket(workspace_id="acme", ticket_id=about.ticket_id)
            before.setdefault(key, TrackedTicket(workspace_id="acme", ticket_id=about.ticket_id))
            tickets[key] = observed(known, event, about)
        changes = changes_between((before[key], ticket) for key, ticket in tickets.items())
        for fact in changes.removed:
            del stored[fact.fact_id]
        stored |= {fact.fact_id: fact for fact in changes.added}
        for place, delta in deltas(changes.added, changes.removed).items():
            cell = corrected(cells.get(place, EMPTY), delta.added, delta.removed)
            assert cell is not None, "few values never need a new count"
            cells[place] = cell
    final = {name: folded(events, name) for name in ("t", "u")}
    expected = {key: fact for ticket in final.values() for key, fact in facts_of(ticket).items()}
    assert stored == expected
    values: dict[CellKey, list[int]] = {}
    for fact in expected.values():
        for place in cells_of(fact):
            values.setdefault(place, []).append(fact.value)
    assert {place: cell for place, cell in cells.items() if cell.count} == {
        place: Cell.of(group) for place, group in values.items()
    }
    assert {ticket.ticket_id: standing_of(ticket) for ticket in tickets.values()} == {
        ticket.ticket_id: standing_of(ticket) for ticket in final.values()
    }


def test_the_end_of_a_call_says_nothing_here_and_hinders_nothing() -> None:
    s = Scribe("acme")
    s.opened("t", at(0))
    without = facts_of(folded(s.events))
    s.call_ended("t", at(2))
    assert facts_of(folded(s.events)) == without


@pytest.mark.parametrize(
    ("kind", "scale", "score", "opinion"),
    [
        (SurveyKind.CSAT, 5, 5, "good"),
        (SurveyKind.CSAT, 5, 4, "good"),
        (SurveyKind.CSAT, 5, 3, "bad"),
        (SurveyKind.CSAT, 7, 6, "good"),
        (SurveyKind.CSAT, 3, 1, "bad"),
        (SurveyKind.NPS, 10, 9, "good"),
        (SurveyKind.NPS, 10, 8, "neutral"),
        (SurveyKind.NPS, 10, 6, "bad"),
    ],
)
def test_a_rating_is_the_solvers(kind: SurveyKind, scale: int, score: int, opinion: str) -> None:
    s = golden()
    s.rated("t", at(3000), score, kind=kind, scale=scale, agent="grace")
    fact = only(s.events, FactKind.NPS_RATED if kind is SurveyKind.NPS else FactKind.CSAT_RATED)
    assert (fact.aspect, fact.value, fact.place.agent_id) == (opinion, score * 1_000_000, "grace")
    assert fact.ended_at == at(3000)


def test_a_newer_rating_replaces_and_a_merged_ticket_has_none() -> None:
    s = golden()
    s.rated("t", at(3000), 5)
    s.rated("t", at(3001), 1, revision=2)
    assert only(s.events, FactKind.CSAT_RATED).aspect == "bad"
    s.merged("t", at(3002), "other")
    assert found(s.events, FactKind.CSAT_RATED) == []


def test_a_score_that_cannot_be_counted_is_refused() -> None:
    s = golden()
    s.rated("t", at(3000), 10**15)
    with pytest.raises(InvalidInput, match="score"):
        folded(s.events)


def test_a_partner_counts_like_an_agent_and_what_it_gives_back_waits_anew() -> None:
    s = Scribe("acme")
    s.opened("t", at(0))
    s.queued("t", at(0), queue="field")
    s.assigned("t", at(2), agent="partner:field", queue="field")
    s.requeued("t", at(8), queue="billing", previous_queue="field")
    (assigned,) = found(s.events, FactKind.ASSIGNED)
    assert (assigned.place.agent_id, assigned.place.queue) == ("partner:field", "field")
    standing = standing_of(folded(s.events))
    assert standing is not None
    assert (standing.waiting_since, standing.place.queue, standing.place.agent_id) == (at(8), "billing", None)


def test_however_many_are_asked_at_once_a_ticket_is_assigned_once_and_waits_until_then() -> None:
    s = Scribe("acme")
    s.opened("t", at(0))
    s.queued("t", at(0))
    for number, agent in enumerate(("ann", "bob", "cid")):
        offered = WorkOfferedV1(
            work_id=uid("t/work"),
            ticket_id=uid("t"),
            offer_id=uid(f"offer-{number}"),
            agent_id=agent,
            queue="billing",
            support_tier=1,
            expires_at=at(3),
        )
        s.tell(offered, at(1))
    waiting = standing_of(folded(s.events))
    assert waiting is not None
    assert waiting.waiting_since == at(0)
    s.assigned("t", at(2), agent="bob")
    assert [fact.place.agent_id for fact in found(s.events, FactKind.ASSIGNED)] == ["bob"]
    taken = standing_of(folded(s.events))
    assert taken is not None
    assert taken.waiting_since is None
