"""Calendars: what counts as open, and feeds that change what does."""

import json
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar as Document

from services.escalation.adapters import feed_rows
from shared.db.unit_of_work import Tx
from shared.errors import InvalidInput
from tests.eventually import eventually
from tests.integration.escalation.desk import Desk, target
from tests.integration.outside import Website
from tests.shards import shard_of

WEEK = {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def feed(*days: datetime) -> str:
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{day:%d}\r\nDTSTAMP:{datetime.now(UTC):%Y%m%dT%H%M%SZ}\r\n"
        f"DTSTART;VALUE=DATE:{day:%Y%m%d}\r\nSUMMARY:Closed, really; \\n\r\nEND:VEVENT\r\n"
        for day in days
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n"


async def state(desk: Desk) -> Any:
    answer = await desk.http.get("/v1/calendars/office")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def open_s(desk: Desk, day: datetime) -> float:
    window = {"from": f"{day:%Y-%m-%dT00:00:00Z}", "to": f"{day + timedelta(days=1):%Y-%m-%dT00:00:00Z}"}
    answer = await desk.http.get("/v1/calendars/office/hours", params=window)
    assert answer.status_code == 200, answer.text
    return float(answer.json()["open_s"])


async def a_day_later(desk: Desk) -> None:
    await desk.system.travel(timedelta(days=1))
    shard = str(shard_of(desk.workspace_id))
    await desk.rows("SELECT pg_notify('escalation_shards', :shard)", shard=shard)


async def test_a_feed_moves_due_times_and_while_it_fails_its_last_copy_holds(desk: Desk, website: Website) -> None:
    path = f"/{desk.workspace_id}.ics"
    day = desk.now() + timedelta(days=10)
    website.pages[path] = feed()
    calendar = {"id": "office", "time_zone": "UTC", "weekly": WEEK, "feeds": [{"url": website.url(path)}]}
    applied = await desk.configure(
        calendars=[calendar],
        sla_policies=[{"id": "p", "calendar": "office", "targets": [target("first_reply", "20d")]}],
    )
    assert await open_s(desk, day) == 86400
    opened = desk.opened("t", -5)
    await desk.tell()
    clock = await desk.clock("t", "first_reply")
    due_at = datetime.fromisoformat(clock["due_at"])
    assert due_at - opened.time == timedelta(days=20)

    # Another day is closed: open clocks are carried over, the configuration stays as it is.
    website.pages[path] = feed(day)
    await a_day_later(desk)
    await eventually(lambda: _is(open_s(desk, day), 0))
    moved = await desk.clock(
        "t", "first_reply", due_at=(due_at + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    )
    assert moved["policy_version"] == clock["policy_version"] + 1
    read = await desk.http.get("/v1/configuration")
    assert (read.json()["version"], read.headers["etag"]) == (applied["version"], f'"{applied["version"]}"')

    # It fails: what holds stays, and everybody can see it.
    website.answers[path] = [500]
    await a_day_later(desk)
    await eventually(lambda: _is_failing(desk, "the server answers 500"))
    assert await open_s(desk, day) == 0
    assert "waypost_calendar_feeds_failing 1.0" in (await desk.http.get("/metrics")).text

    # The same again under an older stamp: nothing new, and no longer failing.
    website.pages[path] = feed(day)
    await a_day_later(desk)
    await eventually(lambda: _is_failing(desk, None))
    assert (await desk.clock("t", "first_reply"))["policy_version"] == moved["policy_version"]

    # A change by hand needs no other version than the one that was read, and keeps what the feed closes.
    answer = await desk.http.put(
        "/v1/configuration", json={"calendars": [calendar]}, headers={"If-Match": read.headers["etag"]}
    )
    assert answer.status_code == 200, answer.text
    assert await open_s(desk, day) == 0


async def test_a_calendar_can_be_subscribed_to_and_its_hours_be_read(desk: Desk) -> None:
    day = (desk.now() + timedelta(days=3)).date()
    await desk.configure(
        calendars=[{"id": "office", "time_zone": "Asia/Kolkata", "weekly": WEEK, "closed": [day.isoformat()]}]
    )
    listed = (await desk.http.get("/v1/calendars")).json()["items"]
    assert [(item["id"], item["is_open"]) for item in listed] == [("office", True)]
    answer = await desk.http.get("/v1/calendars/office.ics")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    (event,) = Document.from_ical(answer.text).events
    assert (event.start, event.end) == (day, day + timedelta(days=1))
    assert event.uid == f"{day:%Y%m%d}-closed-office@{desk.workspace_id}.waypost"
    hours = (await desk.http.get("/v1/calendars/office/hours")).json()["items"]
    assert hours[0]["local_end"] == f"{day}T00:00:00+05:30"
    missing = [(await desk.http.get(f"/v1/calendars/{name}")).status_code for name in ("x", "x.ics", "x/hours")]
    assert missing == [404, 404, 404]
    late = await desk.http.get(
        "/v1/calendars/office/hours", params={"from": "2026-01-01T00:00:00Z", "to": "2028-01-01T00:00:00Z"}
    )
    assert late.status_code == 422
    for never in ("9999-12-31T00:00:00Z", "0001-01-01T00:00:00Z"):
        answer = await desk.http.get("/v1/calendars/office/hours", params={"from": never})
        assert [problem["pointer"] for problem in answer.json()["errors"]] == ["from"], answer.text


async def test_hours_that_feeds_close_wholly_are_refused_and_say_which(desk: Desk, website: Website) -> None:
    path, other = f"/{desk.workspace_id}/sundays.ics", f"/{desk.workspace_id}/other.ics"
    sunday = datetime(2026, 1, 4, tzinfo=UTC)
    website.pages[path] = feed(sunday).replace("SUMMARY", "RRULE:FREQ=WEEKLY\r\nSUMMARY")
    website.pages[other] = feed(sunday)
    feeds = [{"url": website.url(path)}, {"url": website.url(other)}]
    calendar = {"id": "office", "time_zone": "UTC", "weekly": WEEK, "feeds": feeds}
    await desk.configure(calendars=[{"id": "desk", "time_zone": "UTC", "weekly": WEEK}, calendar])
    await eventually(lambda: _are_fetched(desk))
    calendar["weekly"] = {"sun": ["09:00-17:00"]}
    part = {"calendars": [{"id": "desk", "time_zone": "UTC", "weekly": WEEK}, calendar]}
    refused = await desk.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
    tried = await desk.http.post("/v1/policies/sla/preview", json={**part, "sla_policies": []})
    for answer in (refused, tried):
        assert answer.status_code == 422, answer.text
        assert [problem["pointer"] for problem in answer.json()["errors"]] == ["/calendars/1"]


async def test_a_feed_that_keeps_changing_makes_fewer_and_fewer_versions(desk: Desk, website: Website) -> None:
    path, day = f"/{desk.workspace_id}/restless.ics", desk.now() + timedelta(days=20)
    website.pages[path] = feed()
    calendar = {"id": "office", "time_zone": "UTC", "weekly": WEEK, "feeds": [{"url": website.url(path)}]}
    await desk.configure(calendars=[calendar])
    await eventually(lambda: _are_fetched(desk))
    version = (await versions(desk))["version"]

    # Something else is closed at each hour: after one hour, 3, 7, 15 and 31 it is seen.
    for hour in range(1, 32):
        website.pages[path] = feed(day + timedelta(days=hour))
        await desk.system.travel(timedelta(hours=1, seconds=1))
        await eventually(lambda: _is_not_due(desk))
    assert (await versions(desk))["version"] == version + 5
    assert await _left_alone(desk) == timedelta(days=1)
    assert await open_s(desk, day + timedelta(days=31)) == 0

    # It stands still: before long it is fetched as others are, and a change of it is taken over at once.
    for hours in (12, 6, 3, 1.5, 1):
        await a_day_later(desk)
        await eventually(lambda: _is_not_due(desk))
        assert await _left_alone(desk) == timedelta(hours=hours)
    website.pages[path] = feed(day)
    await desk.system.travel(timedelta(hours=1, seconds=1))
    await eventually(lambda: _is(open_s(desk, day), 0))
    assert (await versions(desk))["version"] == version + 6


async def test_feeds_whose_copies_are_too_large_together_are_refused_one_by_one(
    desk: Desk, website: Website
) -> None:
    paths = [f"/{desk.workspace_id}/large-{number}.ics" for number in range(6)]
    zone = f"BEGIN:VTIMEZONE\r\nX-LONG:{'x' * 1_900_000}\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
    day = desk.now() + timedelta(days=10)
    for path in paths:
        website.pages[path] = feed(day).replace("BEGIN:VEVENT", zone)
    feeds = [{"url": website.url(path)} for path in paths]
    await desk.configure(calendars=[{"id": "office", "time_zone": "UTC", "weekly": WEEK, "feeds": feeds}])
    await eventually(lambda: _are_tried(desk), within_s=30)
    problem = "is larger than 10000000 characters together with the workspace's other feeds"
    states = (await state(desk))["feeds"]
    assert [each["problem"] for each in states] == [None] * 5 + [problem]
    assert [each["fetched_at"] is None for each in states] == [False] * 5 + [True]

    # There is room again once another one is small.
    website.pages[paths[0]] = feed(day)
    for _ in range(2):
        await a_day_later(desk)
        await eventually(lambda: _is_not_due(desk), within_s=30)
    assert await _are_fetched(desk)


async def test_feeds_that_close_too_much_in_all_calendars_together_are_refused(
    desk: Desk, website: Website
) -> None:
    path, day = f"/{desk.workspace_id}/minutes.ics", datetime(2020, 1, 1, tzinfo=UTC)
    hours = ",".join(map(str, range(0, 24, 2)))
    minutes = feed(day).replace("SUMMARY", f"DURATION:PT1M\r\nRRULE:FREQ=DAILY;BYHOUR={hours}\r\nSUMMARY")
    minutes = minutes.replace(f";VALUE=DATE:{day:%Y%m%d}", f":{day:%Y%m%d}T000000Z")

    def calendars(*ids: str) -> list[dict[str, Any]]:
        return [
            {"id": name, "time_zone": "UTC", "weekly": WEEK, "feeds": [{"url": website.url(path)}]} for name in ids
        ]

    website.pages[path] = feed()
    await desk.configure(calendars=calendars("office", "desk", "shop"))
    await eventually(lambda: _are_fetched(desk))
    website.pages[path] = minutes
    await a_day_later(desk)
    refused = "closes more than 50000 dates and times together with the workspace's other feeds"
    await eventually(lambda: _is_failing(desk, refused), within_s=30)
    assert await open_s(desk, desk.now() + timedelta(days=1)) == 86400

    # One calendar has room for it; more that follow it are refused.
    await desk.configure(calendars=calendars("office"))
    await eventually(lambda: _is(open_s(desk, desk.now() + timedelta(days=1)), 86400 - 12 * 60), within_s=30)
    part = {"calendars": calendars("office", "desk", "shop")}
    answer = await desk.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"] == [
        {"pointer": "/calendars", "detail": "have feeds that close more than 50000 dates and times in all"}
    ]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("DTSTART;VALUE=TEXT:20260101", "event 2: its DTSTART is not a date or a time"),
        ("DTSTART;VALUE=UNKNOWN:20260101", "event 2: its DTSTART is not a date or a time"),
        ("DTSTART;VALUE=DATE:20260101\r\nDURATION;VALUE=TEXT:P1D", "event 2: its DURATION is none"),
        ("DTSTART;VALUE=DATE:20260101\r\nRRULE;VALUE=DATE:20260101", "event 2: its RRULE is none"),
    ],
)
async def test_a_feed_with_a_property_of_another_type_fails_and_the_next_one_is_followed(
    desk: Desk, website: Website, lines: str, problem: str
) -> None:
    day = desk.now() + timedelta(days=10)
    paths = [f"/{desk.workspace_id}/{name}.ics" for name in ("broken", "good")]
    broken = f"BEGIN:VEVENT\r\nUID:x\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR"
    website.pages[paths[0]] = feed(day).replace("END:VCALENDAR", broken)
    website.pages[paths[1]] = feed()
    # The first event is left out, and counted all the same.
    feeds = [{"url": website.url(path), "leave_out": ["Closed, really; "]} for path in paths]
    await desk.configure(calendars=[{"id": "office", "time_zone": "UTC", "weekly": WEEK, "feeds": feeds}])
    await eventually(lambda: _are_tried(desk))
    await eventually(lambda: _is_not_due(desk))
    states = (await state(desk))["feeds"]
    assert [each["problem"] for each in states] == [problem, None]
    assert [each["fetched_at"] is None for each in states] == [True, False]
    # Of one host, and told apart without their addresses.
    assert [(each["index"], each["host"]) for each in states] == [(0, "127.0.0.1"), (1, "127.0.0.1")]
    assert not any(path in json.dumps(states) for path in paths)


async def test_what_nobody_foresaw_is_a_failure_of_that_feed_and_ends_no_process(
    desk: Desk, website: Website
) -> None:
    path, day = f"/{desk.workspace_id}.ics", desk.now() + timedelta(days=10)
    website.pages[path] = feed()
    calendar = {"id": "office", "time_zone": "UTC", "weekly": WEEK, "feeds": [{"url": website.url(path)}]}
    await desk.configure(calendars=[calendar])
    await eventually(lambda: _are_fetched(desk))
    changed = "UPDATE configuration SET body = jsonb_set(body, '{calendars,0,time_zone}', CAST(:zone AS jsonb))"
    changed += " WHERE workspace_id = :workspace RETURNING version"
    assert await desk.rows(changed, zone="7", workspace=desk.workspace_id)
    await a_day_later(desk)
    problem = "SELECT problem FROM calendar_feed WHERE workspace_id = :workspace AND next_at > :now"

    async def is_noted() -> bool:
        found = await desk.rows(problem, workspace=desk.workspace_id, now=desk.now())
        return [row.problem for row in found] == [
            "cannot be followed, for a reason that stands in the log of escalation"
        ]

    await eventually(is_noted)

    # It goes on, and what was wrong is over.
    assert await desk.rows(changed, zone='"UTC"', workspace=desk.workspace_id)
    website.pages[path] = feed(day)
    await a_day_later(desk)
    await eventually(lambda: _is(open_s(desk, day), 0))
    assert await _is_failing(desk, None)


async def test_a_document_that_cannot_be_read_or_closes_too_much_is_refused_when_it_is_saved(desk: Desk) -> None:
    hours = ",".join(map(str, range(24)))
    often = f"DTSTART:20200101T000000Z\nDURATION:PT1M\nRRULE:FREQ=DAILY;BYHOUR={hours}"
    year = desk.now().year - 1
    for lines, problem in (
        ("DTSTART;VALUE=TEXT:20260101", "ical 1: event 1: its DTSTART is not a date or a time"),
        ("DTSTART:20260101\nRRULE;VALUE=DATE:20260101", "ical 1: event 1: its RRULE is none"),
        (often, f"ical 1: closes more than 5000 times in {year}"),
    ):
        text = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR"
        calendar = {"id": "office", "time_zone": "UTC", "weekly": WEEK, "ical": [{"text": text}]}
        answer = await desk.http.put(
            "/v1/configuration", json={"calendars": [calendar]}, headers={"If-Match": "*"}
        )
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"] == [{"pointer": "/calendars/0", "detail": problem}]


async def test_one_feed_of_each_workspace_is_fetched_at_a_time(desk: Desk) -> None:
    shard, old = shard_of(desk.workspace_id), datetime(2020, 1, 1, tzinfo=UTC)
    other = f"{desk.workspace_id}-other"
    found: list[Sequence[tuple[str, str]]] = []

    async def unit(tx: Tx) -> None:
        await feed_rows.follow(tx, desk.workspace_id, shard, ["https://x.org/1", "https://x.org/2"], old)
        await feed_rows.follow(tx, other, shard, ["https://x.org/1"], old + timedelta(days=1))
        for busy in ([], [desk.workspace_id]):
            rows = await feed_rows.due(tx, shard, desk.now(), 2, busy)
            found.append([(row["workspace_id"], row["url"]) for row in rows])
        raise InvalidInput("Nothing of it stays.")

    database = desk.system.services["escalation"].runtime.database
    with pytest.raises(InvalidInput):
        await database.transact(unit, workspaces=[desk.workspace_id, other], claims=[shard])
    assert found[0] == [(desk.workspace_id, "https://x.org/1"), (other, "https://x.org/1")]
    assert found[1][0] == (other, "https://x.org/1")
    assert desk.workspace_id not in dict(found[1])


async def versions(desk: Desk) -> Any:
    answer = await desk.http.get("/v1/calendars")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _left_alone(desk: Desk) -> timedelta:
    """For how long after it was tried the feed is not fetched."""
    (found,) = (await state(desk))["feeds"]
    return datetime.fromisoformat(found["next_at"]) - datetime.fromisoformat(found["tried_at"])


async def _is_not_due(desk: Desk) -> bool:
    return all(datetime.fromisoformat(found["next_at"]) > desk.now() for found in (await state(desk))["feeds"])


async def _are_tried(desk: Desk) -> bool:
    return all(found["tried_at"] for found in (await state(desk))["feeds"])


async def _are_fetched(desk: Desk) -> bool:
    return all(found["fetched_at"] for found in (await state(desk))["feeds"])


async def _is(probed: Awaitable[object], expected: object) -> bool:
    return await probed == expected


async def _is_failing(desk: Desk, problem: str | None) -> bool:
    (found,) = (await state(desk))["feeds"]
    return (found["problem"], found["failing_since"] is not None) == (problem, problem is not None)
