"""Hours as they are written: shifts, time off, opening hours; and what is wrong with them."""

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from services.router.app.configuration import RouterPart, check, to_configuration
from services.router.domain.configuration import Configuration
from services.router.domain.hours import OffDuty, TimeOff
from shared.errors import InvalidInput

OFFICE = {"id": "office", "time_zone": "America/New_York", "weekly": {"mon": ["09:00-17:00"]}}


def configured(**part: object) -> Configuration:
    return to_configuration(1, RouterPart.model_validate({"time_zone": "Europe/Berlin", **part}))


def with_agent(**hours: object) -> dict[str, object]:
    return {"calendars": [OFFICE], "agents": [{"id": "ann", **hours}]}


def problems(**part: object) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        check(RouterPart.model_validate(part))
    return dict(refused.value.problems)


def test_shifts_are_read_on_the_workspace_s_clock_unless_the_agent_has_their_own() -> None:
    week = {"mon": ["09:00-17:00"]}
    for zone, opens in (({}, 8), ({"time_zone": "UTC"}, 9)):
        duty = configured(**with_agent(shifts=week, **zone)).agents["ann"].duty
        midnight = duty.at(datetime(2026, 11, 23, tzinfo=UTC))
        assert midnight.off_duty is OffDuty.OFF_SHIFT
        assert midnight.until == datetime(2026, 11, 23, opens, tzinfo=UTC)


def test_shifts_may_be_a_calendar_with_its_own_clock() -> None:
    decides = configured(**with_agent(shifts="office"))
    assert decides.agents["ann"].duty.shifts is decides.calendars["office"]


def test_agents_with_equal_shifts_share_them() -> None:
    agents = [{"id": name, "shifts": {"tue": ["22:00-30:00"]}} for name in ("ann", "bob")]
    decides = configured(agents=agents)
    assert decides.agents["ann"].duty is decides.agents["bob"].duty


@pytest.mark.parametrize(
    ("start", "end", "starts_at", "ends_at"),
    [
        ("2026-12-24", "2026-12-24", "2026-12-23T23:00", "2026-12-24T23:00"),
        (date(2026, 3, 29), date(2026, 3, 29), "2026-03-28T23:00", "2026-03-29T22:00"),
        ("2026-11-23T13:00", "2026-11-23T13:00:01", "2026-11-23T12:00", "2026-11-23T12:00:01"),
    ],
)
def test_time_off_is_whole_days_or_to_the_second(start: object, end: object, starts_at: str, ends_at: str) -> None:
    duty = configured(**with_agent(time_off=[{"start": start, "end": end}])).agents["ann"].duty
    wanted = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (starts_at, ends_at)]
    assert duty.time_off == (TimeOff(starts_at=wanted[0], ends_at=wanted[1]),)


@pytest.mark.parametrize("moment", ["2026-02-30", "2026-12-24T25:00", "24.12.2026", "2026-12-24T13:00:00Z", 5])
def test_what_is_no_day_is_refused(moment: object) -> None:
    with pytest.raises(ValidationError):
        RouterPart.model_validate(with_agent(time_off=[{"start": moment, "end": "2027-01-01"}]))


def test_hours_of_agents_are_refused_with_their_place() -> None:
    bad = [
        {"id": "ann", "shifts": "nowhere"},
        {"id": "bob", "shifts": {}},
        {"id": "cid", "shifts": {"mon": ["17:00-09:00"]}},
        {"id": "dot", "time_zone": "Mars/Olympus"},
        {"id": "eve", "time_off": [{"start": "2026-12-24", "end": "2026-12-23"}]},
    ]
    found = problems(agents=bad)
    assert list(found) == [
        "/agents/0/shifts",
        "/agents/1/shifts",
        "/agents/2/shifts",
        "/agents/3/time_zone",
        "/agents/4/time_off/0/end",
    ]
    assert found["/agents/0/shifts"] == "there is no calendar nowhere"


def test_a_queue_has_hours_of_its_own_or_those_of_a_calendar() -> None:
    queues = [
        {"id": "own", "hours": {"weekly": {"mon": ["09:00-17:00"]}, "closed": ["2026-11-23"]}},
        {"id": "office", "hours": "office"},
        {"id": "always"},
    ]
    decides = configured(calendars=[OFFICE], queues=queues, policy={"default": {"queue": "own"}})
    monday = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
    assert [decides.queue(name).opening(monday).is_open for name in ("own", "office", "always")] == [
        False,
        True,
        True,
    ]


def test_hours_of_queues_are_refused_with_their_place() -> None:
    hours = {"weekly": {"mon": ["09:00-17:00"]}}
    queues = [
        {"id": "default", "hours": "nowhere"},
        {"id": "empty", "hours": {}},
        {"id": "round", "hours": hours, "closed_to": "about"},
        {"id": "about", "hours": hours, "closed_to": "round"},
        {"id": "open", "closed_to": "default"},
        {"id": "lost", "hours": hours, "closed_to": "nowhere", "overflow": {"after": "0s", "to": "lost"}},
    ]
    assert problems(queues=queues) == {
        "/queues/0/hours": "there is no calendar nowhere",
        "/queues/1/hours": "never opens; leave it out for around the clock",
        "/queues/2/closed_to": "leads in a circle: round to about to round",
        "/queues/3/closed_to": "leads in a circle: about to round to about",
        "/queues/4/closed_to": "it never closes: give it `hours`, or leave this out",
        "/queues/5/closed_to": "there is no queue nowhere",
        "/queues/5/overflow/to": "its own agents are asked anyhow: name another queue",
        "/queues/5/overflow/after": "between 1s and 30d",
    }
