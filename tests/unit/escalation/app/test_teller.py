"""What the world is told of clocks: every line of a history, in an order that makes sense to a reader."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.escalation.app.ports import Case
from services.escalation.app.settling import Settling
from services.escalation.app.teller import Teller
from services.escalation.domain.clock_record import ClockRecord
from services.escalation.domain.tracking import Tracked, anew
from shared.ids import SystemIds
from tests.unit.escalation.builders import Story, a_ticket, at, history, minutes, policies


def told(story: Story, taken: int) -> list[tuple[str, datetime | None]]:
    """The events about the only promised clock, with the due times that they name."""
    by_priority = {"high": {"requester_wait": minutes(60)}}
    tracked = anew(
        a_ticket(), story.happenings[:taken], history(policies({}, by_priority=by_priority)), until=None
    )
    teller = Teller(workspace_id="acme", ticket=tracked.ticket, now=at(100), ids=SystemIds(), causes={})
    (clock,) = tracked.promised()
    record = teller.clock(None, clock, is_provisional=False)
    assert isinstance(record.told.clock_id, UUID)
    assert [news.event.sequence for news in teller.news] == list(range(1, record.told.sequence + 1))
    return [(news.event.type, getattr(news.event.data, "due_at", None)) for news in teller.news]


def test_a_promise_that_is_made_while_the_clock_stands_still_is_started_and_paused() -> None:
    story = Story().opened(0).status(10, "pending").updated(20, priority="high").status(30, "open")
    started, paused = told(story, 3)
    assert started == ("waypost.sla.clock_started.v1", at(70))
    assert paused == ("waypost.sla.clock_paused.v1", None)
    assert told(story, 4) == [started, paused, ("waypost.sla.clock_resumed.v1", at(80))]


def test_a_clock_that_proves_never_to_have_begun_takes_its_breach_back() -> None:
    policy = history(policies({"first_reply": minutes(60)}))
    late = anew(a_ticket(), Story().opened(0).happenings, policy, until=at(90))
    settling = Settling(ticket=late.ticket, now=at(90), ids=SystemIds(), history=policy)
    broken = settling.settle(Case(late.ticket), late)
    assert [short(news.event.type) for news in broken.news] == ["clock_started", "breached"]
    revised = anew(a_ticket(), Story().opened(0, by_customer=False).happenings, policy, until=at(90))
    assert not list(revised.promised())
    settling = Settling(ticket=revised.ticket, now=at(91), ids=SystemIds(), history=policy)
    settled = settling.settle(broken.case, Tracked(revised.ticket))
    assert [short(news.event.type) for news in settled.news] == ["breach_withdrawn", "clock_stopped"]
    (record,) = settled.case.clocks
    assert (record.clock.state, record.clock.breached_at, record.told.breaches) == ("cancelled", None, {})


def test_what_new_zone_data_count_otherwise_is_not_told_again() -> None:
    policy = history(policies({"requester_wait": minutes(60)}, warn_at=(50,)))
    story = Story().opened(0).status(10, "pending").status(20, "open")
    tracked = anew(a_ticket(), story.happenings, policy, until=at(90))
    settling = Settling(ticket=tracked.ticket, now=at(90), ids=SystemIds(), history=policy)
    before = settling.settle(Case(tracked.ticket), tracked).case
    (record,) = before.clocks
    assert record.clock.breached_at == at(70)
    # As a version wrote it that knew of no calendars, and counted a pause otherwise.
    older = tuple(replace(line, calendar=None, elapsed=line.elapsed + minutes(1)) for line in record.clock.history)
    told = replace(record.told, is_escalated=True, warned=50)
    stored = replace(before, clocks=(ClockRecord(replace(record.clock, history=older), told),))
    settling = Settling(ticket=tracked.ticket, now=at(95), ids=SystemIds(), history=policy)
    settled = settling.settle(stored, tracked)
    assert list(settled.news) == []
    (after,) = settled.case.clocks
    assert (after.told, after.clock.history) == (told, record.clock.history)


def short(name: str) -> str:
    return name.removeprefix("waypost.sla.").removesuffix(".v1")
